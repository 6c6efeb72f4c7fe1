#pragma once

#include "common/znodes/paths.hpp"
#include "tests/stale/transaction_log.hpp"
#include "tests/stale/write_class.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace muster::stale {

struct Violation {
    std::int64_t zxid = 0;
    std::string what;
};

struct Judgement {
    std::size_t transactions = 0;
    std::size_t refused = 0;                   ///< multis that ZooKeeper turned down
    std::map<WriteClass, std::size_t> judged;  ///< applied writes
    std::vector<Violation> violations;
};

/// Replays ZooKeeper's own history of one cluster and asks of every applied write whether its
/// author had the right to it at that very zxid. It knows the tree and sessions, none of our code
/// but the codecs:
///  - an office begins with a set of `epoch` by the session that owns the oldest live candidacy,
///    names its owner, and carries the version that it makes;
///  - every write to assignments, map, layouts, and every creation of a worker's nodes comes from
///  the
///    session that made the present epoch, and carries that epoch's version and node;
///  - every status, ack, progress and handoff carries the present version of its writer's
///    assignment, which gives that writer the shard in a fitting role.
/// Pure. Throws std::runtime_error when the log can't be all of the history (a version that does
/// not follow, a change to a node that was never made).
[[nodiscard]] Judgement judge(const std::vector<Transaction>& history, const znodes::Paths& paths);

}  // namespace muster::stale
