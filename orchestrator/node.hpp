#pragma once

#include "checker/prober_pool.hpp"
#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/follow/mirror.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/collector.hpp"
#include "orchestrator/election.hpp"
#include "orchestrator/master.hpp"
#include "orchestrator/membership.hpp"
#include "orchestrator/voter.hpp"
#include "orchestrator/worker.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::orchestrator {

struct NodeIdentity {
    NodeId node;
    std::string incarnation;  ///< new with each process
    std::string zone;
    int capacity = 100;
    std::string api_address;
    std::string build;
    std::vector<std::string> probes = {"http", "tcp"};  ///< kinds that its probers can do
    std::string peer_address;              ///< where it answers other nodes; empty = nowhere
    std::vector<std::string> providers{};  ///< of LBs, that its settings have
};

struct NodeOptions {
    std::chrono::nanoseconds tick = std::chrono::milliseconds(200);  ///< of the servers
    AssignmentSettings assignment;
    CollectionSettings collection;
    WorkerSettings worker;  ///< its identity fields and on_doubt are filled in by Node
};

/// One musterd's inside: mirror, membership, candidacy, master and worker role over one store. The
/// same code runs in production, in `musterd dev` and, several times over, in the simulation. It
/// begins with the mirror alone; the roles start when the cluster's `control` is known (a node that
/// is pointed at an empty ZooKeeper waits, loudly, for `musterctl init`). Executor: everything on
/// the control executor (the store's).
class Node {
 public:
    using NewGuid = std::function<std::string()>;
    /// After each change of the view, of the session or of the office.
    using OnChange = std::function<void(const follow::ViewChange&)>;

    Node(asio::any_io_executor executor,
         coordination::Store& store,
         Clock& clock,
         checker::CheckRunner& runner,
         znodes::Paths paths,
         NodeIdentity identity,
         NodeOptions options,
         NewGuid new_guid);
    ~Node();

    void on_change(OnChange on_change) { on_change_ = std::move(on_change); }

    void start();
    /// Ends everything at once. The session stays the store owner's to close.
    [[nodiscard]] asio::awaitable<void> stop();
    /// Leaves in order: no office from the call on, then hands its shards over warm, until `limit`.
    /// stop() still has to follow.
    /// What this node says to a question of another one (peer_messages.hpp).
    [[nodiscard]] asio::awaitable<std::string> answer_peer(std::string question);
    [[nodiscard]] asio::awaitable<void> leave(std::chrono::nanoseconds limit);
    [[nodiscard]] asio::awaitable<void> step_down();

    /// This node's own pause: OR-ed with the cluster's.
    void set_paused(bool paused);

    [[nodiscard]] const follow::ClusterView& view() const { return view_; }
    [[nodiscard]] const NodeIdentity& identity() const { return identity_; }
    [[nodiscard]] const znodes::Paths& paths() const { return paths_; }
    /// Null until the cluster is known.
    [[nodiscard]] const Election* election() const { return election_.get(); }
    [[nodiscard]] const Master* master() const { return master_.get(); }
    [[nodiscard]] const Worker* worker() const { return worker_.get(); }
    /// All that there is was read.
    [[nodiscard]] bool settled() const { return mirror_.settled(); }
    /// Something outside of ZooKeeper says that another node is master.
    void doubt_office() {
        if (election_) election_->doubt_office();
    }
    [[nodiscard]] bool leaving() const { return leaving_; }

 private:
    void on_mirror(const std::vector<std::string>& changed);
    /// That a head names and nobody has read: those that the mirror had no interest in before.
    [[nodiscard]] std::vector<std::string> missing_chunks() const;
    [[nodiscard]] follow::Interest interest_in(const std::string& path) const;
    void follow_evidence();
    void begin_roles();
    [[nodiscard]] bool paused() const;
    asio::awaitable<void> complain_about_empty_tree();

    asio::any_io_executor executor_;
    coordination::Store& store_;
    Clock& clock_;
    checker::CheckRunner& runner_;
    znodes::Paths paths_;
    NodeIdentity identity_;
    NodeOptions options_;
    NewGuid new_guid_;
    OnChange on_change_;
    follow::ClusterView view_;
    std::set<GroupName> heard_;  ///< whose LBs' evidence is read
    follow::Mirror mirror_;
    TaskGroup tasks_;
    std::unique_ptr<Membership> membership_;
    std::unique_ptr<Election> election_;
    std::unique_ptr<Master> master_;
    std::unique_ptr<Collector> collector_;
    std::unique_ptr<Voter> voter_;
    std::unique_ptr<Worker> worker_;
    bool self_paused_ = false;
    bool leaving_ = false;
};

}  // namespace muster::orchestrator
