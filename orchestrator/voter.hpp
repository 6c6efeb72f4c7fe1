#pragma once

#include "checker/prober_pool.hpp"
#include "checker/rate_cap.hpp"
#include "common/follow/cluster_view.hpp"
#include "orchestrator/peer_messages.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>

namespace muster::orchestrator {

/// Answers peers that suspect backends: probes those that they name, equal ones once, side by side,
/// by this node's own view of the configuration. Abstains where that view is another one, where its
/// own eyes are not to be trusted, and where its probe says nothing. Makes no more than 1,000
/// probes a second for others, and abstains from what is asked beyond that. Executor: the control
/// executor.
class Voter {
 public:
    /// Whether this node is fit to vote: connected to ZooKeeper and not in doubt.
    using Fit = std::function<bool()>;

    Voter(Clock& clock, const follow::ClusterView& view, checker::CheckRunner& runner, Fit fit)
        : clock_(clock), view_(view), runner_(runner), fit_(std::move(fit)) {}

    [[nodiscard]] asio::awaitable<std::string> answer(std::string question);

    [[nodiscard]] std::uint64_t votes() const { return votes_; }

 private:
    [[nodiscard]] asio::awaitable<VoteReply> vote(VoteRequest request);

    Clock& clock_;
    const follow::ClusterView& view_;
    checker::CheckRunner& runner_;
    Fit fit_;
    checker::RateCap pace_{1000};
    std::uint64_t votes_ = 0;
};

/// What an outcome says to the worker that asked.
[[nodiscard]] Vote vote_of(const checker::ProbeOutcome& outcome);

}  // namespace muster::orchestrator
