#include "scaler/process_provider.hpp"

#include "scaler/machine_order.hpp"
#include "scaler/machine_processes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace muster::scaler {

namespace {

using namespace std::chrono_literals;

constexpr auto look_again = 20ms;
constexpr auto kill_limit = 10s;

tl::unexpected<ProviderError> local(const Error& error) {
    return refuse(Trouble::transient, error.message());
}

}  // namespace

ProcessProvider::ProcessProvider(Clock& clock, ProcessProviderSettings settings)
    : clock_(clock),
      settings_(std::move(settings)),
      keeper_(clock, settings_.machines, settings_.on_step) {}

Machine ProcessProvider::describe(const MachineRecord& record) const {
    Machine machine = keeper_.describe(record);
    machine.state = MachineState::starting;
    if (record.stopping) {
        machine.state = MachineState::stopping;
        return machine;
    }
    const auto run = keeper_.store().read_run(record);
    if (!run || !run->started) return machine;
    const bool any =
        run->boot == boot_id() && std::ranges::any_of(run->programs, [](const ProgramRun& program) {
            return !program.exit && is_running(program.process);
        });
    machine.state = any ? MachineState::running : MachineState::stopped;
    return machine;
}

asio::awaitable<ProviderResult<Machine>> ProcessProvider::get(FleetName fleet, InstanceId id) {
    if (auto named = check_names(fleet, id); !named) co_return tl::unexpected(named.error());
    const auto record = keeper_.store().read(fleet, id);
    if (!record) co_return local(record.error());
    if (!*record || !keeper_.is_ours(**record)) co_return absent(id);
    co_return describe(**record);
}

asio::awaitable<ProviderResult<Machines>> ProcessProvider::list(FleetName fleet) {
    if (auto named = check_names(fleet, InstanceId("x")); !named)
        co_return tl::unexpected(named.error());
    const auto ids = keeper_.store().ids(fleet);
    if (!ids) co_return local(ids.error());
    Machines machines{.machines = {}, .complete = true};
    for (const InstanceId& id : *ids) {
        const auto record = keeper_.store().read(fleet, id);
        // Damaged: something is there, and more can't be said.
        if (!record) machines.machines.push_back({.id = id, .host = keeper_.host().str()});
        if (record && *record && keeper_.is_ours(**record))
            machines.machines.push_back(describe(**record));
    }
    co_return machines;
}

asio::awaitable<ProviderResult<Machine>> ProcessProvider::create(MachineOrder order,
                                                                 ProviderFence fence) {
    const auto record = co_await keeper_.order(std::move(order), fence);
    if (!record) co_return tl::unexpected(record.error());
    if (const auto launched = co_await launch(*record); !launched)
        co_return tl::unexpected(launched.error());
    settings_.on_step("launched");
    co_return describe(*record);
}

/// Has no effect on what a supervisor has, or has had until all was started.
asio::awaitable<ProviderResult<void>> ProcessProvider::launch(MachineRecord record) {
    if (const auto run = keeper_.store().read_run(record); run && run->started)
        co_return ProviderResult<void>{};
    SpawnWish wish{
        .program = settings_.supervisor.at(0),
        .arguments = {settings_.supervisor.begin() + 1, settings_.supervisor.end()},
        .environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "LC_ALL=C"},
        .most_files = 0,
        .most_file_bytes = 0};
    wish.arguments.push_back(record.directory);
    const ProgramCall call = co_await call_program(
        clock_, std::move(wish), {.time = settings_.start_limit}, settings_.effects);
    if (call.end == ProgramCall::End::not_started) {
        co_return refuse(Trouble::transient,
                         settings_.supervisor.at(0) + ": " + std::strerror(call.code));
    }
    if (call.end != ProgramCall::End::exited || call.code != 0) {
        // It may have left before it could say so: the same create() finds out.
        co_return refuse(Trouble::unknown_outcome,
                         fmt::format("{}: the supervisor has not begun (exit {}): {}",
                                     record.id.str(),
                                     call.code,
                                     call.errors));
    }
    co_return ProviderResult<void>{};
}

asio::awaitable<ProviderResult<void>> ProcessProvider::can_remove(FleetName fleet, InstanceId id) {
    if (auto named = check_names(fleet, id); !named) co_return named;
    const auto record = keeper_.store().read(fleet, id);
    if (!record) co_return local(record.error());
    co_return ProviderResult<void>{};
}

asio::awaitable<ProviderResult<void>> ProcessProvider::remove(FleetName fleet,
                                                              InstanceId id,
                                                              std::chrono::seconds grace,
                                                              ProviderFence fence) {
    auto record = co_await keeper_.begin_removal(std::move(fleet), std::move(id), fence);
    if (!record) co_return tl::unexpected(record.error());
    if (!*record) co_return ProviderResult<void>{};
    co_return co_await end(std::move(**record), grace);
}

asio::awaitable<bool> ProcessProvider::wait_until(std::function<bool()> condition,
                                                  SteadyTime deadline) {
    while (!condition()) {
        if (clock_.now() >= deadline) co_return false;
        co_await clock_.sleep_for(look_again);
    }
    co_return true;
}

asio::awaitable<ProviderResult<void>> ProcessProvider::end(MachineRecord record,
                                                           std::chrono::seconds grace) {
    // The supervisor gives it up by dying, without a loss: its programs go on.
    const auto held = co_await keeper_.take_machine(record, clock_.now() + grace + kill_limit, [&] {
        if (const auto run = keeper_.store().read_run(record); run && run->boot == boot_id())
            send_signal(run->supervisor, SIGKILL);
    });
    if (!held) co_return tl::unexpected(held.error());
    settings_.on_step("supervisor ended");
    const auto passed = clock_.wall() - *record.stopping;
    const auto left = std::clamp<std::chrono::nanoseconds>(grace - passed, 0s, grace);
    const SteadyTime soft_deadline = clock_.now() + left;
    const auto run = keeper_.store().read_run(record);
    for (std::size_t number = run && run->boot == boot_id() ? record.programs.size() : 0;
         number-- > 0;) {
        const ProcessId process = run->programs[number].process;
        send_signal(process, record.programs[number].stop_signal);
        const auto has_ended = [process] { return !is_running(process); };
        if (!co_await wait_until(has_ended, soft_deadline)) break;
        settings_.on_step("a program ended");
    }
    const auto none_is_left = [&] {
        const auto processes = processes_of(record, run);
        for (const ProcessId& process : processes) send_signal(process, SIGKILL);
        return processes.empty();
    };
    if (!co_await wait_until(none_is_left, clock_.now() + kill_limit))
        co_return refuse(Trouble::transient, record.id.str() + ": processes that can't be killed");
    settings_.on_step("all ended");
    if (const auto gone = keeper_.store().bury(record.fleet, record.id); !gone)
        co_return local(gone.error());
    settings_.on_step("buried");
    co_return ProviderResult<void>{};
}

}  // namespace muster::scaler
