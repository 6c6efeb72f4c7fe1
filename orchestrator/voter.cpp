#include "orchestrator/voter.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace muster::orchestrator {

namespace {

/// Where the request and our view agree, the check of each slot that it names.
std::vector<std::optional<checker::ProbeRequest>> checks_of(const follow::ClusterView& view,
                                                            const VoteRequest& request) {
    std::vector<std::optional<checker::ProbeRequest>> checks(request.slots.size());
    if (request.cluster != view.cluster()) return checks;
    const auto group = view.groups.find(request.shard.group);
    if (group == view.groups.end() || !group->second.live() ||
        group->second.head->value.uid != request.group_uid ||
        group->second.spec_generation != request.generation)
        return checks;
    const auto shard = group->second.shards.find(request.shard.number);
    if (shard == group->second.shards.end() || !shard->second.members) return checks;
    const znodes::ShardMembers& members = shard->second.members->value;
    if (members.layout != request.layout || members.group_uid != request.group_uid) return checks;
    const config::GroupSpec& spec = *group->second.spec;
    for (std::size_t i = 0; i < checks.size(); ++i) {
        const auto slot = static_cast<std::size_t>(request.slots[i]);
        if (slot >= members.slots.size() || members.slots[slot].tombstone) continue;
        const auto backend = std::ranges::lower_bound(
            spec.backends, members.slots[slot].backend, {}, &config::Backend::id);
        if (backend == spec.backends.end() || backend->id != members.slots[slot].backend) continue;
        const config::CheckSpec& check = config::check_of(spec, *backend);
        checks[i] = checker::ProbeRequest{.host = backend->address,
                                          .port = check.port.value_or(backend->port),
                                          .probe = check.probe,
                                          .timeout = check.timeout,
                                          .timeouts = checker::shared(check.timeouts)};
    }
    return checks;
}

}  // namespace

Vote vote_of(const checker::ProbeOutcome& outcome) {
    switch (outcome.result) {
        case checker::Result::success:
        case checker::Result::degraded:
            return Vote::disagree;
        case checker::Result::failure:
            return Vote::agree;
        case checker::Result::inconclusive:
            break;
    }
    return Vote::abstain;
}

asio::awaitable<std::string> Voter::answer(std::string question) {
    const auto request = decode_vote_request(question);
    if (!request) co_return encode(VoteReply{});
    co_return encode(co_await vote(*request));
}

asio::awaitable<VoteReply> Voter::vote(VoteRequest request) {
    VoteReply reply{.votes = std::vector<Vote>(request.slots.size(), Vote::abstain)};
    if (!fit_()) co_return reply;
    std::vector<std::shared_ptr<const checker::ProbeRequest>> wanted;
    std::vector<std::pair<std::size_t, std::size_t>> places;  ///< in the reply and in `wanted`
    auto checks = checks_of(view_, request);
    for (std::size_t i = 0; i < checks.size(); ++i) {
        if (!checks[i]) continue;
        const auto known =
            std::ranges::find_if(wanted, [&](const auto& one) { return *one == *checks[i]; });
        places.emplace_back(i, known - wanted.begin());
        if (known == wanted.end())
            wanted.push_back(std::make_shared<const checker::ProbeRequest>(std::move(*checks[i])));
    }
    const SteadyTime now = clock_.now();
    if (!pace_.allows(now)) co_return reply;
    for (std::size_t i = 0; i < wanted.size(); ++i) pace_.take(now);
    const auto outcomes = co_await runner_.probe_once(std::move(wanted));
    // What we find after losing our own footing is no evidence.
    if (!fit_()) co_return reply;
    for (const auto& [place, probe] : places) reply.votes[place] = vote_of(outcomes[probe]);
    votes_ += places.size();
    co_return reply;
}

}  // namespace muster::orchestrator
