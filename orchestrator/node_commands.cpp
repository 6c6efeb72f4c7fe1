#include "orchestrator/node_commands.hpp"

#include "common/follow/instance_group.hpp"
#include "common/observe/log.hpp"
#include "orchestrator/command_errors.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

using coordination::MultiOutcome;
using coordination::Watch;
using StoreErrc = coordination::Errc;

namespace {

std::string summary_of(const znodes::Pause& pause) {
    std::string text;
    if (pause.all) text += " all";
    if (pause.scaling) text += " scaling";
    if (pause.dns) text += " dns";
    if (pause.status) text += " status";
    return text.empty() ? "nothing is paused now" : "paused now:" + text;
}

}  // namespace

NodeCommands::NodeCommands(asio::any_io_executor control,
                           coordination::Store& store,
                           Clock& clock,
                           Node& node,
                           checker::CheckRunner& runner,
                           Node::NewGuid new_guid,
                           KeepPause keep_pause,
                           QueryLint lint_queries,
                           const LbHops& hops)
    : control_(std::move(control)),
      store_(store),
      clock_(clock),
      node_(node),
      runner_(runner),
      new_guid_(std::move(new_guid)),
      keep_pause_(std::move(keep_pause)),
      lint_queries_(std::move(lint_queries)),
      hops_(hops) {}

// --- from the API's executor to the control executor and back ---

asio::awaitable<Result<std::vector<AppliedGroup>>> NodeCommands::apply(ApplyRequest request) {
    co_return co_await asio::co_spawn(control_, apply_all(std::move(request)), asio::use_awaitable);
}

asio::awaitable<Result<AppliedGroup>> NodeCommands::remove(znodes::ConfigName object,
                                                           Expectation expect,
                                                           Requester author,
                                                           DryRun dry_run,
                                                           Abandon abandon) {
    co_return co_await asio::co_spawn(
        control_,
        remove_one(std::move(object), expect, std::move(author), dry_run, abandon),
        asio::use_awaitable);
}

asio::awaitable<Result<AppliedGroup>> NodeCommands::change_backend(BackendChange change) {
    co_return co_await asio::co_spawn(control_, change_one(std::move(change)), asio::use_awaitable);
}

asio::awaitable<Result<znodes::Pause>> NodeCommands::pause_cluster(PauseChange change,
                                                                   Requester author) {
    co_return co_await asio::co_spawn(
        control_, set_control(change, std::move(author)), asio::use_awaitable);
}

asio::awaitable<Result<SelfPause>> NodeCommands::pause_self(SelfPause pause) {
    co_return co_await asio::co_spawn(
        control_, set_self_pause(std::move(pause)), asio::use_awaitable);
}

asio::awaitable<Result<std::int64_t>> NodeCommands::step_down() {
    co_return co_await asio::co_spawn(control_, give_up_office(), asio::use_awaitable);
}

asio::awaitable<Result<Evidence>> NodeCommands::why(GroupName group, BackendId backend) {
    co_return co_await asio::co_spawn(
        control_, look(std::move(group), std::move(backend)), asio::use_awaitable);
}

asio::awaitable<Result<std::vector<AuditRow>>> NodeCommands::audit(std::size_t limit) {
    co_return co_await asio::co_spawn(control_, read_audit(limit), asio::use_awaitable);
}

// --- on the control executor ---

asio::awaitable<Result<znodes::Pause>> NodeCommands::set_control(PauseChange change,
                                                                 Requester requester) {
    const std::string path = node_.paths().control();
    const Result<coordination::Node> node = co_await store_.get(path, Watch::none);
    if (!node) co_return tl::unexpected(from_store(node.error().code, "reading control"));
    Result<znodes::Control> control =
        znodes::decode<znodes::Control>(node->data, node_.view().cluster());
    if (!control)
        co_return tl::unexpected(
            problem(CommandErrc::refused, "control: " + control.error().message()));
    znodes::Pause& pause = control->pause;
    pause.all = change.all.value_or(pause.all);
    pause.scaling = change.scaling.value_or(pause.scaling);
    pause.dns = change.dns.value_or(pause.dns);
    pause.status = change.status.value_or(pause.status);
    control->stamp.writer = node_.identity().node.str();
    ++control->stamp.sequence;
    std::vector<coordination::Op> ops{coordination::SetOp{
        .path = path, .data = znodes::encode(*control), .version = node->stat.version}};
    ops.emplace_back(audit_op(node_.paths(),
                              {.stamp = control->stamp,
                               .time = clock_.wall(),
                               .author = requester.name,
                               .origin = requester.origin,
                               .action = "paused",
                               .detail = summary_of(pause)}));
    const MultiOutcome outcome = co_await store_.multi(std::move(ops));
    if (!outcome.ok()) {
        const bool raced = outcome.fenced_off();
        co_return tl::unexpected(
            from_store(raced ? outcome.op_errors.front() : outcome.error, "writing control"));
    }
    log::info("pause_changed", {{"by", requester.name}});
    co_return pause;
}

