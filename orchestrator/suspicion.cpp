#include "orchestrator/suspicion.hpp"

#include "checker/check_id.hpp"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace muster::orchestrator {

std::string_view to_string(Vote vote) {
    switch (vote) {
        case Vote::agree:
            return "agree";
        case Vote::disagree:
            return "disagree";
        case Vote::abstain:
            break;
    }
    return "abstain";
}

std::optional<Vote> vote_from(std::string_view word) {
    for (const Vote vote : {Vote::agree, Vote::disagree, Vote::abstain}) {
        if (to_string(vote) == word) return vote;
    }
    return std::nullopt;
}

Ruling rule_on(
    const std::vector<PeerVote>& votes, int need, bool more_voters, bool in_doubt, bool patient) {
    if (std::ranges::count(votes, Vote::disagree, &PeerVote::vote) > 0) return Ruling::stays;
    const auto agree = std::ranges::count(votes, Vote::agree, &PeerVote::vote);
    if (agree >= need) return Ruling::down;
    if (more_voters || (patient && agree == 0)) return Ruling::ask;
    return in_doubt && agree == 0 ? Ruling::stays : Ruling::down;
}

int votes_needed(const std::optional<int>& wanted, std::size_t members, bool in_doubt) {
    const int standard = members >= 3 ? 1 : 0;
    return std::max(wanted.value_or(standard), in_doubt ? 1 : 0);
}

std::vector<NodeId> choose_voters(const follow::ClusterView& view,
                                  const NodeId& self,
                                  const std::set<std::string>& needs,
                                  std::uint64_t seed) {
    const auto own = view.members.find(self);
    const std::string zone = own == view.members.end() ? std::string() : own->second.value.zone;
    std::vector<std::pair<std::tuple<bool, bool, std::uint64_t>, NodeId>> ranked;
    for (const auto& [node, document] : view.members) {
        const znodes::Member& member = document.value;
        if (node == self || document.garbage || member.doubt || member.peer_address.empty())
            continue;
        const bool can = std::ranges::all_of(needs, [&member](const std::string& need) {
            return std::ranges::find(member.probes, need) != member.probes.end();
        });
        if (!can) continue;
        const bool near = !zone.empty() && member.zone == zone;
        const auto hash = std::hash<std::string>{}(node.str());
        ranked.push_back({{member.drain, near, checker::mix(seed ^ hash)}, node});
    }
    std::ranges::sort(ranked);
    std::vector<NodeId> voters;
    for (auto& [rank, node] : ranked) voters.push_back(std::move(node));
    return voters;
}

std::vector<int> sample_of(const std::vector<int>& slots, std::uint64_t seed) {
    if (slots.size() <= most_asked) return slots;
    std::vector<int> sample = slots;
    std::ranges::sort(sample, {}, [seed](int slot) {
        return checker::mix(seed ^ static_cast<std::uint64_t>(slot));
    });
    sample.resize(sample_size);
    return sample;
}

bool others_follow(std::size_t down, std::size_t asked) {
    return asked > 0 && 10 * down >= 9 * asked;
}

}  // namespace muster::orchestrator
