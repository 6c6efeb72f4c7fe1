#pragma once

#include "common/base/clock.hpp"
#include "common/config/model.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/znodes/ejection.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

// What the owner of a shard makes of what LBs say of its backends. Pure: values in, values out.
namespace muster::orchestrator {

/// By the name of its znode below `evidence/<group>`, "edge:lb1".
using LbName = std::string;

/// What one LB says of one backend.
struct Witness {
    LbName lb;
    std::string incarnation;
    znodes::OutlierSign sign = znodes::OutlierSign::consecutive_5xx;
    std::int64_t finding = 1;
    /// It is registered, and sees no more than half of its backends fail: else it is the LB itself
    /// that is in trouble.
    bool counts = true;
    bool operator==(const Witness&) const = default;
};
using Witnesses = std::map<BackendId, std::vector<Witness>>;  ///< sorted by LB

/// The LBs that serve this group: of their fleets, registered now, with their incarnations.
using Electorate = std::map<LbName, std::string>;
[[nodiscard]] Electorate electorate_of(const follow::ClusterView& view, const GroupName& group);

/// The newest word of each LB: (incarnation, sequence).
using Newest = std::map<LbName, std::pair<std::string, std::int64_t>>;

/// Left out is what is garbage, of another life of the group, in another's name, or older than what
/// was heard before (`newest`, which this brings up to date).
[[nodiscard]] Witnesses witnesses_of(const follow::GroupEvidence& evidence,
                                     const std::string& group_uid,
                                     const Electorate& electorate,
                                     Newest& newest);

/// What is remembered of a backend that some LB names.
struct OutlierNotes {
    std::optional<SteadyTime> probed;  ///< when its probe was brought forward last
    std::chrono::nanoseconds gap{0};   ///< until that may happen again
    /// What an ejection was, or could have been, made of: it makes no second one.
    std::map<LbName, std::pair<std::string, std::int64_t>> spent;
    bool operator==(const OutlierNotes&) const = default;
};

/// Whether its next probe is to come at once, by `check`; then the notes say so. The first time at
/// once. As long as LBs go on naming it, again after fast_interval (default 1 s, interval at most)
/// while its check fails, too; each time that it `succeeds` the gap doubles, up to interval: the
/// check has no more to tell. interval 10 s, it succeeds: 0, 1, 3, 7, 15, 25, 35 s ...
[[nodiscard]] bool probe_at_once(OutlierNotes& notes,
                                 const config::CheckSpec& check,
                                 bool succeeds,
                                 SteadyTime now);

/// Notes that nobody needs: no LB names it, and its probe may be brought forward again.
[[nodiscard]] bool is_over(const OutlierNotes& notes,
                           const config::CheckSpec& check,
                           SteadyTime now);

/// The ejection that begins now, if any: more than half of the electorate, as far as they count,
/// name it by findings that are not spent. While one holds, all that is said is spent: what was
/// seen before its end makes no other one.
[[nodiscard]] std::optional<znodes::Ejection> eject(OutlierNotes& notes,
                                                    const SharedValue<znodes::Ejection>& before,
                                                    const config::OutlierSpec& outlier,
                                                    const std::vector<Witness>& witnesses,
                                                    std::size_t electorate,
                                                    WallTime now);

}  // namespace muster::orchestrator
