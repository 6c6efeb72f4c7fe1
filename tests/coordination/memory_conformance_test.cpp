#include "tests/coordination/memory_world.hpp"

namespace muster::coordination {

std::vector<Service> services() {
    return {{.name = "Memory", .make = [] { return std::make_unique<MemoryWorld>(); }}};
}

}  // namespace muster::coordination
