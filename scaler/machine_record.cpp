#include "scaler/machine_record.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <exception>
#include <stdexcept>

namespace muster::scaler {

namespace {

namespace json = boost::json;

constexpr std::int64_t format_version = 1;
constexpr std::size_t most_bytes = 1UZ << 20U;

std::string text_of(const json::object& from, std::string_view key) {
    const json::string& text = from.at(key).as_string();
    return {text.data(), text.size()};
}

template <class Number>
Number number_of(const json::object& from, std::string_view key) {
    return from.at(key).to_number<Number>();
}

json::object to_json(const ProcessId& process) {
    return {{"pid", process.pid}, {"start", process.start}};
}

ProcessId process_of(const json::object& from) {
    return {.pid = number_of<pid_t>(from, "pid"), .start = number_of<std::uint64_t>(from, "start")};
}

MachineProgram program_of(const json::object& from) {
    MachineProgram program{.name = text_of(from, "name"),
                           .argv = {},
                           .stop_signal = number_of<int>(from, "stop_signal"),
                           .wait_for = text_of(from, "wait_for")};
    for (const json::value& word : from.at("argv").as_array())
        program.argv.emplace_back(word.as_string().c_str());
    if (program.argv.empty()) throw std::runtime_error("a program without a path");
    return program;
}

template <class Value, class Read>
Result<Value> decode(std::string_view text, Read read) {
    if (text.size() > most_bytes)
        return fail(std::make_error_code(std::errc::file_too_large), "more than 1 MiB");
    try {
        const json::value whole = json::parse(json::string_view(text.data(), text.size()));
        const json::object& object = whole.as_object();
        if (number_of<std::int64_t>(object, "version") != format_version)
            throw std::runtime_error("of another version than 1");
        return read(object);
    } catch (const std::exception& error) {
        return fail(std::make_error_code(std::errc::bad_message), error.what());
    }
}

}  // namespace

std::string encode(const MachineRecord& record) {
    json::object ports;
    for (const auto& [name, port] : record.ports) ports[name] = port;
    json::array programs;
    for (const MachineProgram& program : record.programs) {
        programs.push_back(
            json::object{{"name", program.name},
                         {"argv", json::array(program.argv.begin(), program.argv.end())},
                         {"stop_signal", program.stop_signal},
                         {"wait_for", program.wait_for}});
    }
    json::object whole{{"version", format_version},
                       {"fleet", record.fleet.str()},
                       {"id", record.id.str()},
                       {"token", record.token},
                       {"directory", record.directory},
                       {"ip", record.ip},
                       {"address", record.address},
                       {"ports", std::move(ports)},
                       {"era", record.fence.era},
                       {"epoch", record.fence.epoch},
                       {"created", record.created.time_since_epoch().count()},
                       {"programs", std::move(programs)}};
    if (!record.cluster.empty()) whole["cluster"] = record.cluster;
    if (record.stopping) whole["stopping"] = record.stopping->time_since_epoch().count();
    return json::serialize(whole);
}

std::string encode(const MachineRun& run) {
    json::array programs;
    for (const ProgramRun& program : run.programs) {
        json::object one = to_json(program.process);
        if (program.exit) one["exit"] = *program.exit;
        programs.push_back(std::move(one));
    }
    return json::serialize(json::object{{"version", format_version},
                                        {"boot", run.boot},
                                        {"supervisor", to_json(run.supervisor)},
                                        {"started", run.started},
                                        {"programs", std::move(programs)}});
}

Result<MachineRecord> decode_machine_record(std::string_view text) {
    return decode<MachineRecord>(text, [](const json::object& from) {
        MachineRecord record{
            .cluster = from.contains("cluster") ? text_of(from, "cluster") : std::string(),
            .fleet = FleetName(text_of(from, "fleet")),
            .id = InstanceId(text_of(from, "id")),
            .token = text_of(from, "token"),
            .directory = text_of(from, "directory"),
            .ip = text_of(from, "ip"),
            .address = text_of(from, "address"),
            .ports = {},
            .fence = {.era = number_of<std::int64_t>(from, "era"),
                      .epoch = number_of<std::int64_t>(from, "epoch")},
            .created =
                WallTime(std::chrono::milliseconds(number_of<std::int64_t>(from, "created"))),
            .programs = {},
            .stopping = std::nullopt};
        for (const auto& [name, port] : from.at("ports").as_object())
            record.ports[name] = port.to_number<std::uint16_t>();
        for (const json::value& program : from.at("programs").as_array())
            record.programs.push_back(program_of(program.as_object()));
        if (from.contains("stopping")) {
            record.stopping =
                WallTime(std::chrono::milliseconds(number_of<std::int64_t>(from, "stopping")));
        }
        return record;
    });
}

Result<MachineRun> decode_machine_run(std::string_view text) {
    return decode<MachineRun>(text, [](const json::object& from) {
        MachineRun run{.boot = text_of(from, "boot"),
                       .supervisor = process_of(from.at("supervisor").as_object()),
                       .started = from.at("started").as_bool(),
                       .programs = {}};
        for (const json::value& value : from.at("programs").as_array()) {
            const json::object& one = value.as_object();
            ProgramRun& program = run.programs.emplace_back();
            program.process = process_of(one);
            if (one.contains("exit")) program.exit = number_of<int>(one, "exit");
        }
        return run;
    });
}

std::string machine_mark(const MachineRecord& record) {
    return record.directory + ":" + record.token;
}

}  // namespace muster::scaler
