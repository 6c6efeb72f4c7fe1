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
    return {
        {.name = "ZooKeeper", .make = [] { return std::make_unique<ZooKeeperWorld>(server()); }}};
}

}  // namespace muster::coordination
