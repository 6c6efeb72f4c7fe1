#include "orchestrator/node_commands.hpp"

#include "common/observe/log.hpp"
#include "orchestrator/config_diff.hpp"
#include "orchestrator/config_write.hpp"

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

Error problem(CommandErrc code, std::string what) {
    return {.code = code, .context = std::move(what)};
}

/// What is known about the effect decides, not the wording.
Error from_store(const std::error_code& code, const std::string& what) {
    if (code == make_error_code(StoreErrc::unknown_outcome)) {
        return problem(CommandErrc::unknown_outcome,
                       what + ": the reply was lost, it may have been written or not");
    }
    if (code == make_error_code(StoreErrc::bad_version) ||
        code == make_error_code(StoreErrc::node_exists)) {
        return problem(CommandErrc::conflict, what + ": somebody else changed it at the same time");
    }
    if (code == make_error_code(StoreErrc::no_auth)) {
        return problem(CommandErrc::refused,
                       what + ": this node's ZooKeeper credentials do not permit it");
    }
    return problem(CommandErrc::unreachable, fmt::format("{}: {}", what, code.message()));
}

std::optional<Error> check(const Expectation& expect,
                           const std::optional<KnownHead>& known,
                           const GroupName& group) {
    const std::int64_t generation = known && !known->head.deleted ? known->head.generation : 0;
    switch (expect.kind) {
        case Expectation::Kind::anything:
            return std::nullopt;
        case Expectation::Kind::exists:
            if (generation != 0) return std::nullopt;
            return problem(CommandErrc::conflict,
                           fmt::format("group {} does not exist", group.str()));
        case Expectation::Kind::generation:
            if (generation == expect.generation) return std::nullopt;
            return problem(CommandErrc::conflict,
                           fmt::format("group {} has generation {}, expected {}",
                                       group.str(),
                                       generation,
                                       expect.generation));
    }
    return std::nullopt;
}

/// The first few, in one line.
std::string summary_of(const std::vector<std::string>& changes) {
    constexpr std::size_t enough = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(changes.size(), enough); ++i)
        text += (i > 0 ? "; " : "") + changes[i];
    if (changes.size() > enough) text += fmt::format("; {} more", changes.size() - enough);
    return text;
}

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
                           KeepPause keep_pause)
    : control_(std::move(control)),
      store_(store),
      clock_(clock),
      node_(node),
      runner_(runner),
      new_guid_(std::move(new_guid)),
      keep_pause_(std::move(keep_pause)) {}

// --- from the API's executor to the control executor and back ---

asio::awaitable<Result<std::vector<AppliedGroup>>> NodeCommands::apply(ApplyRequest request) {
    co_return co_await asio::co_spawn(control_, apply_all(std::move(request)), asio::use_awaitable);
}

