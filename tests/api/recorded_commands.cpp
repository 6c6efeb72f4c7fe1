#include "tests/api/recorded_commands.hpp"

#include "common/config/decode.hpp"

#include <fmt/format.h>

#include <utility>

namespace muster::test {
namespace {

using namespace orchestrator;

std::string spelled(const Expectation& expect) {
    switch (expect.kind) {
        case Expectation::Kind::anything:
            return "";
        case Expectation::Kind::exists:
            return " expect any";
        case Expectation::Kind::generation:
            break;
    }
    return fmt::format(" expect {}", expect.generation);
}

std::string_view spelled(DryRun dry_run) {
    return dry_run == DryRun::yes ? " dry" : "";
}

AppliedGroup done(Applied result) {
    return {.result = result, .generation = 5, .previous = 4};
}

}  // namespace

asio::awaitable<Result<std::vector<AppliedGroup>>> RecordedCommands::apply(ApplyRequest request) {
    std::vector<AppliedGroup> results;
    for (const ApplyItem& item : request.items) {
        asked.push_back(fmt::format("apply {} by {}{}{}",
                                    item.name().word(),
                                    request.author.name,
                                    spelled(item.expect),
                                    spelled(request.dry_run)));
        results.push_back(results.size() < applied.size() ? applied[results.size()]
                                                          : done(Applied::changed));
    }
    if (fails) co_return tl::unexpected(*fails);
    co_return results;
}

asio::awaitable<Result<AppliedGroup>> RecordedCommands::remove(znodes::ConfigName object,
                                                               Expectation expect,
                                                               Requester author,
                                                               DryRun dry_run,
                                                               Abandon abandon) {
    asked.push_back(fmt::format("remove {} by {}{}{}{}",
                                object.word(),
                                author.name,
                                spelled(expect),
                                spelled(dry_run),
                                abandon == Abandon::yes ? " abandon" : ""));
    if (fails) co_return tl::unexpected(*fails);
    co_return applied.empty() ? done(Applied::removed) : applied.front();
}

asio::awaitable<Result<AppliedGroup>> RecordedCommands::change_backend(BackendChange change) {
    std::string what;
    if (change.admin) what += fmt::format(" {}", config::to_string(*change.admin));
    if (change.weight) what += fmt::format(" weight {}", *change.weight);
    asked.push_back(fmt::format("backend {}/{}{} by {}{}",
                                change.group.str(),
                                change.backend.str(),
                                what,
                                change.author.name,
                                spelled(change.expect)));
    if (fails) co_return tl::unexpected(*fails);
    co_return applied.empty() ? done(Applied::changed) : applied.front();
}

asio::awaitable<Result<znodes::Pause>> RecordedCommands::pause_cluster(PauseChange change,
                                                                       Requester author) {
    asked.push_back(fmt::format("pause cluster by {}", author.name));
    if (fails) co_return tl::unexpected(*fails);
    co_return znodes::Pause{.all = change.all.value_or(false),
                            .scaling = change.scaling.value_or(false),
                            .dns = change.dns.value_or(false),
                            .status = change.status.value_or(false)};
}

asio::awaitable<Result<znodes::FleetPause>> RecordedCommands::pause_fleet(FleetPauseChange change,
                                                                          Requester author) {
    asked.push_back(fmt::format("pause fleet {} {}{} by {}",
                                change.fleet.str(),
                                to_string(change.kind),
                                change.lasts ? fmt::format(" {} s", change.lasts->count()) : "",
                                author.name));
    if (fails) co_return tl::unexpected(*fails);
    co_return znodes::FleetPause{.kind = change.kind, .by = author.name, .why = change.reason};
}

asio::awaitable<Result<LostHost>> RecordedCommands::forget_host(HostLoss loss,
                                                                Requester author,
                                                                DryRun dry_run) {
    asked.push_back(fmt::format("forget {} of {}{} by {}{}",
                                loss.host.str(),
                                loss.fleet.str(),
                                loss.reason,
                                author.name,
                                spelled(dry_run)));
    if (fails) co_return tl::unexpected(*fails);
    co_return LostHost{
        .fleet = loss.fleet, .host = loss.host, .instances = {InstanceId("edge-1-1")}};
}

asio::awaitable<Result<znodes::TrafficShift>> RecordedCommands::change_shift(ShiftChange change,
                                                                             Requester author,
                                                                             DryRun dry_run) {
    const char* const acts[] = {"shift", "cancel", "forget"};
    std::string to;
    for (const auto& [party, percent] : change.wanted.to)
        to += fmt::format(" {}={}", party, percent);
    asked.push_back(fmt::format("{} {}{} by {}{}",
                                acts[static_cast<int>(change.act)],
                                change.name,
                                to,
                                author.name,
                                spelled(dry_run)));
    if (fails) co_return tl::unexpected(*fails);
    co_return change.wanted;
}

asio::awaitable<Result<SelfPause>> RecordedCommands::pause_self(SelfPause pause) {
    asked.push_back(fmt::format("{} self{}", pause.paused ? "pause" : "resume", pause.reason));
    if (fails) co_return tl::unexpected(*fails);
    co_return pause;
}

asio::awaitable<Result<std::int64_t>> RecordedCommands::step_down() {
    asked.emplace_back("step down");
    if (fails) co_return tl::unexpected(*fails);
    co_return 17;
}

asio::awaitable<Result<Evidence>> RecordedCommands::why(GroupName group, BackendId backend) {
    asked.push_back(fmt::format("why {}/{}", group.str(), backend.str()));
    if (silent) co_await clock_.sleep_until(SteadyTime::max());
    if (fails) co_return tl::unexpected(*fails);
    co_return evidence;
}

asio::awaitable<Result<std::vector<AuditRow>>> RecordedCommands::audit(std::size_t limit) {
    asked.push_back(fmt::format("audit {}", limit));
    if (fails) co_return tl::unexpected(*fails);
    co_return audit_rows;
}

}  // namespace muster::test
