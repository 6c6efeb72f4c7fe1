#include "scaler/systemd_provider.hpp"

#include "scaler/exec_provider.hpp"
#include "scaler/machine_json.hpp"
#include "scaler/machine_order.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

namespace muster::scaler {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto lock_limit = 5s;
constexpr int no_such_unit = 5;  ///< LSB's "not installed" (systemctl(1), exit status)

tl::unexpected<ProviderError> local(const Error& error) {
    return refuse(Trouble::transient, error.message());
}

std::string said_of(const ProgramCall& call, std::string_view what) {
    switch (call.end) {
        case ProgramCall::End::exited:
            return fmt::format("{}: exit code {}: {}", what, call.code, call.errors);
        case ProgramCall::End::timed_out:
            return fmt::format("{}: took too long", what);
        case ProgramCall::End::too_much_output:
            return fmt::format("{}: wrote more than 1 MiB", what);
        case ProgramCall::End::not_started:
            return fmt::format("{}: can't be started: {}", what, std::strerror(call.code));
    }
    return std::string(what);
}

bool succeeded(const ProgramCall& call) {
    return call.end == ProgramCall::End::exited && call.code == 0;
}

std::string environment_of(const MachineOrder& order, const MachineRecord& record) {
    std::string text = fmt::format(
        "MUSTER_ID={}\nMUSTER_CLUSTER={}\nMUSTER_FLEET={}\nMUSTER_TOKEN={}\nMUSTER_DIR={}\nMUSTER_"
        "IP={}\n"
        "MUSTER_ADDRESS={}\n",
        record.id.str(),
        record.cluster,
        record.fleet.str(),
        record.token,
        record.directory,
        record.ip,
        record.address);
    for (const auto& [name, value] : order.parameters)
        text += fmt::format("{}={}\n", parameter_variable(name), value);
    return text;
}

}  // namespace

tl::expected<std::map<std::string, std::string>, std::string> parse_unit_states(
    std::string_view text) {
    std::map<std::string, std::string> states;
    std::istringstream lines{std::string(text)};
    std::string id;
    std::string state;
    bool more = true;
    while (more) {
        std::string line;
        more = static_cast<bool>(std::getline(lines, line));
        if (more && line.starts_with("Id=")) {
            id = line.substr(3);
        } else if (more && line.starts_with("ActiveState=")) {
            state = line.substr(12);
        } else if (more && !line.empty()) {
            return tl::unexpected("not what systemctl show writes: " + line.substr(0, 100));
        } else if (!id.empty() && !state.empty()) {
            states[std::exchange(id, {})] = std::exchange(state, {});
        } else if (!id.empty() || !state.empty()) {
            return tl::unexpected(std::string("a unit without its Id or its ActiveState"));
        }
    }
    return states;
}

SystemdProvider::SystemdProvider(Clock& clock, SystemdProviderSettings settings)
    : clock_(clock),
      settings_(std::move(settings)),
      keeper_(clock, settings_.machines, settings_.on_step) {}

std::string SystemdProvider::unit_of(const InstanceId& id) const {
    // What ids are made of stands for itself in a unit's name (systemd.unit(5)).
    return settings_.unit + "@" + id.str() + ".service";
}

asio::awaitable<ProgramCall> SystemdProvider::systemctl(std::vector<std::string> words,
                                                        std::chrono::seconds more_time) {
    SpawnWish wish{.program = settings_.systemctl.at(0),
                   .arguments = {settings_.systemctl.begin() + 1, settings_.systemctl.end()},
                   .environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
                                   "/bin",
                                   "LC_ALL=C"}};
    for (std::string& word : words) wish.arguments.push_back(std::move(word));
    co_return co_await call_program(
        clock_,
        std::move(wish),
        {.time = settings_.timeout + more_time, .output_bytes = most_answer_bytes},
        settings_.effects);
}

