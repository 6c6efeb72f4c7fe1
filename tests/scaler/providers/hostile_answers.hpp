#pragma once

#include <string>
#include <vector>

namespace muster::test {

/// What no program or service may answer when it is asked about machines of the fleet "edge" or of
/// its machine "edge-1-1", and may do so nevertheless.
[[nodiscard]] std::vector<std::string> hostile_answers();

}  // namespace muster::test
