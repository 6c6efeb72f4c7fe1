#pragma once

#include "common/base/clock.hpp"
#include "common/base/id.hpp"
#include "common/znodes/payloads_scaling.hpp"
#include "scaler/decision.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"
#include "scaler/provider.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// How instances come and go. Pure: what is known goes in, the next step comes out (DESIGN.md, 5
// and 8; reference/autoscaling.md, 4). The shell, for each fleet, as master:
//
//   read all -> plan() -> write, as one multi (lifecycle_write.hpp) -> read again -> plan() ...
//                      -> calls; what they answer is in the next view.
//
// - Calls rest on what is committed alone: a plan made of an old view asks for nothing that a newer
//   one forbids, and none is repeated by another name.
// - Each write sets the state at its version, so of two plans of one view at most one lands.
// - Nothing but `replies` and `inventory` is remembered between two views; a new master begins
//   without them and asks again.
namespace muster::scaler {

/// Of the fleet's spec and the provider.
struct LifecycleSettings {
    FleetName fleet;
    std::string uid;
    std::int64_t spec_generation = 0;
    std::string provider;
    bool places = false;  ///< machines run on the view's hosts
    std::map<std::string, std::string> parameters{};
    seconds create_timeout{300};
    seconds drain_timeout{120};
    seconds grace{30};
    seconds warm_up{120};
    bool replace_dead = true;
    bool shadow = false;
    bool take_down = false;  ///< max is 0: also the last one goes
    int min = 0;
    int max = znodes::max_fleet_size;
    bool named = false;       ///< there are names that are to be answered with the fleet
    int creates_at_once = 5;  ///< after the first has become healthy (F6)
    int orphans_per_hour = 5;
    seconds retry{5};  ///< between two calls for one machine
    seconds list_every{30};
};

enum class Verdict : std::uint8_t { unknown, up, down };

/// What is seen of an instance, besides its record.
struct Sight {
    Verdict verdict = Verdict::unknown;         ///< of the probes
    WallTime since{};                           ///< of the verdict
    std::optional<std::int64_t> connections{};  ///< open; absent: not known, or not lately
    WallTime counted{};                         ///< when they were, by the clock of its host
    bool out_of_dns = false;                    ///< nobody gets its address any more
    bool published = false;                     ///< names are answered with it, or are to be
    std::string in_dns{};                       ///< why it isn't out
    bool host_reachable = true;                 ///< else what is missing is unknown
    WallTime host_since{};  ///< reachable for this term since then; a DOWN before says nothing
    bool operator==(const Sight&) const = default;
};

struct Listing {
    WallTime asked{};
    std::vector<Machine> machines{};
    bool operator==(const Listing&) const = default;
};

/// Of this term. Complete listings alone.
struct Inventory {
    std::optional<Listing> newest{};
    std::optional<Listing> before{};
    bool partial = false;  ///< a later one was not complete, or failed
};

enum class CallKind : std::uint8_t { create, get, remove, can_remove };

struct ProviderCall {
    CallKind kind = CallKind::get;
    MachineOrder order;  ///< of get, remove and can_remove: fleet and id alone
    seconds grace{0};    ///< of remove
    ProviderFence fence;
    bool operator==(const ProviderCall&) const = default;
};

/// The last answer about a machine in this term.
struct Reply {
    CallKind kind = CallKind::get;
    WallTime asked{};
    WallTime at{};
    ProviderResult<Machine> result{};  ///< of remove and can_remove: the id alone
};

struct HostView {
    NodeId node;
    std::string zone;
    bool usable = false;  ///< reachable, offers the provider, doesn't want to leave
};

/// A decision, and of which tick: each is carried out once. A clock that was set back, or another
/// period, makes lower numbers.
struct TickDecision {
    std::int64_t tick = 0;
    Decision decision;
    std::string digest;
};

struct LifecycleView {
    std::optional<znodes::FleetState> state{};  ///< absent: not managed yet
    std::map<InstanceId, znodes::FleetInstanceRecord> instances{};
    znodes::FleetPause pause{};
    std::optional<TickDecision> decision{};
    Inventory inventory{};
    std::map<InstanceId, Reply> replies{};
    std::set<InstanceId> in_flight{};  ///< calls that haven't been answered
    std::map<InstanceId, Sight> sights{};
    std::vector<HostView> hosts{};
    WallTime now{};
    ProviderFence fence{};
    znodes::Stamp stamp{};    ///< for what is written
    std::string nonce;        ///< fresh in each view; letters and digits
    bool reconciled = false;  ///< listed and, at each DNS store, claimed and read, this term
    std::int64_t seen_generation = 0;  ///< the highest that this node has ever seen of this life
    std::optional<WallTime> seen_founded{};  ///< of the state that it saw last
};

/// One multi. Each instance is made, changed or (absent) deleted.
struct FleetWrite {
    znodes::FleetState state;
    std::map<InstanceId, std::optional<znodes::FleetInstanceRecord>> instances{};
    /// Something begins that takes or gives capacity: `control`, the spec's head and the pause have
    /// to be as they were read.
    bool starts = false;
    bool first = false;              ///< the fleet's nodes are made: state, pause, instances
    std::vector<std::string> did{};  ///< for the log: one sentence for each change
    bool operator==(const FleetWrite&) const = default;
};

struct LifecyclePlan {
    std::optional<FleetWrite> write{};
    std::vector<ProviderCall> calls{};
    bool list = false;                     ///< a listing is due
    std::optional<WallTime> again{};       ///< look then, if nothing changes before
    std::vector<std::string> says{};       ///< for people: what holds now, and what is waited for
    std::optional<std::string> refused{};  ///< safe mode: why nothing is done
};

/// The next step. Rules:
/// 1. One intent at a time. A scale-out takes back a scale-in, newest drained first, before it
///    makes anything; and extends a scale-out.
/// 2. Ids are `<fleet>-<generation>-<k>`, committed before any call names them, never used again.
/// 3. planned -> creating -> booting -> warming -> serving; of an intent one goes first, the rest
///    when it was healthy (F6).
/// 4. In: can_remove(), draining, out of DNS, for however long that takes; from then on without
///    connections, or `drain_timeout` over; deleting, remove(), absent twice, gone. Draining can be
///    taken back, deleting not. What is last to serve isn't drained.
/// 5. A create that fails or takes too long: failed, removed by its name, and no other create for 5
///    minutes, then 10, 20, 30 (reset after 3 hours, or by one that serves); below `min` for one.
/// 6. Dead is what probes call down, and is in neither of two complete listings, or has been down
///    for `create_timeout`. It is replaced unless the breaker is open, a listing is partial, its
///    host isn't reachable or the provider won't remove it. A replacement that fails is owed.
/// 7. Orphans: orphans.hpp.
/// 8. A fleet that was made again under its name begins anew once nothing of the earlier one is
/// left.
/// 9. Nothing at all if the tree isn't the one that it should be (F1): another life of the fleet,
///    instances gone without a trace, a generation that is lower than one that was seen.
[[nodiscard]] LifecyclePlan plan(const LifecycleSettings& settings, const LifecycleView& view);

/// May DNS and the status answer with it? Health is the verdict of the probes, or rotation's.
[[nodiscard]] bool publishable(const znodes::FleetInstanceRecord& record, bool healthy);

/// Those that count as the fleet's size: what leaves, or has failed or ended, doesn't.
[[nodiscard]] int live_count(const std::map<InstanceId, znodes::FleetInstanceRecord>& records,
                             const std::optional<znodes::FleetIntent>& intent);

/// Does a machine's token prove that the fleet with this uid made it? Names don't: another cluster,
/// or an earlier fleet of this name, gives the same ones; uids are drawn, and tokens begin with
/// them.
[[nodiscard]] bool proves_ours(std::string_view uid, std::string_view token);

/// For decide().
[[nodiscard]] Membership membership_of(
    const znodes::FleetState& state,
    const std::map<InstanceId, znodes::FleetInstanceRecord>& instances,
    const std::map<InstanceId, Sight>& sights);

[[nodiscard]] History history_of(const znodes::SizeHistory& kept);
[[nodiscard]] znodes::SizeHistory kept_of(const History& history);
[[nodiscard]] Pause pause_of(const znodes::FleetPause& pause, WallTime now);

}  // namespace muster::scaler
