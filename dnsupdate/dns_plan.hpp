#pragma once

#include "common/base/clock.hpp"
#include "dnsupdate/observed.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

// From what names should answer and what a store holds to what is written: the one decision of
// dnsupdate, the same for every provider. Pure.
namespace muster::dnsupdate {

struct DesiredSet {
    RecordSet records;
    std::map<MemberId, std::string> left_out;  ///< known, but not to be published; why
    std::set<MemberId> unproven{};             ///< nothing says yet that they serve, or may rest
    /// Of `left_out`: well, but it's not their turn, or a traffic shift gives them nothing.
    std::set<MemberId> resting{};
    bool operator==(const DesiredSet&) const = default;
};

struct Desired {
    /// Every fleet was read. Only then is a name of ours that isn't here an orphan: what can't be
    /// read is never a deletion.
    bool complete = false;
    std::map<DnsName, DesiredSet> sets;
    bool operator==(const Desired&) const = default;
};

struct PlanPolicy {
    int removal_percent = 10;               ///< of all records, in one round; at least one record
    std::chrono::seconds orphan_hold{600};  ///< a name that nobody wants is kept for so long
    bool quarantine = true;  ///< moves aside what is malformed and breaks a name of ours
    /// Why nothing may be removed in this round ("the store has lost data"); empty: something may.
    std::string hold_removals{};
    bool restore = false;  ///< the store has lost data: what is unproven comes back, too
    /// What served when it was last known: published where a name has nothing else at all.
    std::map<DnsName, RecordSet> last_good{};

    // What a person has asked for, of a plan that is shown before it is carried out.
    std::set<DnsName> adopt{};  ///< others' records at these names are moved aside for ours
    std::set<DnsName> empty{};  ///< these may lose all that they have
    bool keep_orphans = false;  ///< a name that nobody wants stays, unless it is in `empty`
};

/// What the planner has to remember from round to round. To lose it only delays.
struct PlanMemory {
    std::map<DnsName, SteadyTime> orphan_since;
    bool operator==(const PlanMemory&) const = default;
};

/// One step of a plan, for people.
struct PlanLine {
    enum class Act : std::uint8_t {
        add,
        change,
        remove,
        mend,        ///< the content stays: a lost mark, a lease, a wrong TTL
        drop_name,   ///< the last that there is of it, with its mark
        quarantine,  ///< moves a stray aside
        adopt,       ///< moves someone else's record aside, because a person said so
        hold,        ///< would be done, but a guard forbids it
        leave,       ///< a stray that stays where it is
    };
    Act act = Act::add;
    DnsName name;
    std::string what;  ///< "lb-1 10.0.0.1", a stray's key
    std::string why;
    bool operator==(const PlanLine&) const = default;
};

/// All that changes at one name, in one transaction, which the store takes only if the anchor's
/// version is still `version`.
struct SetWrite {
    DnsName name;
    std::string version;  ///< of the anchor; empty: there must be none
    std::int64_t generation = 1;
    RecordSet before;  ///< our records as they were read
    RecordSet after;   ///< as they will be; empty: the anchor goes, too
    std::set<MemberId> puts;
    std::set<MemberId> removals;
    std::vector<Stray> quarantined;  ///< moved aside in the same transaction; adopted ones, too
    bool operator==(const SetWrite&) const = default;
};

struct Plan {
    std::vector<SetWrite> writes;  ///< in this order: those that add, then those that only remove
    std::vector<PlanLine> lines;   ///< every step and why; sorted by name and act
    int removals = 0;
    int removals_held = 0;  ///< for the next rounds
    PlanMemory memory;
    bool operator==(const Plan&) const = default;
};

/// - What is desired and not there, or is there otherwise, is written; a set without a difference
///   costs no write at all.
/// - What is unproven is not added. It stays where it is there already.
/// - A set is written as a whole: a reader never sees the removals of one transaction without its
///   additions.
/// - No name is ever emptied: where nothing is desired of a name, its records stay (hold). Where it
///   has none its last good ones are published. The one exception is a name in `empty`.
/// - At most max(1, removal_percent of the records that are there) are removed in one round, in
/// order
///   of name and id; a changed address counts as a removal. The caller's next round begins when
///   this one has been verified.
/// - What rests (share.hpp) and is replaced in the same transaction doesn't count among these:
/// turns
///   neither wait for the dead nor hold them up. It waits for the DNS servers as all removals do.
/// - A name of ours that `desired` doesn't have goes only if `desired` is complete and
///   `orphan_hold` after it was first seen so.
/// - A stray is never changed or removed, with one exception: what is malformed, lies below or at a
///   name that is to be published, and so makes DNS servers fail it, is moved to the quarantine.
/// - A name that is someone else's isn't published (hold): its own key is there, readable and
///   without our mark, or it has members and none of them is ours. A name in `adopt` is taken over:
///   in one transaction with ours, others' records at and directly below it are moved aside.
///
/// Example: desired api {lb-1, lb-2}, observed api {lb-1, lb-3, lb-4}, 30 records in all: one write
/// that puts lb-2 and removes lb-3 and lb-4. With 10 records in all: lb-4 stays for the next round.
[[nodiscard]] Plan plan(const Desired& desired,
                        const Observed& observed,
                        const PlanMemory& memory,
                        const PlanPolicy& policy,
                        SteadyTime now);

[[nodiscard]] std::string_view to_string(PlanLine::Act act);

}  // namespace muster::dnsupdate
