#pragma once

#include "common/base/asio_clock.hpp"
#include "common/config/model.hpp"
#include "tests/stale/host.hpp"
#include "tests/stale/transaction_log.hpp"
#include "tests/stale/witness.hpp"
#include "tests/support/zookeeper_server.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace muster::stale {

/// Three real ZooKeeper servers, three hosts that stay and a roamer that comes and goes, and a
/// witness. One thread: drive() runs every io_context but those of frozen hosts, in turn.
/// Blocking.
class StaleCluster {
 public:
    explicit StaleCluster(std::uint64_t seed,
                          HoldingStore::Guards guards = HoldingStore::Guards::kept);
    StaleCluster(const StaleCluster&) = delete;
    StaleCluster& operator=(const StaleCluster&) = delete;
    ~StaleCluster();

    /// Runs the cluster until the condition holds (true) or `limit` (times the build's slowdown)
    /// has passed.
    bool drive(std::chrono::nanoseconds limit, const std::function<bool()>& done);
    void drive_for(std::chrono::nanoseconds span) {
        drive(span, [] { return false; });
    }

    /// Runs a coroutine on the witness's executor, and waits for it.
    template <class T>
    T ask(asio::awaitable<T> work) {
        std::optional<T> answer;
        finish(store_answer(std::move(work), answer), network_);
        return std::move(*answer);
    }
    void ask(asio::awaitable<void> work) { finish(std::move(work), network_); }

    /// Everybody is a member, one rules, each of the three owns shards.
    bool wait_settled(std::chrono::nanoseconds limit);

    [[nodiscard]] Host* find(const NodeId& id);
    [[nodiscard]] Host* master();
    [[nodiscard]] std::vector<Host*> residents();
    void start_roamer();
    void end_roamer();
    [[nodiscard]] Host* roamer() { return find(roamer_id()); }
    [[nodiscard]] static NodeId roamer_id() { return NodeId("roamer"); }

    /// Applies the group with so many backends (and the same checks as ever).
    void apply_group(int backends);
    void flip(const std::string& address) { backends_[address] = !backends_[address]; }

    [[nodiscard]] Witness& witness() { return *witness_; }
    [[nodiscard]] const follow::ClusterView& view() const { return witness_->view(); }
    [[nodiscard]] const znodes::Paths& paths() const { return paths_; }

    /// Ends everything, and returns ZooKeeper's history of it.
    [[nodiscard]] std::vector<Transaction> end();

 private:
    template <class T>
    static asio::awaitable<void> store_answer(asio::awaitable<T> work, std::optional<T>& answer) {
        answer.emplace(co_await std::move(work));
    }
    void finish(asio::awaitable<void> work, asio::io_context& context);
    void start_host(const NodeId& id);
    void end_host(const NodeId& id);

    znodes::Paths paths_{"stale"};
    HoldingStore::Guards guards_;
    std::mt19937_64 random_;
    AsioClock clock_;
    test::ZooKeeperServers servers_;
    asio::io_context network_{1};
    Backends backends_;
    std::unique_ptr<Witness> witness_;
    std::map<NodeId, std::unique_ptr<Host>> hosts_;
    int incarnations_ = 0;
};

}  // namespace muster::stale