asio::awaitable<ProviderResult<SystemdProvider::UnitStates>> SystemdProvider::show(
    std::string which) {
    const ProgramCall done =
        co_await systemctl({"show", "--property=Id,ActiveState", "--", std::move(which)});
    if (!succeeded(done)) co_return refuse(Trouble::transient, said_of(done, "systemctl show"));
    auto states = parse_unit_states(done.output);
    if (!states) co_return refuse(Trouble::transient, std::move(states.error()));
    co_return std::move(*states);
}

Machine SystemdProvider::describe(const MachineRecord& record, const UnitStates& states) const {
    Machine machine = keeper_.describe(record);
    const auto found = states.find(unit_of(record.id));
    const std::string state = found != states.end() ? found->second : "inactive";
    if (record.stopping || state == "deactivating") {
        machine.state = MachineState::stopping;
    } else if (state == "active" || state == "reloading" || state == "refreshing") {
        machine.state = MachineState::running;
    } else if (state == "activating") {
        machine.state = MachineState::starting;
    } else if (state == "inactive" || state == "failed") {
        machine.state = MachineState::stopped;
    }
    return machine;
}

asio::awaitable<ProviderResult<Machine>> SystemdProvider::get(FleetName fleet, InstanceId id) {
    if (auto named = check_names(fleet, id); !named) co_return tl::unexpected(named.error());
    const auto record = keeper_.store().read(fleet, id);
    if (!record) co_return local(record.error());
    if (!*record || !keeper_.is_ours(**record)) co_return absent(id);
    const auto states = co_await show(unit_of(id));
    if (!states) co_return tl::unexpected(states.error());
    co_return describe(**record, *states);
}

asio::awaitable<ProviderResult<Machines>> SystemdProvider::list(FleetName fleet) {
    if (auto named = check_names(fleet, InstanceId("x")); !named)
        co_return tl::unexpected(named.error());
    const auto ids = keeper_.store().ids(fleet);
    if (!ids) co_return local(ids.error());
    const auto states = co_await show(settings_.unit + "@*.service");
    if (!states) co_return tl::unexpected(states.error());
    Machines machines{.machines = {}, .complete = true};
    for (const InstanceId& id : *ids) {
        const auto record = keeper_.store().read(fleet, id);
        // Damaged: something is there, and more can't be said.
        if (!record) machines.machines.push_back({.id = id, .host = keeper_.host().str()});
        if (record && *record && keeper_.is_ours(**record))
            machines.machines.push_back(describe(**record, *states));
    }
    co_return machines;
}

/// The unit knows its instance's name alone.
ProviderResult<void> SystemdProvider::link(const MachineRecord& record) const {
    const fs::path folder = fs::path(settings_.machines.directory) / ".units";
    const fs::path name = folder / record.id.str();
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error) fs::create_symlink(record.directory, name, error);
    if (!error) return {};
    if (error == std::errc::file_exists && fs::read_symlink(name, error) == record.directory)
        return {};
    if (error) return refuse(Trouble::transient, name.string() + ": " + error.message());
    return refuse(Trouble::invalid, record.id.str() + " is the name of another fleet's unit");
}

asio::awaitable<ProviderResult<void>> SystemdProvider::start(MachineRecord record) {
    const auto held = co_await keeper_.take_machine(record, clock_.now() + lock_limit, [] {});
    if (!held) co_return tl::unexpected(held.error());
    // It may have been removed while we waited.
    const auto now = keeper_.store().read(record.fleet, record.id);
    if (!now) co_return local(now.error());
    if (!*now || (*now)->stopping)
        co_return refuse(Trouble::invalid, record.id.str() + " is being removed");
    if (auto linked = link(record); !linked) co_return linked;
    settings_.on_step("linked");
    const ProgramCall done = co_await systemctl({"start", "--", unit_of(record.id)});
    settings_.on_step("started");
    if (succeeded(done)) co_return ProviderResult<void>{};
    const bool ended = done.end == ProgramCall::End::exited && done.code < 128;
    const bool is_sure = ended || done.end == ProgramCall::End::not_started;
    const Trouble trouble = !is_sure                             ? Trouble::unknown_outcome
                            : ended && done.code == no_such_unit ? Trouble::invalid
                                                                 : Trouble::transient;
    co_return refuse(trouble, said_of(done, "systemctl start " + unit_of(record.id)));
}

