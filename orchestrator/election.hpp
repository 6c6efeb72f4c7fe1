#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/candidates.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

namespace muster::orchestrator {

/// Mastership as this node holds it.
struct Office {
    std::int64_t epoch =
        0;  ///< E: the version of the epoch node that our claim made; our fencing token
    std::uint64_t session_generation = 0;
    SteadyTime since{};
    bool operator==(const Office&) const = default;
};

struct ElectionSettings {
    std::string cluster;  ///< uuid
    NodeId node;
    std::string incarnation;
    std::string address;                                             ///< shown to people
    std::chrono::nanoseconds tick = std::chrono::milliseconds(200);  ///< of the servers
    std::chrono::nanoseconds retry = std::chrono::milliseconds(200);
};

/// Candidacy and office (DESIGN.md section 5; ZooKeeper's leader recipe hardened as in
/// reference/coordination.md 1): a GUID-protected ephemeral sequential node, a watch on the
/// predecessor alone, a claim that is one transaction (own candidacy, control, epoch at its read
/// version), and a lease clock.
///
/// Authority is `may_act()`: in office, session confirmed since its last trouble, and the lease not
/// run out. Everything that leaves ZooKeeper asks it right before; writes to ZooKeeper are fenced
/// by `Office::epoch` besides. Executor: the store's.
class Election {
 public:
    /// Called when office is taken, resumed or lost.
    using OnOffice = std::function<void(const std::optional<Office>&)>;
    using NewGuid = std::function<std::string()>;

    Election(asio::any_io_executor executor,
             coordination::Store& store,
             Clock& clock,
             znodes::Paths paths,
             ElectionSettings settings,
             NewGuid new_guid,
             OnOffice on_office);

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    [[nodiscard]] const std::optional<Office>& office() const { return office_; }
    [[nodiscard]] bool may_act(SteadyTime now) const;
    [[nodiscard]] SteadyTime lease_until() const;

    /// Gives the office up and goes to the end of the line: no authority from the call on; resumes
    /// when the candidacy is gone (or can't be deleted now: then it goes with the session). Without
    /// office, only re-queues.
    [[nodiscard]] asio::awaitable<void> step_down();

    /// Gives up and stays out: for leaving the cluster.
    [[nodiscard]] asio::awaitable<void> retire();

    /// A fenced write was refused: re-derive everything.
    void doubt_office();

 private:
    asio::awaitable<void> run();
    asio::awaitable<bool> campaign();  ///< true: wait for an event; false: look again after `retry`
    asio::awaitable<bool> withdraw();  ///< retired: as campaign(), until no node of ours is left
    asio::awaitable<bool> join();
    asio::awaitable<bool> take_office();
    asio::awaitable<bool> confirm_office();
    asio::awaitable<void> delete_candidate(std::string name);
    asio::awaitable<void> give_up_candidacy();
    void on_session(const coordination::SessionStatus& session);
    void lose_office();
    [[nodiscard]] std::string candidate_path(const std::string& name) const;

    coordination::Store& store_;
    Clock& clock_;
    znodes::Paths paths_;
    ElectionSettings settings_;
    NewGuid new_guid_;
    OnOffice on_office_;
    TaskGroup tasks_;
    Signal wake_;
    coordination::Subscription candidates_subscription_;
    coordination::Subscription epoch_subscription_;
    coordination::Subscription session_subscription_;
    std::string guid_;  ///< of this candidacy; new with each session and after each step-down
    std::uint64_t guid_generation_ = 0;  ///< the session that it belongs to
    std::set<std::string> given_up_;     ///< earlier guids of this session: their nodes must go
    std::string own_;                    ///< our candidate's name; empty = not joined
    std::optional<Office> office_;
    coordination::SessionState last_state_ = coordination::SessionState::connecting;
    bool confirmed_ = false;  ///< office was proven since the session's last trouble
    bool retired_ = false;
};

}  // namespace muster::orchestrator
