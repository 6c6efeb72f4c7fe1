#include "scaler/machine_json.hpp"

#include "scaler/machine_order.hpp"
#include "scaler/machine_template.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace muster::scaler {

namespace {

namespace json = boost::json;

constexpr std::array<std::pair<std::string_view, MachineState>, 5> states{
    {{"starting", MachineState::starting},
     {"running", MachineState::running},
     {"stopping", MachineState::stopping},
     {"stopped", MachineState::stopped},
     {"unknown", MachineState::unknown}}};

/// Ends the reading.
struct Wrong : std::runtime_error {
    using std::runtime_error::runtime_error;
};

const json::value& field(const json::object& from, std::string_view key) {
    const json::value* const value = from.if_contains(key);
    if (value == nullptr) throw Wrong(fmt::format("{} is missing", key));
    return *value;
}

std::string text_of(const json::object& from, std::string_view key, std::size_t most = 255) {
    const json::string* const text = field(from, key).if_string();
    if (text == nullptr) throw Wrong(fmt::format("{} must be a string", key));
    const bool clean = std::ranges::all_of(*text, [](char c) { return c >= ' ' && c <= '~'; });
    if (text->size() > most || !clean)
        throw Wrong(fmt::format("{} must be at most {} characters of visible ASCII", key, most));
    return {text->data(), text->size()};
}

MachineState state_of(const json::object& from) {
    const std::string word = text_of(from, "state");
    for (const auto& [name, state] : states)
        if (name == word) return state;
    throw Wrong("state must be starting, running, stopping, stopped or unknown");
}

Machine machine_of(const json::value& value, std::string_view cluster, const FleetName& fleet) {
    const json::object* const from = value.if_object();
    if (from == nullptr) throw Wrong("a machine must be an object");
    Machine machine{.id = InstanceId(text_of(*from, "id")),
                    .token = text_of(*from, "token"),
                    .state = state_of(*from)};
    const FleetName said(text_of(*from, "fleet"));
    if (!check_names(fleet, machine.id)) throw Wrong("id isn't one that muster gives");
    if (said != fleet) {
        throw Wrong(fmt::format("{} is of the fleet {}, and {} was asked for",
                                machine.id.str(),
                                said.str(),
                                fleet.str()));
    }
    if (from->contains("cluster") && text_of(*from, "cluster") != cluster) {
        throw Wrong(fmt::format("{} is of the cluster {}, and {} asks",
                                machine.id.str(),
                                text_of(*from, "cluster"),
                                cluster));
    }
    if (!is_machine_token(machine.token))
        throw Wrong(machine.id.str() + ": token must be the one that create was given");
    if (from->contains("address")) machine.address = text_of(*from, "address");
    if (from->contains("host")) machine.host = text_of(*from, "host");
    if (const json::value* const age = from->if_contains("age_seconds"); age != nullptr) {
        constexpr std::int64_t century = 3'155'760'000;
        if (!age->is_int64() || age->get_int64() < 0 || age->get_int64() > century)
            throw Wrong("age_seconds must be a whole number of seconds");
        machine.age = std::chrono::seconds(age->get_int64());
    }
    return machine;
}

json::value parse(std::string_view text) {
    if (text.size() > most_answer_bytes) throw Wrong("more than 1 MiB");
    json::error_code error;
    json::value value = json::parse(json::string_view(text.data(), text.size()), error);
    if (error) throw Wrong("not JSON: " + error.message());
    return value;
}

template <class Value, class Read>
tl::expected<Value, std::string> reading(Read read) {
    try {
        return read();
    } catch (const Wrong& wrong) {
        return tl::unexpected(std::string(wrong.what()));
    }
}

}  // namespace

tl::expected<Machine, std::string> parse_machine(std::string_view text,
                                                 std::string_view cluster,
                                                 const FleetName& fleet,
                                                 const InstanceId& id) {
    return reading<Machine>([&] {
        Machine machine = machine_of(parse(text), cluster, fleet);
        if (machine.id != id)
            throw Wrong(machine.id.str() + " is told of, and " + id.str() + " was asked for");
        return machine;
    });
}

tl::expected<Machines, std::string> parse_machines(std::string_view text,
                                                   std::string_view cluster,
                                                   const FleetName& fleet) {
    return reading<Machines>([&] {
        const json::value whole = parse(text);
        const json::object* const object = whole.if_object();
        if (object == nullptr) throw Wrong("must be an object");
        const bool* const complete = field(*object, "complete").if_bool();
        if (complete == nullptr) throw Wrong("complete must be true or false");
        const json::array* const all = field(*object, "machines").if_array();
        if (all == nullptr) throw Wrong("machines must be an array");
        if (all->size() > most_machines) throw Wrong("more than 10,000 machines");
        Machines machines{.machines = {}, .complete = *complete};
        for (const json::value& one : *all)
            machines.machines.push_back(machine_of(one, cluster, fleet));
        std::ranges::sort(machines.machines, {}, &Machine::id);
        const auto twice = std::ranges::adjacent_find(machines.machines, {}, &Machine::id);
        if (twice != machines.machines.end()) throw Wrong(twice->id.str() + " is there twice");
        return machines;
    });
}

std::string encode(const MachineOrder& order, std::string_view cluster) {
    json::object parameters;
    for (const auto& [name, value] : order.parameters) parameters[name] = value;
    return json::serialize(json::object{{"id", order.id.str()},
                                        {"fleet", order.fleet.str()},
                                        {"cluster", std::string(cluster)},
                                        {"token", order.token},
                                        {"host", order.host},
                                        {"parameters", std::move(parameters)}});
}

}  // namespace muster::scaler