asio::awaitable<ProviderResult<Machine>> SystemdProvider::create(MachineOrder order,
                                                                 ProviderFence fence) {
    const auto record = co_await keeper_.order(
        order, fence, [&order](const MachineRecord& made) -> std::vector<MachineStore::File> {
            return {{.name = "environment", .text = environment_of(order, made)}};
        });
    if (!record) co_return tl::unexpected(record.error());
    if (const auto started = co_await start(*record); !started)
        co_return tl::unexpected(started.error());
    co_return co_await get(record->fleet, record->id);
}

asio::awaitable<ProviderResult<void>> SystemdProvider::stop(MachineRecord record,
                                                            std::chrono::seconds grace) {
    const auto held =
        co_await keeper_.take_machine(record, clock_.now() + lock_limit + settings_.timeout, [] {});
    if (!held) co_return tl::unexpected(held.error());
    const std::string unit = unit_of(record.id);
    const auto is_gone = [&](const UnitStates& states) {
        const auto found = states.find(unit);
        return found == states.end() || found->second == "inactive" || found->second == "failed";
    };
    // The unit's own stop is the soft one; it goes on in systemd when we don't wait any more.
    const ProgramCall asked = co_await systemctl({"stop", "--no-block", "--", unit});
    if (!succeeded(asked) && asked.code != no_such_unit)
        co_return refuse(Trouble::unknown_outcome, said_of(asked, "systemctl stop " + unit));
    settings_.on_step("asked to stop");
    const SteadyTime soft_deadline = clock_.now() + grace;
    const SteadyTime deadline = soft_deadline + settings_.timeout;
    bool killed = false;
    for (;;) {
        const auto states = co_await show(unit);
        if (!states) co_return tl::unexpected(states.error());
        if (is_gone(*states)) break;
        if (clock_.now() >= deadline)
            co_return refuse(Trouble::transient, unit + " doesn't end, though it was killed");
        if (clock_.now() >= soft_deadline && !std::exchange(killed, true))
            (void)co_await systemctl({"kill", "--signal=SIGKILL", "--", unit});
        co_await clock_.sleep_for(100ms);
    }
    settings_.on_step("stopped");
    // Of a failed one systemd remembers the name; that it has none to forget is no trouble.
    (void)co_await systemctl({"reset-failed", "--", unit});
    const fs::path name = fs::path(settings_.machines.directory) / ".units" / record.id.str();
    std::error_code error;
    if (fs::read_symlink(name, error) == record.directory) fs::remove(name, error);
    if (const auto gone = keeper_.store().bury(record.fleet, record.id); !gone)
        co_return local(gone.error());
    co_return ProviderResult<void>{};
}

asio::awaitable<ProviderResult<void>> SystemdProvider::remove(FleetName fleet,
                                                              InstanceId id,
                                                              std::chrono::seconds grace,
                                                              ProviderFence fence) {
    auto record = co_await keeper_.begin_removal(std::move(fleet), std::move(id), fence);
    if (!record) co_return tl::unexpected(record.error());
    if (!*record) co_return ProviderResult<void>{};
    co_return co_await stop(std::move(**record), grace);
}

asio::awaitable<ProviderResult<void>> SystemdProvider::can_remove(FleetName fleet, InstanceId id) {
    if (auto named = check_names(fleet, id); !named) co_return named;
    const auto record = keeper_.store().read(fleet, id);
    if (!record) co_return local(record.error());
    co_return ProviderResult<void>{};
}

}  // namespace muster::scaler
