#pragma once

#include "checker/prober_pool.hpp"
#include "orchestrator/cluster_view.hpp"
#include "orchestrator/peer_messages.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>

namespace muster::orchestrator {

/// Answers peers that suspect backends: probes those that they name, once, side by side, by this
/// node's own view of the configuration. Abstains where that view is another one, where its own
/// eyes are not to be trusted, and where its probe says nothing. Makes no more than 1,000 probes a
/// second for others: what is asked beyond that waits a moment, and is then abstained from.
/// Executor: the control executor.
class Voter {
 public:
    /// Whether this node is fit to vote: connected to ZooKeeper and not in doubt.
    using Fit = std::function<bool()>;

    Voter(Clock& clock, const ClusterView& view, checker::CheckRunner& runner, Fit fit)
        : clock_(clock), view_(view), runner_(runner), fit_(std::move(fit)) {}

    [[nodiscard]] asio::awaitable<std::string> answer(std::string question);

    [[nodiscard]] std::uint64_t votes() const { return votes_; }

 private:
    [[nodiscard]] asio::awaitable<VoteReply> vote(VoteRequest request);

    static constexpr std::chrono::milliseconds spacing{1};
    static constexpr std::chrono::milliseconds longest_wait{250};

    Clock& clock_;
    const ClusterView& view_;
    checker::CheckRunner& runner_;
    Fit fit_;
    SteadyTime busy_until_{};  ///< with probes for others, at that pace
    std::uint64_t votes_ = 0;
};

/// What an outcome says to the worker that asked.
[[nodiscard]] Vote vote_of(const checker::ProbeOutcome& outcome);

}  // namespace muster::orchestrator
