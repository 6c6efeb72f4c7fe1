#include "tests/coordination/memory_world.hpp"

namespace muster::coordination {

std::vector<Service> services() {
    const auto carried = [](std::size_t on_primary) {
        return [on_primary] {
            return std::make_unique<MemoryWorld>(
                WatchLimits{.on_primary = on_primary, .on_further = 3});
        };
    };
    return {{.name = "Memory", .make = [] { return std::make_unique<MemoryWorld>(); }},
            {.name = "MemoryCarriedFromThree", .make = carried(3)},
            {.name = "MemoryCarriedAll", .make = carried(0)}};
}

}  // namespace muster::coordination
