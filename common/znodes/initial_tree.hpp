#pragma once

#include "common/znodes/paths.hpp"
#include "common/znodes/payloads.hpp"

#include <string>
#include <vector>

namespace muster::znodes {

struct InitialNode {
    std::string path;
    std::string data;
};

/// The nodes of an empty cluster, parents first, the root of all clusters ("/muster") included.
/// Pure: `musterctl init` writes them to ZooKeeper, `musterd dev` and the simulation to memory.
[[nodiscard]] std::vector<InitialNode> initial_tree(const Paths& paths, const Control& control);

}  // namespace muster::znodes
