#pragma once

#include "scaler/machine_keeper.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace muster::scaler {

struct MachineLayout {
    MachineRecord record;
    std::vector<MachineStore::File> files;
};

/// A new machine of the templates, with an address and ports that none of the `others` has and that
/// nobody uses right now. `damaged`: so many more are there, of which nothing is known: they count,
/// and an address that anybody listens on is taken for theirs. `quota`: none is left; `invalid`: a
/// template or a parameter is wrong. Reads the templates; opens and closes sockets.
[[nodiscard]] ProviderResult<MachineLayout> lay_out_machine(
    const MachineTemplates& templates,
    const MachineOrder& order,
    const std::vector<MachineRecord>& others,
    std::size_t damaged,
    const std::string& directory);

}  // namespace muster::scaler
