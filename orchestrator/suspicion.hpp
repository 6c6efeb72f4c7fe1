#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/follow/cluster_view.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// What becomes of a backend that one worker finds DOWN, when others have a say (DESIGN.md, section
// 7). Pure.
namespace muster::orchestrator {

enum class Vote : std::uint8_t {
    agree,     ///< DOWN from there, too
    disagree,  ///< well, from there
    abstain,   ///< can't tell: in doubt, without ZooKeeper, of another layout, its probe
               ///< inconclusive
};

enum class Ruling : std::uint8_t {
    down,
    stays,  ///< what it was
    ask,    ///< another voter
};

struct PeerVote {
    NodeId node;
    Vote vote = Vote::abstain;
    bool operator==(const PeerVote&) const = default;
};

/// What came of the last suspicion of a backend.
struct Confirmation {
    WallTime time{};
    bool down = false;  ///< or it stayed what it was
    /// Of those that were asked. None: it followed the others that fell with it, or nobody could be
    /// asked.
    std::vector<PeerVote> votes;
    bool operator==(const Confirmation&) const = default;
};

[[nodiscard]] std::string_view to_string(Vote vote);
[[nodiscard]] std::optional<Vote> vote_from(std::string_view word);

/// - One who disagrees is enough: what serves others does serve.
/// - DOWN when `need` agree.
/// - With nobody left to ask, the votes that there are count, and our own word where there is none:
///   losing peers must not stop detection. Not so when we are in doubt ourselves, and not as long
///   as we can be `patient`: those who could not tell may be able to in a moment.
[[nodiscard]] Ruling rule_on(const std::vector<PeerVote>& votes,
                             int need,
                             bool more_voters,
                             bool in_doubt,
                             bool patient = false);

/// For how long voters who can't tell are asked again before our own word counts.
inline constexpr std::chrono::seconds patience_with_voters{2};

/// How many must agree: what the check says, or 1 where there are three workers and else nobody. In
/// doubt at least one.
[[nodiscard]] int votes_needed(const std::optional<int>& wanted,
                               std::size_t members,
                               bool in_doubt);

/// Who may be asked, in this order: members of other zones first, those that leave last; none that
/// is in doubt, has no address for it or lacks one of the `needs`. `seed` spreads the work.
[[nodiscard]] std::vector<NodeId> choose_voters(const follow::ClusterView& view,
                                                const NodeId& self,
                                                const std::set<std::string>& needs,
                                                std::uint64_t seed);

/// Of more than 64 suspects 32 are asked about, and the others follow them.
inline constexpr std::size_t most_asked = 64;
inline constexpr std::size_t sample_size = 32;
[[nodiscard]] std::vector<int> sample_of(const std::vector<int>& slots, std::uint64_t seed);
/// At least nine in ten of those asked about are DOWN.
[[nodiscard]] bool others_follow(std::size_t down, std::size_t asked);

}  // namespace muster::orchestrator
