#pragma once

#include "agent/last_good.hpp"
#include "common/base/clock.hpp"
#include "common/coordination/store.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/follow/mirror.hpp"
#include "common/znodes/paths.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace muster::agent {

/// The part of the tree that one fleet's LBs need, as it was last known, whatever becomes of
/// ZooKeeper: a lost connection, a vanished znode, garbage, or the tree of another cluster in the
/// place of ours change nothing. Executor: the store's.
class Follower {
 public:
    /// `on_change`: the view, or what stands in its way, is another.
    Follower(asio::any_io_executor executor,
             coordination::Store& store,
             Clock& clock,
             znodes::Paths paths,
             FleetName fleet,
             InstanceId instance,
             std::function<void()> on_change);

    /// Before start(): what was known when the agent ran last.
    void restore(const LastGood& kept);
    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    [[nodiscard]] const follow::ClusterView& view() const { return view_; }
    /// All that is of interest has been read, and nothing is known to be out of date.
    [[nodiscard]] bool settled() const { return mirror_.settled(); }
    /// Groups of which it is still being read which generation the LB is to apply, or that one.
    [[nodiscard]] std::set<GroupName> unread() const;
    /// The uuid of the cluster that is there in the place of ours; empty: it is ours.
    [[nodiscard]] const std::string& foreign_cluster() const { return foreign_; }

 private:
    [[nodiscard]] follow::Interest interest_in(const std::string& path) const;
    void on_mirror(const std::vector<std::string>& changed);
    [[nodiscard]] std::string uuid_of_tree() const;
    [[nodiscard]] std::set<GroupName> groups_named() const;
    void take(const std::vector<std::string>& changed);
    void look_for_generations(std::vector<std::string>& look);

    Clock& clock_;
    znodes::Paths paths_;
    FleetName fleet_;
    std::string record_;  ///< path of this LB's own record, if muster has made it
    std::function<void()> on_change_;
    follow::ClusterView view_;
    std::set<GroupName> wanted_;
    std::map<std::string, GroupName> histories_;  ///< paths of generations that rollouts name
    std::set<std::string> withheld_;  ///< changed while another cluster's tree was there
    std::string foreign_;
    follow::Mirror mirror_;
};

}  // namespace muster::agent
