#pragma once

#include "common/coordination/zookeeper_store.hpp"
#include "common/follow/cluster_view.hpp"
#include "ctl/tree.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// Watches a real cluster's tree through a session of its own, with no more rights than a reader's,
/// and notes what happened when. What it says comes from ZooKeeper, not from any musterd. Any
/// thread.
class Observer {
 public:
    /// CLOCK_MONOTONIC.
    using Time = std::chrono::nanoseconds;

    Observer(const std::vector<std::string>& servers,
             const std::string& cluster_name,
             const ctl::TreeUsers& users);
    ~Observer();
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;

    /// Until the view fulfils the condition, `limit` (times the build's slowdown) at most.
    [[nodiscard]] bool wait(std::chrono::nanoseconds limit,
                            const std::function<bool(const follow::ClusterView&)>& condition) const;
    [[nodiscard]] follow::ClusterView view() const;

    struct EpochChange {
        std::int64_t epoch = 0;
        NodeId node;
        Time seen{};
        Time first_write{};  ///< of a control write under it; 0 = none seen yet
    };
    [[nodiscard]] std::vector<EpochChange> epochs() const;

    struct VerdictChange {
        Time seen{};
        ShardId shard;
        BackendId backend;
        znodes::Letter from = znodes::Letter::unknown;
        znodes::Letter to = znodes::Letter::unknown;
        std::string writer;
    };
    [[nodiscard]] std::vector<VerdictChange> verdict_changes() const;
    void forget();  ///< what happened up to now

    /// Runs a coroutine on a store with a node's rights, and waits for it.
    void with_store(const std::function<asio::awaitable<void>(coordination::Store&)>& work);

    [[nodiscard]] static std::size_t count(const follow::ClusterView& view, znodes::Letter letter);
    /// Slots that are no tombstones.
    [[nodiscard]] static std::size_t backends(const follow::ClusterView& view);
    [[nodiscard]] static std::map<ShardId, NodeId> owners(const follow::ClusterView& view);

 private:
    struct Inside;
    void on_change(const std::vector<std::string>& paths);
    void note(const follow::ClusterView& before);

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    follow::ClusterView view_;
    std::vector<EpochChange> epochs_;
    std::vector<VerdictChange> verdicts_;
    std::map<ShardId, std::vector<znodes::Letter>> letters_;
    std::unique_ptr<Inside> inside_;
    std::thread thread_;
};

}  // namespace muster::test
