#pragma once

#include "scaler/machine_keeper.hpp"

#include <vector>

namespace muster::scaler {

struct MachineLayout {
    MachineRecord record;
    std::vector<MachineStore::File> files;
};

/// A new machine of the templates, with an address and ports that none of the `others` has and that
/// nobody uses right now. `quota`: none is left; `invalid`: a template or a parameter is wrong.
/// Reads the templates; opens and closes sockets.
[[nodiscard]] ProviderResult<MachineLayout> lay_out_machine(
    const MachineTemplates& templates,
    const MachineOrder& order,
    const std::vector<MachineRecord>& others,
    const std::string& directory);

}  // namespace muster::scaler
