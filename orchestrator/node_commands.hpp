#pragma once

#include "checker/prober_pool.hpp"
#include "common/base/clock.hpp"
#include "common/coordination/store.hpp"
#include "orchestrator/commands.hpp"
#include "orchestrator/config_plan.hpp"
#include "orchestrator/node.hpp"
#include "orchestrator/scaling_lint.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// Commands on a real node: configuration goes straight to ZooKeeper under compare-and-set (no
/// master needed), the rest to this node's roles. Called on the API's executor, works on the
/// control executor.
class NodeCommands final : public Commands {
 public:
    /// Keeps the node's own pause over restarts; returns an error text.
    using KeepPause = std::function<std::string(const SelfPause&)>;

    NodeCommands(asio::any_io_executor control,
                 coordination::Store& store,
                 Clock& clock,
                 Node& node,
                 checker::CheckRunner& runner,
                 Node::NewGuid new_guid,
                 KeepPause keep_pause,
                 QueryLint lint_queries,
                 const LbHops& hops);

    [[nodiscard]] asio::awaitable<Result<std::vector<AppliedGroup>>> apply(
        ApplyRequest request) override;
    [[nodiscard]] asio::awaitable<Result<AppliedGroup>> remove(znodes::ConfigName object,
                                                               Expectation expect,
                                                               Requester author,
                                                               DryRun dry_run,
                                                               Abandon abandon) override;
    [[nodiscard]] asio::awaitable<Result<AppliedGroup>> change_backend(
        BackendChange change) override;
    [[nodiscard]] asio::awaitable<Result<znodes::Pause>> pause_cluster(PauseChange change,
                                                                       Requester author) override;
    [[nodiscard]] asio::awaitable<Result<znodes::FleetPause>> pause_fleet(
        FleetPauseChange change, Requester author) override;
    [[nodiscard]] asio::awaitable<Result<LostHost>> forget_host(HostLoss loss,
                                                                Requester author,
                                                                DryRun dry_run) override;
    [[nodiscard]] asio::awaitable<Result<znodes::TrafficShift>> change_shift(
        ShiftChange change, Requester author, DryRun dry_run) override;
    [[nodiscard]] asio::awaitable<Result<SelfPause>> pause_self(SelfPause pause) override;
    [[nodiscard]] asio::awaitable<Result<std::int64_t>> step_down() override;
    [[nodiscard]] asio::awaitable<Result<Evidence>> why(GroupName group,
                                                        BackendId backend) override;
    [[nodiscard]] asio::awaitable<Result<std::vector<AuditRow>>> audit(std::size_t limit) override;

    /// On the control executor.
    [[nodiscard]] const SelfPause& self_pause() const { return self_pause_; }
    void restore_pause(SelfPause pause);

 private:
    // All of these run on the control executor.
    asio::awaitable<Result<std::vector<AppliedGroup>>> apply_all(ApplyRequest request);
    asio::awaitable<ScalingLint> lint(config::FleetSpec fleet);
    asio::awaitable<AppliedGroup> apply_one(ApplyItem item, Requester author, DryRun dry_run);
    asio::awaitable<Result<AppliedGroup>> remove_one(znodes::ConfigName object,
                                                     Expectation expect,
                                                     Requester author,
                                                     DryRun dry_run,
                                                     Abandon abandon);
    asio::awaitable<Result<std::vector<coordination::Op>>> guard_removal(FleetName fleet);
    asio::awaitable<Result<AppliedGroup>> change_one(BackendChange change);
    asio::awaitable<Result<znodes::Pause>> set_control(PauseChange change, Requester author);
    asio::awaitable<Result<znodes::FleetPause>> set_fleet_pause(FleetPauseChange change,
                                                                Requester author);
    asio::awaitable<Result<LostHost>> give_up_host(HostLoss loss, Requester author, DryRun dry_run);
    asio::awaitable<Result<znodes::TrafficShift>> shift(ShiftChange change,
                                                        Requester author,
                                                        DryRun dry_run);
    asio::awaitable<Result<SelfPause>> set_self_pause(SelfPause pause);
    asio::awaitable<Result<std::int64_t>> give_up_office();
    asio::awaitable<Result<Evidence>> look(GroupName group, BackendId backend);
    [[nodiscard]] std::vector<LbHop> hops_of(const GroupName& group,
                                             const BackendId& backend) const;
    asio::awaitable<Result<std::vector<AuditRow>>> read_audit(std::size_t limit);

    /// Nothing: it isn't there.
    /// Refused while nothing of the tree is known.
    [[nodiscard]] Result<std::string> cluster_name() const;
    asio::awaitable<Result<std::optional<coordination::Node>>> read_node(std::string path);
    asio::awaitable<Result<std::optional<KnownHead>>> read_head(znodes::ConfigName object);
    asio::awaitable<std::optional<Error>> write(znodes::ConfigName object, ConfigWrite write);
    [[nodiscard]] ConfigAuthor author(Requester requester, std::string detail = {}) const;

    asio::any_io_executor control_;
    coordination::Store& store_;
    Clock& clock_;
    Node& node_;
    checker::CheckRunner& runner_;
    Node::NewGuid new_guid_;
    KeepPause keep_pause_;
    QueryLint lint_queries_;
    const LbHops& hops_;
    SelfPause self_pause_;
    std::map<std::int64_t, znodes::AuditEntry> known_audit_;  ///< entries never change
};

}  // namespace muster::orchestrator
