#pragma once

#include "common/base/asio_clock.hpp"
#include "common/coordination/session_secret.hpp"
#include "common/coordination/watch_carriers.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "tests/coordination/store_world.hpp"
#include "tests/support/zookeeper_server.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::coordination {

/// Real ZooKeeper servers and the real clock.
class ZooKeeperWorld final : public StoreWorld {
 public:
    /// The servers must outlive it; several worlds may share them.
    /// With `carried`, clients have further sessions for watches.
    explicit ZooKeeperWorld(test::ZooKeeperServers& servers,
                            std::optional<WatchLimits> carried = {})
        : servers_(servers), carried_(carried) {}

    [[nodiscard]] asio::io_context& context() override { return context_; }
    [[nodiscard]] Clock& clock() override { return clock_; }
    bool drive(const std::function<bool()>& done, std::chrono::nanoseconds limit) override;
    [[nodiscard]] std::unique_ptr<TestClient> start(const ClientOptions& options) override;
    [[nodiscard]] std::unique_ptr<TestClient> start_with(ZooKeeperStore::Settings settings);
    [[nodiscard]] std::unique_ptr<TestClient> start_carried(ZooKeeperStore::Settings settings,
                                                            WatchLimits carried);
    [[nodiscard]] std::string new_root() override;

    [[nodiscard]] test::ZooKeeperServers& servers() { return servers_; }

 private:
    test::ZooKeeperServers& servers_;
    std::optional<WatchLimits> carried_;
    AsioClock clock_;
    asio::io_context context_;
};

/// The store behind a client of a ZooKeeperWorld.
[[nodiscard]] ZooKeeperStore& zookeeper(TestClient& client);

/// Takes over somebody's session and closes it, as the parent of a dead process does. Blocking.
/// False when the session could not be had within the limit.
bool adopt_and_close(const SessionSecret& secret, const std::string& server);

}  // namespace muster::coordination
