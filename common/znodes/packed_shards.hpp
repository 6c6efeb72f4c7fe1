#pragma once

#include "common/base/id.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Lists of shards as small text that people can still read: {"web":"0-7,9,12w17"} is shards 0 to 7
// and 9 without a mark, and shard 12 with mark 'w' and value 17. Ten thousand shards take 50 to
// 200 KiB less than one JSON array for each would. Pure.
namespace muster::znodes {

/// What is said of one shard: a letter and, only with a letter, a number >= 0.
struct Mark {
    char letter = 0;  ///< 0 = none
    std::int64_t value = 0;
    bool operator==(const Mark&) const = default;
};

using MarkedShards = std::vector<std::pair<ShardId, Mark>>;

inline constexpr std::size_t max_packed_shards = 100'000;  ///< of one payload
inline constexpr int max_shard_number = 999'999;

/// One member for each group; `shards` in any order, each at most once.
[[nodiscard]] boost::json::object pack_shards(MarkedShards shards);

/// Appends to `into`, which never grows beyond max_packed_shards; false when the text is not what
/// pack_shards writes with the letters of `letters`.
[[nodiscard]] bool unpack_shards(const boost::json::object& packed,
                                 std::string_view letters,
                                 MarkedShards& into);

}  // namespace muster::znodes
