#pragma once

#include "common/base/id.hpp"
#include "common/base/result.hpp"
#include "common/config/fleet_model.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace muster::agent {

namespace asio = boost::asio;

struct LbState;

/// What an LB has counted of one server since `epoch` of LbCounters began.
struct ServerCounters {
    std::uint64_t answers = 0;   ///< and what should have been one
    std::uint64_t errors = 0;    ///< of them: status 5xx
    std::uint64_t failures = 0;  ///< of them: no connection, or no answer
    bool operator==(const ServerCounters&) const = default;
};

using GroupCounters = std::map<BackendId, ServerCounters>;

struct LbCounters {
    std::string epoch;  ///< another one: the LB counts anew
    std::map<GroupName, GroupCounters> groups;
    bool operator==(const LbCounters&) const = default;
};

/// Of a kind of LB that counts for each server. Executor: the agent's; beside calls of its
/// LbDriver. nginx has no such counters in its free version, and Envoy has outlier detection of its
/// own: neither has one.
class LbCounterSource {
 public:
    LbCounterSource() = default;
    LbCounterSource(const LbCounterSource&) = delete;
    LbCounterSource& operator=(const LbCounterSource&) = delete;
    virtual ~LbCounterSource() = default;

    /// Of the servers of these groups that are in `state` and in the LB.
    [[nodiscard]] virtual asio::awaitable<Result<LbCounters>> read_counters(
        const LbState& state, const std::set<GroupName>& groups) = 0;

    /// Open connections of clients at these listeners. Errors: they are not known.
    [[nodiscard]] virtual asio::awaitable<Result<std::int64_t>> count_connections(
        std::vector<config::Listener> listeners) = 0;
};

}  // namespace muster::agent
