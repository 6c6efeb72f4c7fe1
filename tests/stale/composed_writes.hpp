#pragma once

#include "common/coordination/types.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/znodes/paths.hpp"
#include "tests/stale/write_class.hpp"

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace muster::stale {

/// In whose name a write is made, and by what token.
struct Author {
    NodeId node;
    std::int32_t epoch = 0;       ///< E, of control writes and claims
    std::int32_t assignment = 0;  ///< A
    std::string candidacy;        ///< path of its candidate
    std::int64_t sequence = 0;    ///< of the stamp; makes the payload one of its kind
};

/// A transaction of that class as the node would make it from what it believes (`view`), guarded by
/// the author's token; of sets that have a version of their own besides, any version will do, so
/// that nothing but the guard can refuse them. Nothing when the view holds nothing to write about.
[[nodiscard]] std::optional<std::vector<coordination::Op>> compose(WriteClass kind,
                                                                   const znodes::Paths& paths,
                                                                   const follow::ClusterView& view,
                                                                   const Author& author,
                                                                   std::mt19937_64& random);

}  // namespace muster::stale
