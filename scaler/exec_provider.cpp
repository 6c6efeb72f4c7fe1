#include "scaler/exec_provider.hpp"

#include "scaler/machine_json.hpp"
#include "scaler/machine_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

namespace muster::scaler {

namespace {

enum ExitCode : int {
    ok = 0,
    exists = 10,
    is_absent = 11,
    no_quota = 20,
    not_now = 30,
    never = 40,
    is_fenced = 50,
};

/// Whether a call may have changed something that nobody has told of.
enum class Call : std::uint8_t { reads, changes };

std::string said_of(const ProgramCall& call, std::string_view verb, std::string_view id) {
    std::string how;
    switch (call.end) {
        case ProgramCall::End::exited:
            how = call.code > 128 && call.code <= 128 + 64
                      ? fmt::format("was ended by signal {}", call.code - 128)
                      : fmt::format("exit code {}", call.code);
            break;
        case ProgramCall::End::timed_out:
            how = "took too long";
            break;
        case ProgramCall::End::too_much_output:
            how = "wrote more than 1 MiB";
            break;
        case ProgramCall::End::not_started:
            how = fmt::format("can't be started: {}", std::strerror(call.code));
            break;
    }
    std::string text = fmt::format("{} {}: {}", verb, id, how);
    std::string_view said = call.errors;
    while (said.ends_with('\n')) said.remove_suffix(1);
    if (!said.empty()) text += fmt::format(": {}", said);
    return text;
}

Trouble trouble_of(const ProgramCall& call, Call kind) {
    if (call.end == ProgramCall::End::not_started) {
        const bool ours = call.code == EMFILE || call.code == ENFILE || call.code == EAGAIN ||
                          call.code == ENOMEM;
        return ours ? Trouble::transient : Trouble::invalid;
    }
    if (call.end == ProgramCall::End::exited) {
        switch (call.code) {
            case no_quota:
                return Trouble::quota;
            case not_now:
                return Trouble::transient;
            case never:
                return Trouble::invalid;
            case is_fenced:
                return Trouble::fenced;
            default:
                break;
        }
    }
    return kind == Call::changes ? Trouble::unknown_outcome : Trouble::transient;
}

bool exited_with(const ProgramCall& call, int code) {
    return call.end == ProgramCall::End::exited && call.code == code;
}

std::string fence_variable(const ProviderFence& fence) {
    return fmt::format("FENCE_EPOCH={}.{}", fence.era, fence.epoch);
}

}  // namespace

std::string parameter_variable(std::string_view name) {
    std::string variable = "MUSTER_PARAMETER_";
    for (const char c : name) {
        const bool lower = c >= 'a' && c <= 'z';
        const bool other = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        variable += lower ? static_cast<char>(c - 'a' + 'A') : other ? c : '_';
    }
    return variable;
}

ExecProvider::ExecProvider(Clock& clock, ExecProviderSettings settings)
    : clock_(clock), settings_(std::move(settings)) {}

asio::awaitable<ProgramCall> ExecProvider::call(std::vector<std::string> words,
                                                std::vector<std::string> environment,
                                                std::chrono::seconds more_time) {
    SpawnWish wish{.program = settings_.program,
                   .arguments = settings_.arguments,
                   .environment = settings_.environment,
                   .identity = settings_.identity,
                   .memory_bytes = settings_.memory_bytes,
                   .cpu_seconds = settings_.cpu_seconds};
    const auto has = [&](std::string_view name) {
        return std::ranges::any_of(settings_.environment, [name](const std::string& variable) {
            return variable.starts_with(name);
        });
    };
    if (!has("PATH=")) {
        wish.environment.emplace_back(
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    }
    if (!has("LC_ALL=")) wish.environment.emplace_back("LC_ALL=C");
    wish.environment.push_back("MUSTER_CLUSTER=" + settings_.cluster);
    std::ranges::move(words, std::back_inserter(wish.arguments));
    std::ranges::move(environment, std::back_inserter(wish.environment));
    co_return co_await call_program(
        clock_,
        std::move(wish),
        {.time = settings_.timeout + more_time, .output_bytes = most_answer_bytes},
        settings_.effects);
}

asio::awaitable<ProviderResult<Machines>> ExecProvider::list(FleetName fleet) {
    if (auto named = check_names(fleet, InstanceId("x")); !named)
        co_return tl::unexpected(named.error());
    const ProgramCall done = co_await call({"list"}, {"MUSTER_FLEET=" + fleet.str()});
    if (!exited_with(done, ok))
        co_return refuse(trouble_of(done, Call::reads), said_of(done, "list", fleet.str()));
    auto machines = parse_machines(done.output, settings_.cluster, fleet);
    if (!machines) {
        co_return refuse(Trouble::transient,
                         fmt::format("list {}: its answer: {}", fleet.str(), machines.error()));
    }
    co_return std::move(*machines);
}

asio::awaitable<ProviderResult<Machine>> ExecProvider::get(FleetName fleet, InstanceId id) {
    if (auto named = check_names(fleet, id); !named) co_return tl::unexpected(named.error());
    const ProgramCall done = co_await call({"get", id.str()}, {"MUSTER_FLEET=" + fleet.str()});
    if (exited_with(done, is_absent)) co_return absent(id);
    if (!exited_with(done, ok))
        co_return refuse(trouble_of(done, Call::reads), said_of(done, "get", id.str()));
    auto machine = parse_machine(done.output, settings_.cluster, fleet, id);
    if (!machine) {
        co_return refuse(Trouble::transient,
                         fmt::format("get {}: its answer: {}", id.str(), machine.error()));
    }
    co_return std::move(*machine);
}

asio::awaitable<ProviderResult<Machine>> ExecProvider::create(MachineOrder order,
                                                              ProviderFence fence) {
    if (auto right = check_order(order); !right) co_return tl::unexpected(right.error());
    std::vector<std::string> environment{"MUSTER_FLEET=" + order.fleet.str(),
                                         "MUSTER_TOKEN=" + order.token,
                                         "MUSTER_HOST=" + order.host,
                                         fence_variable(fence)};
    std::set<std::string> variables;
    for (const auto& [name, value] : order.parameters) {
        const std::string variable = parameter_variable(name);
        if (!variables.insert(variable).second) {
            co_return refuse(Trouble::invalid,
                             "parameters." + name + ": another one is " + variable + ", too");
        }
        environment.push_back(variable + "=" + value);
    }
    const ProgramCall done = co_await call({"create", order.id.str()}, std::move(environment));
    const bool is_there = exited_with(done, exists);
    if (!is_there && !exited_with(done, ok)) {
        co_return refuse(trouble_of(done, Call::changes), said_of(done, "create", order.id.str()));
    }
    tl::expected<Machine, std::string> machine = tl::unexpected(std::string("says nothing"));
    if (!done.output.empty()) {
        machine = parse_machine(done.output, settings_.cluster, order.fleet, order.id);
    } else if (!is_there) {
        co_return Machine{.id = order.id, .token = order.token, .state = MachineState::starting};
    } else {
        auto got = co_await get(order.fleet, order.id);
        if (got && !got->token.empty()) machine = std::move(*got);
        if (!got) machine = tl::unexpected(std::move(got.error().detail));
    }
    if (!machine) {
        co_return refuse(Trouble::unknown_outcome,
                         fmt::format("create {}: its answer: {}", order.id.str(), machine.error()));
    }
    if (machine->token != order.token) {
        co_return refuse(Trouble::invalid,
                         order.id.str() + " is there already, with another token");
    }
    co_return std::move(*machine);
}

asio::awaitable<ProviderResult<void>> ExecProvider::remove(FleetName fleet,
                                                           InstanceId id,
                                                           std::chrono::seconds grace,
                                                           ProviderFence fence) {
    if (auto named = check_names(fleet, id); !named) co_return named;
    const ProgramCall done = co_await call({"remove", id.str()},
                                           {"MUSTER_FLEET=" + fleet.str(),
                                            fmt::format("MUSTER_GRACE_SECONDS={}", grace.count()),
                                            fence_variable(fence)},
                                           grace);
    if (exited_with(done, ok) || exited_with(done, is_absent)) co_return ProviderResult<void>{};
    co_return refuse(trouble_of(done, Call::changes), said_of(done, "remove", id.str()));
}

asio::awaitable<ProviderResult<void>> ExecProvider::can_remove(FleetName fleet, InstanceId id) {
    if (auto named = check_names(fleet, id); !named) co_return named;
    const ProgramCall done =
        co_await call({"can-remove", id.str()}, {"MUSTER_FLEET=" + fleet.str()});
    if (exited_with(done, ok) || exited_with(done, is_absent)) co_return ProviderResult<void>{};
    co_return refuse(trouble_of(done, Call::reads), said_of(done, "can-remove", id.str()));
}

}  // namespace muster::scaler
