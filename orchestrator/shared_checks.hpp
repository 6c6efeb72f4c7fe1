#pragma once

#include "checker/engine.hpp"
#include "common/config/model.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace muster::orchestrator {

/// Tells the id of a backend's agent check from that of its own.
inline constexpr std::uint64_t agent_salt = 0x6167656e74;

/// A check that the runner has, as its worker remembers it: there is one for every backend.
struct RunningCheck {
    checker::CheckId id{};
    std::shared_ptr<const checker::ProbeRequest> request;
    std::shared_ptr<const config::CheckSpec> spec;

    /// The same one, whose state is to be this.
    [[nodiscard]] checker::Check in(const checker::HealthState& state) const {
        return {.id = id, .request = request, .spec = spec, .start = state, .replace_state = true};
    }
};

/// The checks of one shard while it is put together: what is equal is held once, and what runs
/// already is kept as it is.
class SharedChecks {
 public:
    struct Parts {
        std::shared_ptr<const config::CheckSpec> spec;
        SharedValue<config::ProbeSpec> probe;
        SharedValue<config::PhaseTimeouts> timeouts;
    };

    /// `wanted` must stay where it is; `running`: the check of the same slot, if there is one.
    const Parts& of(const config::CheckSpec& wanted, const RunningCheck* running) {
        const auto [at, is_new] = parts_.try_emplace(&wanted);
        if (!is_new) return at->second;
        if (running != nullptr && *running->spec == wanted) {
            at->second = {.spec = running->spec,
                          .probe = running->request->probe,
                          .timeouts = running->request->timeouts};
        } else {
            at->second = {.spec = std::make_shared<const config::CheckSpec>(wanted),
                          .probe = wanted.probe,
                          .timeouts = checker::shared(wanted.timeouts)};
        }
        return at->second;
    }

 private:
    std::unordered_map<const config::CheckSpec*, Parts> parts_;
};

/// The check of the backend's agent, when its check names one.
[[nodiscard]] inline std::optional<checker::Check> agent_check(const config::CheckSpec& check,
                                                               const config::Backend& backend,
                                                               checker::CheckId id) {
    if (!check.intent || !check.intent->agent_port) return std::nullopt;
    config::CheckSpec spec{.probe = config::AgentCheck{.send = check.intent->agent_send},
                           .interval = check.intent->agent_interval,
                           .timeout = std::min(check.timeout, check.intent->agent_interval)};
    spec.intent = check.intent;
    checker::ProbeRequest request{.host = backend.address,
                                  .port = *check.intent->agent_port,
                                  .probe = spec.probe,
                                  .timeout = spec.timeout,
                                  .intent = spec.intent};
    return checker::Check{
        .id = checker::CheckId(checker::mix(static_cast<std::uint64_t>(id) ^ agent_salt)),
        .request = std::make_shared<const checker::ProbeRequest>(std::move(request)),
        .spec = std::make_shared<const config::CheckSpec>(std::move(spec))};
}

}  // namespace muster::orchestrator
