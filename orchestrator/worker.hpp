#pragma once

#include "checker/prober_pool.hpp"
#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/znodes/paths.hpp"
#include "orchestrator/doubt.hpp"
#include "orchestrator/outlier_notes.hpp"
#include "orchestrator/peer_channel.hpp"
#include "orchestrator/shared_checks.hpp"
#include "orchestrator/status_cell.hpp"
#include "orchestrator/suspicion.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/container/flat_map.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace muster::orchestrator {

struct WorkerSettings {
    std::string cluster;  ///< uuid
    NodeId node;
    std::string incarnation;
    /// Shortest time between two writes of one shard's status; grows with dirty shards x readers.
    std::chrono::nanoseconds min_window = std::chrono::milliseconds(50);
    /// How long a change of pending counters alone may wait.
    std::chrono::nanoseconds pending_window = std::chrono::milliseconds(500);
    int reads_per_second = 1500;  ///< that all readers together may cause by our writes
    std::chrono::nanoseconds progress_period = std::chrono::seconds(2);
    std::chrono::nanoseconds retry = std::chrono::milliseconds(100);
    Peers* peers = nullptr;  ///< to be asked before a DOWN is published; null = nobody is
    std::function<void(bool)> on_doubt;
    /// What always answers, seen from here; asked every second, and before a DOWN is published.
    std::vector<std::shared_ptr<const checker::ProbeRequest>> canaries;
};

struct WorkerCounters {
    std::uint64_t status_writes = 0;  ///< shards written
    std::uint64_t status_transactions = 0;
    std::uint64_t fenced_off = 0;
    std::uint64_t conflicts = 0;
    std::uint64_t unknown_outcomes = 0;
    std::uint64_t questions = 0;  ///< to peers
    std::uint64_t confirmed = 0;  ///< falls that were published after that
    std::uint64_t refused = 0;    ///< falls that peers did not see
    std::uint64_t hastened = 0;   ///< probes that came at once, for what LBs said
    std::uint64_t ejections = 0;  ///< of outliers
};

/// The worker role: runs the checks of the shards that this node's assignment gives it, and
/// publishes their status fenced by the assignment's version (A). Without ZooKeeper it keeps
/// probing what it had and publishes nothing; a missing or unreadable assignment changes nothing
/// either (its writes fail by themselves). Executor: the control executor (the store's).
class Worker {
 public:
    using Readers = std::function<std::size_t()>;  ///< how many processes read each status
    using Paused = std::function<bool()>;          ///< status publishing is paused

    Worker(asio::any_io_executor executor,
           coordination::Store& store,
           Clock& clock,
           znodes::Paths paths,
           follow::Mirror& mirror,
           const follow::ClusterView& view,
           checker::CheckRunner& runner,
           WorkerSettings settings,
           Readers readers,
           Paused paused);
    ~Worker();

    void start();
    [[nodiscard]] asio::awaitable<void> stop();
    void on_view(const follow::ViewChange& change);

    /// No shard is assigned to this incarnation any more.
    [[nodiscard]] bool idle() const;
    /// The check of a backend, if it runs here.
    [[nodiscard]] std::optional<checker::CheckId> find_check(const GroupName& group,
                                                             const BackendId& backend) const;
    /// What peers said of it when it was suspected last, if it was since we have its shard.
    [[nodiscard]] std::optional<Confirmation> confirmation(const GroupName& group,
                                                           const BackendId& backend) const;
    [[nodiscard]] const WorkerCounters& counters() const { return counters_; }
    [[nodiscard]] std::size_t owned() const;
    /// Backends of ours that are held out as outliers.
    [[nodiscard]] std::size_t ejected() const;
    [[nodiscard]] bool in_doubt() const { return doubt_.doubts(); }

 private:
    /// A shard that is assigned to us.
    struct Shard {
        znodes::Role role = znodes::Role::own;
        std::int64_t move = 0;
        SteadyTime since{};        ///< of this role
        bool adopted = false;      ///< its published status has been read
        bool needs_merge = false;  ///< WARM became OWN: the old owner's last word is to be read
        bool ready = false;        ///< WARM and READY was found out
        bool handoff_written = false;
        StatusCell cell;
        std::int32_t status_version = -1;
        bool dirty = false;   ///< to be published
        bool urgent = false;  ///< at the next window, not only after pending_window
        SteadyTime dirty_since{};
        /// What the checks that run were made from.
        struct Origin {
            std::shared_ptr<const config::GroupSpec> spec;
            std::int64_t members_created = 0;
            std::int32_t members_version = 0;
            znodes::Role role = znodes::Role::own;
            bool operator==(const Origin&) const = default;
        };
        std::optional<Origin> origin;
        std::uint64_t changes = 0;  ///< to notice a change during a write
        std::uint64_t attempt = 0;  ///< sequence of the last write tried, for unknown outcomes
        /// What the runner has, by slot; of its agent, by agent_of(slot).
        boost::container::flat_map<int, RunningCheck> running;
        /// Found DOWN here and not published yet: peers are asked.
        std::map<checker::CheckId, checker::HealthState> suspects;
        bool confirming = false;
        /// When we published their DOWN, for as long as that is a moment ago. Not by `since`: wall
        /// clocks of nodes differ.
        std::map<checker::CheckId, SteadyTime> fell;
        std::map<int, Confirmation> confirmations;  ///< the last one of each slot
    };
    using Shards = std::map<ShardId, std::shared_ptr<Shard>>;

