#pragma once

#include "tests/coordination/lossy_proxy.hpp"
#include "tests/coordination/zookeeper_world.hpp"
#include "tests/support/eventually.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace muster::coordination {

/// For tests on real servers that differ from case to case.
class ZooKeeperTest : public testing::Test {
 protected:
    test::ZooKeeperServers& servers(test::ZooKeeperServers::Settings settings = {}) {
        servers_ = std::make_unique<test::ZooKeeperServers>(std::move(settings));
        world_ = std::make_unique<ZooKeeperWorld>(*servers_);
        return *servers_;
    }
    ZooKeeperWorld& world() { return *world_; }

    [[nodiscard]] ZooKeeperStore::Settings settings() const {
        ZooKeeperStore::Settings made;
        made.servers = servers_->addresses();
        return made;
    }
    [[nodiscard]] std::unique_ptr<TestClient> client(ZooKeeperStore::Settings settings) {
        auto made = world_->start_with(std::move(settings));
        EXPECT_TRUE(until([&] { return is_connected(*made); }));
        return made;
    }
    [[nodiscard]] std::unique_ptr<TestClient> client() { return client(settings()); }
    /// A client that sees the first server through the proxy.
    [[nodiscard]] std::unique_ptr<TestClient> client_through(const test::LossyProxy& proxy,
                                                             ZooKeeperStore::Settings settings) {
        settings.servers = {proxy.address()};
        return client(std::move(settings));
    }

    bool until(const std::function<bool()>& done, std::chrono::nanoseconds limit = patience) {
        return world_->drive(done, limit);
    }
    template <class T>
    Call<T> start(asio::awaitable<T> task) {
        return Call<T>(*world_, std::move(task));
    }
    template <class T>
    T await(asio::awaitable<T> task) {
        return start(std::move(task)).wait();
    }
    static asio::awaitable<bool> close(TestClient& client) {
        co_await client.close();
        co_return true;
    }

    static SessionState state(TestClient& client) { return client.store().session().state; }
    static std::uint64_t generation(TestClient& client) {
        return client.store().session().generation;
    }
    static bool is_connected(TestClient& client) {
        return state(client) == SessionState::connected;
    }
    [[nodiscard]] bool there(TestClient& client, const std::string& path) {
        (void)await(client.store().sync("/"));
        const auto stat = await(client.store().exists(path, Watch::none));
        EXPECT_TRUE(stat.has_value()) << stat.error().message();
        return stat && stat->has_value();
    }

 private:
    std::unique_ptr<test::ZooKeeperServers> servers_;
    std::unique_ptr<ZooKeeperWorld> world_;
};

}  // namespace muster::coordination
