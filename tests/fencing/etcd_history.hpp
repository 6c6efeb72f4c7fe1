#pragma once

#include "tests/support/etcd_server.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// What etcd itself says that happened, and who may have done it.
namespace muster::fencing {

struct Event {
    std::int64_t revision = 0;
    std::string key;
    std::string value;  ///< empty: deleted
    bool deleted = false;
    bool operator==(const Event&) const = default;
};

/// Everything from revision 1 on, by etcdctl's watch. Throws std::runtime_error when it doesn't
/// come.
[[nodiscard]] std::vector<Event> history(const test::EtcdServer& server);

struct Verdict {
    std::size_t transactions = 0;  ///< that changed records
    std::size_t claims = 0;
    std::vector<std::string> violations;  ///< by an older token than the fence's at that revision
    std::vector<std::string> emptied;  ///< a name that had members has none, and its anchor stays
};

/// Replays a history. Every transaction on records puts an anchor that names its token: it must be
/// that of the fence at that very revision; and tokens of the fence only grow. Knows the layout's
/// keys and the two JSON fields, none of our code. Pure.
[[nodiscard]] Verdict judge(const std::vector<Event>& events,
                            const std::string& root,
                            const std::string& fence_key);

}  // namespace muster::fencing
