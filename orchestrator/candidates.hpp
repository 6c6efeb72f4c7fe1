#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster::orchestrator {

/// One child of `election`: "<guid>-n-<sequence>", the sequence as ZooKeeper appends it.
struct Candidate {
    std::string name;
    std::string guid;
    std::int64_t sequence = 0;
    bool operator==(const Candidate&) const = default;
};

/// Nothing when the name is not one of a candidate (someone else's node is ignored, not fatal).
[[nodiscard]] std::optional<Candidate> parse_candidate(std::string_view name);

/// Where we stand among the candidates. Pure; leadership is derived from the list alone, never from
/// an event.
struct Standing {
    std::optional<Candidate> own;  ///< our oldest; absent: we are not in the list
    std::vector<std::string>
        own_twins;  ///< later ones with our guid (a create whose reply was lost): to be deleted
    std::optional<Candidate>
        predecessor;  ///< the next older one; absent with `own`: we are the first in line
    bool operator==(const Standing&) const = default;
};

/// Orders by sequence alone (guids differ). ZooKeeper's counter is a signed 32-bit number that
/// wraps; as the candidates of one cluster are never more than 2^31 apart, the order is that of the
/// wrapped difference.
[[nodiscard]] Standing standing(const std::vector<std::string>& names, std::string_view own_guid);

}  // namespace muster::orchestrator
