#pragma once

#include "agent/haproxy_runtime.hpp"
#include "agent/haproxy_settings.hpp"
#include "agent/lb_counters.hpp"
#include "agent/lb_state.hpp"
#include "common/base/clock.hpp"

#include <string_view>

namespace muster::agent {

/// `show stat` of one backend, into counters by the names of its servers. Read by the names of the
/// columns; what doesn't read is HaproxyErrc::bad_answer. Pure.
///
/// HAProxy counts answers by class of status (hrsp_*), and apart from them connections and answers
/// that failed for good (econ, eresp) and those that were tried again (wretr, wredis). In tcp mode
/// a session is an answer.
[[nodiscard]] Result<std::map<std::string, ServerCounters, std::less<>>> parse_counters(
    std::string_view answer, std::string_view backend, config::ListenMode mode);

/// Reads HAProxy's counters over the Runtime API.
class HaproxyCounters final : public LbCounterSource {
 public:
    HaproxyCounters(const HaproxySettings& settings, Clock& clock);

    [[nodiscard]] asio::awaitable<Result<LbCounters>> read_counters(
        const LbState& state, const std::set<GroupName>& groups) override;

    /// Those of the stats listener don't count. A worker from before a reload counts as one: it
    /// is there for as long as it has any.
    [[nodiscard]] asio::awaitable<Result<std::int64_t>> count_connections(
        std::vector<config::Listener> listeners) override;

 private:
    HaproxyRuntime runtime_;
    std::chrono::nanoseconds timeout_;
};

}  // namespace muster::agent
