#pragma once

#include "orchestrator/commands.hpp"

#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// Commands that do nothing but write down what they were asked, and answer as told.
class RecordedCommands : public orchestrator::Commands {
 public:
    /// "apply web by alice expect 4", one line for each command.
    std::vector<std::string> asked;
    /// Given as the answer to everything, when set.
    std::optional<Error> fails;
    /// Given for single groups by apply(), in order; then `changed` with generation 5.
    std::vector<orchestrator::AppliedGroup> applied;
    orchestrator::Evidence evidence;
    std::vector<orchestrator::AuditRow> audit_rows;
    /// why() never answers.
    bool silent = false;

    explicit RecordedCommands(Clock& clock) : clock_(clock) {}

    [[nodiscard]] asio::awaitable<Result<std::vector<orchestrator::AppliedGroup>>> apply(
        orchestrator::ApplyRequest request) override;
    [[nodiscard]] asio::awaitable<Result<orchestrator::AppliedGroup>> remove(
        znodes::ConfigName object,
        orchestrator::Expectation expect,
        orchestrator::Requester author,
        orchestrator::DryRun dry_run,
        orchestrator::Abandon abandon) override;
    [[nodiscard]] asio::awaitable<Result<orchestrator::AppliedGroup>> change_backend(
        orchestrator::BackendChange change) override;
    [[nodiscard]] asio::awaitable<Result<znodes::Pause>> pause_cluster(
        orchestrator::PauseChange change, orchestrator::Requester author) override;
    [[nodiscard]] asio::awaitable<Result<znodes::FleetPause>> pause_fleet(
        orchestrator::FleetPauseChange change, orchestrator::Requester author) override;
    [[nodiscard]] asio::awaitable<Result<orchestrator::LostHost>> forget_host(
        orchestrator::HostLoss loss,
        orchestrator::Requester author,
        orchestrator::DryRun dry_run) override;
    [[nodiscard]] asio::awaitable<Result<znodes::TrafficShift>> change_shift(
        orchestrator::ShiftChange change,
        orchestrator::Requester author,
        orchestrator::DryRun dry_run) override;
    [[nodiscard]] asio::awaitable<Result<orchestrator::SelfPause>> pause_self(
        orchestrator::SelfPause pause) override;
    [[nodiscard]] asio::awaitable<Result<std::int64_t>> step_down() override;
    [[nodiscard]] asio::awaitable<Result<orchestrator::Evidence>> why(GroupName group,
                                                                      BackendId backend) override;
    [[nodiscard]] asio::awaitable<Result<std::vector<orchestrator::AuditRow>>> audit(
        std::size_t limit) override;

 private:
    Clock& clock_;
};

}  // namespace muster::test
