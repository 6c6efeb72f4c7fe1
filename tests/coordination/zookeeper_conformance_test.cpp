#include "tests/coordination/zookeeper_world.hpp"

namespace muster::coordination {

namespace {

/// One server for all cases, each of which has a node of its own in it.
test::ZooKeeperServers& server() {
    static test::ZooKeeperServers instance;
    return instance;
}

}  // namespace

std::vector<Service> services() {
    const auto carried = [](std::size_t on_primary) {
        return [on_primary] {
            return std::make_unique<ZooKeeperWorld>(
                server(), WatchLimits{.on_primary = on_primary, .on_further = 3});
        };
    };
    return {
        {.name = "ZooKeeper", .make = [] { return std::make_unique<ZooKeeperWorld>(server()); }},
        {.name = "ZooKeeperCarriedFromThree", .make = carried(3)},
        {.name = "ZooKeeperCarriedAll", .make = carried(0)}};
}

}  // namespace muster::coordination