asio::awaitable<Result<SelfPause>> NodeCommands::set_self_pause(SelfPause pause) {
    if (const std::string failed = keep_pause_(pause); !failed.empty()) {
        // It holds for this process all the same: the operator wants it now.
        log::error("pause_not_kept", {{"error", failed}});
    }
    restore_pause(pause);
    log::info(pause.paused ? "node_paused" : "node_resumed", {{"reason", pause.reason}});
    co_return pause;
}

void NodeCommands::restore_pause(SelfPause pause) {
    self_pause_ = std::move(pause);
    node_.set_paused(self_pause_.paused);
}

asio::awaitable<Result<std::int64_t>> NodeCommands::give_up_office() {
    if (node_.election() == nullptr || !node_.election()->office()) {
        co_return tl::unexpected(problem(CommandErrc::refused, "this node is not the master"));
    }
    const std::int64_t epoch = node_.election()->office()->epoch;
    co_await node_.step_down();
    co_return epoch;
}

asio::awaitable<Result<std::vector<AuditRow>>> NodeCommands::read_audit(std::size_t limit) {
    const std::string what = "reading the audit";
    const auto children = co_await store_.children(node_.paths().audit(), Watch::none);
    if (!children) co_return tl::unexpected(from_store(children.error().code, what));
    std::map<std::int64_t, std::string> names;
    for (const std::string& name : children->names) {
        if (const auto id = audit_id(name)) names.emplace(*id, name);
    }
    while (names.size() > limit) names.erase(names.begin());
    std::erase_if(known_audit_, [&](const auto& known) {
        return names.empty() || known.first < names.begin()->first;
    });
    std::vector<AuditRow> rows;
    for (const auto& [id, name] : names) {
        auto known = known_audit_.find(id);
        if (known == known_audit_.end()) {
            const auto node = co_await store_.get(node_.paths().audit() + "/" + name, Watch::none);
            if (!node && node.error().code != make_error_code(StoreErrc::no_node))
                co_return tl::unexpected(from_store(node.error().code, what));
            if (!node) continue;  // collected a moment ago
            auto entry = znodes::decode<znodes::AuditEntry>(node->data, node_.view().cluster());
            if (!entry) continue;
            known = known_audit_.insert_or_assign(id, std::move(*entry)).first;
        }
        rows.push_back({.id = id, .entry = known->second});
    }
    co_return rows;
}

std::vector<LbHop> NodeCommands::hops_of(const GroupName& group, const BackendId& backend) const {
    const auto fleet = follow::fleet_of(group);
    const auto known = node_.view().groups.find(group);
    if (!fleet || known == node_.view().groups.end() || !known->second.spec) return {};
    const auto& backends = known->second.spec->backends;
    const auto lb = std::ranges::lower_bound(backends, backend, {}, &config::Backend::id);
    if (lb == backends.end() || lb->id != backend) return {};
    return hops_.last(fleet->str(), lb->address, lb->port);
}

asio::awaitable<Result<Evidence>> NodeCommands::look(GroupName group, BackendId backend) {
    if (node_.worker() == nullptr)
        co_return tl::unexpected(problem(CommandErrc::unreachable, "no view of the cluster yet"));
    const std::optional<checker::CheckId> id = node_.worker()->find_check(group, backend);
    if (!id) {
        co_return tl::unexpected(
            problem(CommandErrc::unreachable, node_.identity().node.str() + " does not probe it"));
    }
    std::vector<checker::CheckId> ids{*id};
    const auto found = co_await runner_.look(std::move(ids));
    Evidence evidence{.from = node_.identity().node};
    if (!found.empty() && found.front()) {
        evidence.results = found.front()->results;
        evidence.recent = found.front()->recent;
    }
    if (node_.worker() != nullptr)
        evidence.confirmation = node_.worker()->confirmation(group, backend);
    evidence.hops = hops_of(group, backend);
    co_return evidence;
}

}  // namespace muster::orchestrator