asio::awaitable<Result<AppliedGroup>> NodeCommands::remove_group(GroupName group,
                                                                 Expectation expect,
                                                                 Requester author,
                                                                 DryRun dry_run) {
    co_return co_await asio::co_spawn(
        control_,
        remove_one(std::move(group), expect, std::move(author), dry_run),
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

ConfigAuthor NodeCommands::author(Requester requester, std::string detail) const {
    return {.cluster = node_.view().cluster(),
            .name = std::move(requester.name),
            .origin = std::move(requester.origin),
            .detail = std::move(detail),
            .writer = node_.identity().node.str(),
            .time = clock_.wall(),
            .new_uid = new_guid_()};
}

const config::GroupSpec* NodeCommands::known_spec(const GroupName& group,
                                                  std::int64_t generation) const {
    const auto known = node_.view().groups.find(group);
    if (known == node_.view().groups.end() || known->second.spec_generation != generation)
        return nullptr;
    return known->second.spec.get();
}

asio::awaitable<Result<std::optional<KnownHead>>> NodeCommands::read_head(GroupName group) {
    const std::string cluster = node_.view().cluster();
    if (cluster.empty()) {
        co_return tl::unexpected(
            problem(CommandErrc::unreachable, "this node has no view of the cluster yet"));
    }
    const Result<coordination::Node> node =
        co_await store_.get(node_.paths().group_head(group), Watch::none);
    if (!node && node.error().code == make_error_code(StoreErrc::no_node))
        co_return std::optional<KnownHead>();
    if (!node)
        co_return tl::unexpected(from_store(node.error().code, "reading group " + group.str()));
    KnownHead known{.version = node->stat.version};
    if (auto head = znodes::decode<znodes::GroupHead>(node->data, cluster)) {
        known.head = std::move(*head);
    } else if (const auto view = node_.view().groups.find(group);
               view != node_.view().groups.end() && view->second.head) {
        known.head = view->second.head->value;  // what is there is unreadable: replace it, counting
                                                // on from the last good one
    } else {
        co_return tl::unexpected(problem(
            CommandErrc::refused,
            fmt::format(
                "group {} is unreadable in ZooKeeper: {}", group.str(), head.error().message())));
    }
    co_return std::optional(std::move(known));
}

asio::awaitable<std::optional<Error>> NodeCommands::write(GroupName group, ConfigWrite write) {
    const std::string what = "writing group " + group.str();
    const MultiOutcome outcome = co_await carry_out(store_, std::move(write));
    if (outcome.ok()) co_return std::nullopt;
    std::error_code code = outcome.error;
    for (const std::error_code& own : outcome.op_errors) {
        if (own && own != make_error_code(StoreErrc::rolled_back)) code = own;
    }
    // The head was there when we read it: its tombstone has been collected since.
    if (code == make_error_code(StoreErrc::no_node)) code = StoreErrc::bad_version;
    co_return from_store(code, what);
}

asio::awaitable<Result<std::vector<AppliedGroup>>> NodeCommands::apply_all(ApplyRequest request) {
    if (node_.view().cluster().empty()) {
        co_return tl::unexpected(
            problem(CommandErrc::unreachable, "this node has no view of the cluster yet"));
    }
    std::vector<AppliedGroup> results;
    for (ApplyItem& item : request.items) {
        results.push_back(co_await apply_one(std::move(item), request.author, request.dry_run));
    }
    co_return results;
}

asio::awaitable<AppliedGroup> NodeCommands::apply_one(ApplyItem item,
                                                      Requester requester,
                                                      DryRun dry_run) {
    AppliedGroup result;
    Result<std::optional<KnownHead>> read = co_await read_head(item.group.name);
    if (!read) {
        result.problem = read.error();
        co_return result;
    }
    const std::optional<KnownHead>& known = *read;
    const bool lives = known && !known->head.deleted;
    result.previous = lives ? known->head.generation : 0;
    result.generation = result.previous;
    result.problem = check(item.expect, known, item.group.name);
    if (result.problem) co_return result;
    if (known && is_unchanged(item.group, *known)) co_return result;

    result.result = lives ? Applied::changed : Applied::created;
    if (const config::GroupSpec* before =
            lives ? known_spec(item.group.name, known->head.generation) : nullptr) {
        if (item.group.shard_size && before->shard_size != item.group.shard_size) {
            result.problem = problem(
                CommandErrc::refused,
                fmt::format("spec.shard_size is fixed when a group is created ({}); leave it out "
                            "or as it is",
                            before->shard_size ? std::to_string(*before->shard_size) : "by size"));
            co_return result;
        }
        result.changes = describe_changes(*before, item.group);
    }
    ConfigWrite planned = plan_apply(
        node_.paths(), item.group, known, author(std::move(requester), summary_of(result.changes)));
    result.generation = planned.generation;
    if (dry_run == DryRun::yes) co_return result;
    result.problem = co_await write(item.group.name, std::move(planned));
    if (result.problem) {
        result.generation = result.previous;
    } else {
        log::info(
            "group_applied",
            {{"group", item.group.name.str()}, {"generation", std::to_string(result.generation)}});
    }
    co_return result;
}

asio::awaitable<Result<AppliedGroup>> NodeCommands::remove_one(GroupName group,
                                                               Expectation expect,
                                                               Requester requester,
                                                               DryRun dry_run) {
    Result<std::optional<KnownHead>> read = co_await read_head(group);
    if (!read) co_return tl::unexpected(read.error());
    const std::optional<KnownHead>& known = *read;
    if (!known || known->head.deleted) {
        co_return tl::unexpected(
            problem(CommandErrc::not_found, fmt::format("group {} does not exist", group.str())));
    }
    if (std::optional<Error> refused = check(expect, known, group))
        co_return tl::unexpected(*refused);
    ConfigWrite planned = plan_removal(node_.paths(), group, *known, author(std::move(requester)));
    AppliedGroup result{.result = Applied::removed,
                        .generation = planned.generation,
                        .previous = known->head.generation};
    if (dry_run == DryRun::yes) co_return result;
    if (std::optional<Error> failed = co_await write(group, std::move(planned)))
        co_return tl::unexpected(*failed);
    log::info("group_removed", {{"group", group.str()}});
    co_return result;
}

asio::awaitable<Result<AppliedGroup>> NodeCommands::change_one(BackendChange change) {
    Result<std::optional<KnownHead>> read = co_await read_head(change.group);
    if (!read) co_return tl::unexpected(read.error());
    const std::optional<KnownHead>& known = *read;
    if (!known || known->head.deleted) {
        co_return tl::unexpected(problem(
            CommandErrc::not_found, fmt::format("group {} does not exist", change.group.str())));
    }
    if (std::optional<Error> refused = check(change.expect, known, change.group))
        co_return tl::unexpected(*refused);
    const config::GroupSpec* current = known_spec(change.group, known->head.generation);
    if (current == nullptr) {
        co_return tl::unexpected(problem(
            CommandErrc::conflict, "this node has not read the newest generation yet; try again"));
    }
    ApplyItem item{
        .group = *current,
        .expect = {.kind = Expectation::Kind::generation, .generation = known->head.generation}};
    const auto backend =
        std::ranges::find(item.group.backends, change.backend, &config::Backend::id);
    if (backend == item.group.backends.end()) {
        co_return tl::unexpected(problem(
            CommandErrc::not_found,
            fmt::format("group {} has no backend {}", change.group.str(), change.backend.str())));
    }
    if (change.admin) backend->admin = *change.admin;
    if (change.weight) backend->weight = *change.weight;
    AppliedGroup result = co_await apply_one(std::move(item), std::move(change.author), DryRun::no);
    if (result.problem) co_return tl::unexpected(*result.problem);
    co_return result;
}

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
    co_return evidence;
}

}  // namespace muster::orchestrator
