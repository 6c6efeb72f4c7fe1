#pragma once

#include "common/znodes/traffic_shift.hpp"
#include "dnsupdate/records.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

// Which of the LBs behind a name are published, and with what weight, so that each party (a fleet,
// or the LBs of a zone) has its percent of the name's traffic. Pure.
namespace muster::dnsupdate {

/// How clients tell LBs apart.
enum class Answered : std::uint8_t {
    with_weights,  ///< the name has SRV records
    by_address,    ///< A and AAAA alone: all that is published gets equally much
};

struct Candidate {
    MemberId id;
    std::string party;
    int weight = 100;       ///< among those of its party
    bool failing = false;   ///< in rotation all the same, since too many fail
    bool unproven = false;  ///< nothing says yet that it serves
    bool operator==(const Candidate&) const = default;
};

struct Turn {
    std::map<MemberId, int> published;         ///< with its weight
    std::map<MemberId, std::string> left_out;  ///< why
    std::set<MemberId> resting;                ///< of these: they serve
    std::set<MemberId> unproven;               ///< of these: they rest for that reason alone
    znodes::Percents given;                    ///< what each party gets
    bool operator==(const Turn&) const = default;
};

/// - A party gets nothing while none of its LBs serves: the others share what it would have got, in
///   proportion. Where none that shall have something has one that serves, those that shall have
///   nothing step in, by their weights. Where nothing serves at all everything is published, as
///   without shares.
/// - With weights: the weights of a party's LBs make its percent, those of all 100. At most as many
///   LBs of a party as it has points are published at a time (a weight is at least 1): in turns.
/// - By address: the same number K of LBs is published in every slot, and of its places each party
///   gets its percent over a rotation (at most 100 slots), exactly. K is the largest that the
///   parties have LBs enough for. The LBs of a party take turns, so that each gets equally much.
/// - Nobody who serves rests for one that is unproven: that takes a turn only where its party has
///   nothing else.
///
/// Example: blue {b1, b2} 90 and green {g1, g2} 10, by address: K = 2. Of 5 slots 4 have b1 and b2,
/// one has a blue and a green one.
[[nodiscard]] Turn take_turns(const std::vector<Candidate>& candidates,
                              const znodes::Percents& percents,
                              Answered answered,
                              std::int64_t slot);

/// A slot lasts so long: what was answered in one may be used until the end of the next. No cache
/// of CoreDNS keeps less than 5 s.
[[nodiscard]] std::chrono::seconds slot_length(Ttl ttl);
[[nodiscard]] std::int64_t slot_at(WallTime now, Ttl ttl);

/// In the same order, each at least 1, the sum `whole`, in proportion to `weights` (largest
/// remainders). Of more than `whole` each is 1.
[[nodiscard]] std::vector<int> percents(const std::vector<int>& weights, int whole = 100);

}  // namespace muster::dnsupdate
