#pragma once

#include "checker/outcome.hpp"
#include "checker/prober.hpp"
#include "common/observe/metrics.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace muster::orchestrator {

/// What one part of an LB's last probe has found, by spans: 0 where it was not reached, or not
/// needed.
struct LbHop {
    std::string name;      ///< of the part: "group web by listener main"
    std::string listener;  ///< empty: of the agent
    std::string group;     ///< empty: nothing was asked for
    checker::Result result = checker::Result::inconclusive;
    checker::Reason reason = checker::Reason::unknown;
    std::uint16_t code = 0;
    std::chrono::microseconds connect{0};   ///< to the LB
    std::chrono::microseconds tls{0};       ///< with it
    std::chrono::microseconds response{0};  ///< from the request to the first byte of the reply:
                                            ///< through the LB to the group, and back
    bool operator==(const LbHop&) const = default;
};

[[nodiscard]] LbHop hop_of(const config::CompositePart& part, const checker::ProbeOutcome& outcome);

/// "group web by listener main: L7STS 503; agent: L4CON"; nothing is wrong: empty.
[[nodiscard]] std::string what_is_wrong(const std::vector<LbHop>& hops);

/// What this node has found of the way through LBs: the last of each, and histograms. Any thread.
class LbHops {
 public:
    explicit LbHops(metrics::Registry& registry) : registry_(registry) {}

    void take(const checker::ProbeRequest& request,
              const std::vector<checker::ProbeOutcome>& outcomes);
    /// Of the parts of its last probe, in order; none: it is not probed here.
    [[nodiscard]] std::vector<LbHop> last(const std::string& fleet,
                                          const std::string& host,
                                          std::uint16_t port) const;

    static constexpr std::size_t most_lbs = 1024;     ///< remembered
    static constexpr std::size_t most_series = 1000;  ///< pairs of fleet and group

 private:
    using Place = std::pair<std::string, std::string>;  ///< fleet, host:port
    struct Series {
        metrics::Histogram* connect = nullptr;
        metrics::Histogram* tls = nullptr;
        metrics::Histogram* response = nullptr;
    };
    Series* series(const std::string& fleet, const std::string& group);
    void observe(const std::string& fleet, const LbHop& hop);

    metrics::Registry& registry_;
    mutable std::mutex mutex_;
    std::map<Place, std::vector<LbHop>> last_;
    std::deque<Place> order_;  ///< of the keys of last_, by when they came
    std::map<std::pair<std::string, std::string>, Series> series_;  ///< fleet, group
};

}  // namespace muster::orchestrator
