#pragma once

#include "common/base/task_group.hpp"
#include "common/coordination/zookeeper_store.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/follow/mirror.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace muster::stale {

struct KnownCandidate {
    std::string path;
    NodeId node;
    std::int64_t session = 0;
};

/// Sees the tree through a session of its own, which no fault touches, and writes what users write.
/// What it has seen has happened. Executor: the one given.
class Witness {
 public:
    Witness(asio::any_io_executor executor,
            Clock& clock,
            std::vector<std::string> servers,
            znodes::Paths paths);

    void start();
    [[nodiscard]] asio::awaitable<void> end();

    [[nodiscard]] const follow::ClusterView& view() const { return view_; }
    /// Zxid of the last change seen of this node; 0: none.
    [[nodiscard]] std::int64_t last_change(const std::string& path) const;
    [[nodiscard]] coordination::ZooKeeperStore& store() { return store_; }

    [[nodiscard]] asio::awaitable<void> make_tree();
    /// As the API does.
    [[nodiscard]] asio::awaitable<void> apply_group(config::GroupSpec group);
    /// In the order of their candidacies.
    [[nodiscard]] asio::awaitable<std::vector<KnownCandidate>> candidates();

 private:
    Clock& clock_;
    znodes::Paths paths_;
    coordination::ZooKeeperStore store_;
    TaskGroup tasks_;
    follow::ClusterView view_;
    follow::Mirror mirror_;
};

}  // namespace muster::stale
