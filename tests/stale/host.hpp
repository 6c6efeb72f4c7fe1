#pragma once

#include "checker/prober_pool.hpp"
#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "orchestrator/node.hpp"
#include "tests/coordination/lossy_proxy.hpp"
#include "tests/stale/holding_store.hpp"
#include "tests/stale/scripted_prober.hpp"
#include "tests/support/zookeeper_server.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace muster::stale {

/// How a host is parted from ZooKeeper.
enum class Separation {
    frozen,         ///< stopped, guardian and all: nothing of it runs, its sockets stay open
    silent,         ///< no packet passes either way
    cut,            ///< connections break, new ones are refused
    requests_lost,  ///< it hears, but is not heard
};
[[nodiscard]] std::string_view to_string(Separation separation);

/// One node in a world of its own: a real Node on a real ZooKeeperStore, behind a network of its
/// own, on an io_context of its own; freezing it is not running that. Whoever owns it runs the
/// context, and destroys it only after the coroutine end() has ended.
class Host {
 public:
    struct Settings {
        NodeId id;
        std::string incarnation;
        std::chrono::nanoseconds session_timeout{};
        std::chrono::nanoseconds tick{};  ///< of the servers
        std::uint64_t seed = 0;
        HoldingStore::Guards guards = HoldingStore::Guards::kept;
    };

    /// `network` carries its packets, and runs also while the host is frozen.
    Host(asio::io_context& network,
         const test::ZooKeeperServers& servers,
         const znodes::Paths& paths,
         const Backends& backends,
         Settings settings);
    ~Host();

    void start();
    [[nodiscard]] asio::awaitable<void> end();

    void separate(Separation separation);
    void reunite();
    [[nodiscard]] bool frozen() const { return frozen_; }

    [[nodiscard]] asio::io_context& context() { return context_; }
    [[nodiscard]] orchestrator::Node& node() { return *node_; }
    [[nodiscard]] const orchestrator::Node& node() const { return *node_; }
    [[nodiscard]] HoldingStore& store() { return holding_; }
    [[nodiscard]] TaskGroup& tasks() { return tasks_; }
    [[nodiscard]] const NodeId& id() const { return settings_.id; }
    [[nodiscard]] bool is_master() const;

 private:
    [[nodiscard]] std::vector<std::string> addresses() const;

    Settings settings_;
    std::mt19937_64 random_;
    AsioClock clock_;
    asio::io_context context_{1};
    std::vector<std::unique_ptr<test::LossyProxy>> links_;
    coordination::ZooKeeperStore zookeeper_;
    HoldingStore holding_;
    ScriptedProber prober_;
    checker::InlinePool pool_;
    TaskGroup tasks_;
    std::unique_ptr<orchestrator::Node> node_;
    bool frozen_ = false;
    bool parted_ = false;  ///< by the network
};

}  // namespace muster::stale