    void reconcile();
    /// But for checks of backends that another layout has brought to another shard of ours.
    void drop(const ShardId& id, Shard& shard);
    void rebuild(const ShardId& id, Shard& shard, bool catch_up);
    /// What is to run under one key, compared with what does.
    struct Changes {
        std::vector<checker::Check> put;
        std::vector<checker::CheckId> remove;
    };
    static constexpr int agent_of(int slot) { return -1 - slot; }
    void run(const ShardId& id, Shard& shard, int key, checker::Check check, Changes& changes);
    void end(Shard& shard, int key, Changes& changes);
    void mark(Shard& shard, bool urgent);
    void on_report(const checker::CheckReport& report);
    void publish_state(const ShardId& id,
                       Shard& shard,
                       CellSlot& cell,
                       const checker::HealthState& state,
                       checker::Reason reason);
    [[nodiscard]] bool suspect(const ShardId& id,
                               Shard& shard,
                               int slot,
                               const checker::HealthState& found);
    asio::awaitable<void> confirm_suspicions();
    asio::awaitable<void> confirm_shard(ShardId id, std::shared_ptr<Shard> shard);
    using Votes = std::map<int, std::vector<PeerVote>>;  ///< by slot
    asio::awaitable<std::map<int, Ruling>> ask_peers(ShardId id,
                                                     std::shared_ptr<Shard> shard,
                                                     std::vector<int> slots,
                                                     std::uint64_t seed,
                                                     bool patient,
                                                     Votes& votes);
    /// Where a check's backend is now; nothing when it is gone.
    [[nodiscard]] std::optional<int> slot_of(const ShardId& id, checker::CheckId check) const;
    void settle(const ShardId& id,
                Shard& shard,
                checker::CheckId check,
                bool is_down,
                std::vector<PeerVote> votes);
    void return_to(const RunningCheck& check, const checker::HealthState& state);
    asio::awaitable<void> ask_canaries();
    asio::awaitable<void> watch_canaries();
    asio::awaitable<void> watch_probes();
    asio::awaitable<void> watch_doubt();
    void look_around();
    asio::awaitable<void> watch_evidence();
    bool look_at_evidence();
    bool look_at_group(const GroupName& name, const std::vector<Shards::const_iterator>& shards);
    void judge(const ShardId& id,
               Shard& shard,
               CellSlot& slot,
               OutlierNotes& notes,
               const config::OutlierSpec& outlier,
               const std::vector<Witness>& witnesses,
               std::size_t electorate);
    bool look_at_slot(const ShardId& id,
                      Shard& shard,
                      CellSlot& slot,
                      const config::GroupSpec& spec,
                      const Witnesses& witnesses,
                      std::size_t electorate,
                      std::vector<checker::CheckId>& hasten);
    asio::awaitable<void> adopt_shard(ShardId id, std::shared_ptr<Shard> shard);
    asio::awaitable<void> merge_shard(ShardId id, std::shared_ptr<Shard> shard);
    asio::awaitable<void> write_handoff(ShardId id, std::shared_ptr<Shard> shard);
    asio::awaitable<void> publish();
    asio::awaitable<void> publish_batch(std::vector<ShardId> ids);
    asio::awaitable<void> reread_status(ShardId id, std::shared_ptr<Shard> shard);
    asio::awaitable<void> watch_readiness();
    asio::awaitable<void> report_progress();
    asio::awaitable<bool> write_ack();
    [[nodiscard]] bool publishes(const Shard& shard) const;
    [[nodiscard]] bool is_current(const ShardId& id, const std::shared_ptr<Shard>& shard) const;
    [[nodiscard]] znodes::Stamp stamp();
    [[nodiscard]] coordination::Op guard() const;
    [[nodiscard]] std::chrono::nanoseconds window(std::size_t dirty) const;

    static constexpr std::size_t most_voters = 5;  ///< asked about one suspicion

    coordination::Store& store_;
    Clock& clock_;
    znodes::Paths paths_;
    follow::Mirror& mirror_;
    const follow::ClusterView& view_;
    checker::CheckRunner& runner_;
    WorkerSettings settings_;
    Readers readers_;
    Paused paused_;
    TaskGroup tasks_;
    Signal dirty_signal_;
    Signal warm_signal_;
    Signal suspicion_signal_;
    Signal evidence_signal_;
    /// What LBs have said of a group of which we have a shard.
    struct OutlierWatch {
        Newest newest;
        std::map<BackendId, OutlierNotes> notes;
    };
    std::map<GroupName, OutlierWatch> outliers_;
    DoubtMeter doubt_;
    bool was_in_doubt_ = false;  ///< at the last look around
    std::int64_t sequence_of_questions_ = 0;
    coordination::Subscription session_subscription_;
    Shards shards_;
    /// Shard and key in `running` of each check; the shard's name is the one in `shards_`.
    std::unordered_map<std::uint64_t, std::pair<const ShardId*, int>> by_check_;
    std::int32_t token_ = -1;  ///< A: the version of our assignment that we act on
    std::int64_t sequence_ = 0;
    WorkerCounters counters_;
};

}  // namespace muster::orchestrator
