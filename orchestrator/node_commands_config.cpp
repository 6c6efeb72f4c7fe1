// Commands that change groups and fleets.
#include "common/follow/instance_group.hpp"
#include "common/observe/log.hpp"
#include "orchestrator/command_errors.hpp"
#include "orchestrator/config_diff.hpp"
#include "orchestrator/config_write.hpp"
#include "orchestrator/fleet_groups.hpp"
#include "orchestrator/node_commands.hpp"
#include "orchestrator/scaling_lint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace muster::orchestrator {

using coordination::MultiOutcome;
using coordination::Watch;
using StoreErrc = coordination::Errc;

namespace {

std::optional<Error> check(const Expectation& expect,
                           const std::optional<KnownHead>& known,
                           const znodes::ConfigName& object) {
    const std::int64_t generation = known && !known->head.deleted ? known->head.generation : 0;
    switch (expect.kind) {
        case Expectation::Kind::anything:
            return std::nullopt;
        case Expectation::Kind::exists:
            if (generation != 0) return std::nullopt;
            return problem(CommandErrc::conflict, object.str() + " does not exist");
        case Expectation::Kind::generation:
            if (generation == expect.generation) return std::nullopt;
            return problem(CommandErrc::conflict,
                           fmt::format("{} has generation {}, expected {}",
                                       object.str(),
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

/// The last good one.
const znodes::GroupHead* head_in(const follow::ClusterView& view,
                                 const znodes::ConfigName& object) {
    const auto head_of = [](const auto& objects, const auto& name) -> const znodes::GroupHead* {
        const auto known = objects.find(name);
        return known != objects.end() && known->second.head ? &known->second.head->value : nullptr;
    };
    switch (object.kind) {
        case znodes::ConfigKind::group:
            return head_of(view.groups, GroupName(object.name));
        case znodes::ConfigKind::fleet:
            return head_of(view.fleets, FleetName(object.name));
    }
    return nullptr;
}

/// The spec of this generation, if that is the one that the view has.
template <class Views, class Name>
auto known_spec(const Views& views, const Name& name, std::int64_t generation) {
    const auto known = views.find(name);
    const bool same = known != views.end() && known->second.spec_generation == generation;
    return same ? known->second.spec : nullptr;
}

ConfigObject object_of(const ApplyItem& item) {
    return std::visit([](const auto& spec) { return ConfigObject(spec); }, item.spec);
}

std::optional<Error> compare(const config::GroupSpec& before,
                             const config::GroupSpec& after,
                             std::vector<std::string>& changes) {
    if (after.shard_size && before.shard_size != after.shard_size) {
        return problem(
            CommandErrc::refused,
            fmt::format("spec.shard_size is fixed when a group is created ({}); leave it out "
                        "or as it is",
                        before.shard_size ? std::to_string(*before.shard_size) : "by size"));
    }
    changes = describe_changes(before, after);
    return std::nullopt;
}

std::optional<Error> compare(const config::FleetSpec& before,
                             const config::FleetSpec& after,
                             std::vector<std::string>& changes) {
    changes = describe_changes(before, after);
    return std::nullopt;
}

const auto& views_of(const follow::ClusterView& view, const config::GroupSpec& /*kind*/) {
    return view.groups;
}

const auto& views_of(const follow::ClusterView& view, const config::FleetSpec& /*kind*/) {
    return view.fleets;
}

/// What changes over `generation`, in words, where the view has that; or why it must not.
std::optional<Error> compare(const follow::ClusterView& view,
                             const ApplyItem& item,
                             std::int64_t generation,
                             std::vector<std::string>& changes) {
    const auto with = [&](const auto& spec) -> std::optional<Error> {
        const auto before = known_spec(views_of(view, spec), spec.name, generation);
        return before ? compare(*before, spec, changes) : std::nullopt;
    };
    return std::visit(with, item.spec);
}

/// The LBs of a fleet are a group without a config of its own.
std::optional<Error> refuse_derived(const znodes::ConfigName& object) {
    if (object.kind != znodes::ConfigKind::group) return std::nullopt;
    const auto fleet = follow::fleet_of(GroupName(object.name));
    if (!fleet) return std::nullopt;
    return problem(CommandErrc::refused,
                   fmt::format("{} are the LBs of fleet {}, and are as that says; change the fleet",
                               object.name,
                               fleet->str()));
}

/// What others lead to stays.
std::optional<Error> refuse_needed(const follow::ClusterView& view,
                                   const znodes::ConfigName& object) {
    if (object.kind != znodes::ConfigKind::group) return std::nullopt;
    const std::vector<std::string> fleets = fleets_leading_to(GroupName(object.name), view);
    if (fleets.empty()) return std::nullopt;
    return problem(CommandErrc::refused,
                   fmt::format("{} leads to {}; change or delete that first",
                               fmt::join(fleets, " and "),
                               object.str()));
}

}  // namespace

ConfigAuthor NodeCommands::author(Requester requester, std::string detail) const {
    return {.cluster = node_.view().cluster(),
            .name = std::move(requester.name),
            .origin = std::move(requester.origin),
            .detail = std::move(detail),
            .writer = node_.identity().node.str(),
            .time = clock_.wall(),
            .new_uid = new_guid_()};
}

Result<std::string> NodeCommands::cluster_name() const {
    std::string name = node_.view().cluster();
    if (name.empty())
        return tl::unexpected(
            problem(CommandErrc::unreachable, "this node has no view of the cluster yet"));
    return name;
}

asio::awaitable<Result<std::optional<KnownHead>>> NodeCommands::read_head(
    znodes::ConfigName object) {
    const Result<std::string> cluster = cluster_name();
    if (!cluster) co_return tl::unexpected(cluster.error());
    const Result<coordination::Node> node =
        co_await store_.get(node_.paths().head(object), Watch::none);
    if (!node && node.error().code == make_error_code(StoreErrc::no_node))
        co_return std::optional<KnownHead>();
    if (!node) co_return tl::unexpected(from_store(node.error().code, "reading " + object.str()));
    KnownHead known{.version = node->stat.version};
    if (auto head = znodes::decode<znodes::GroupHead>(node->data, *cluster)) {
        known.head = std::move(*head);
    } else if (const auto* last_good = head_in(node_.view(), object)) {
        known.head = *last_good;  // what is there is unreadable: replace it, counting on
    } else {
        co_return tl::unexpected(problem(
            CommandErrc::refused,
            fmt::format(
                "{} is unreadable in ZooKeeper: {}", object.str(), head.error().message())));
    }
    co_return std::optional(std::move(known));
}

asio::awaitable<std::optional<Error>> NodeCommands::write(znodes::ConfigName object,
                                                          ConfigWrite write) {
    const std::string what = "writing " + object.str();
    const MultiOutcome outcome = co_await carry_out(store_, std::move(write));
    if (outcome.ok()) co_return std::nullopt;
    std::error_code code = outcome.error;
    for (const std::error_code& own : outcome.op_errors) {
        if (own && own != make_error_code(StoreErrc::rolled_back)) code = own;
    }
    if (code == make_error_code(StoreErrc::no_node)) {
        // Before the transaction: a parent that init makes. A build without fleets made this tree.
        if (outcome.op_errors.empty()) {
            co_return problem(CommandErrc::refused,
                              fmt::format("{}: the tree has no place for it; musterctl init, with "
                                          "the cluster's secrets, makes what is missing",
                                          what));
        }
        // The head was there when we read it: its tombstone has been collected since.
        code = StoreErrc::bad_version;
    }
    co_return from_store(code, what);
}

asio::awaitable<Result<std::vector<AppliedGroup>>> NodeCommands::apply_all(ApplyRequest request) {
    if (const auto cluster = cluster_name(); !cluster) co_return tl::unexpected(cluster.error());
    std::vector<AppliedGroup> results;
    std::set<GroupName> coming;
    for (ApplyItem& item : request.items) {
        const auto* const group = std::get_if<config::GroupSpec>(&item.spec);
        const auto* const fleet = std::get_if<config::FleetSpec>(&item.spec);
        const GroupName name = group != nullptr ? group->name : GroupName{};
        std::vector<std::string> warnings = fleet != nullptr
                                                ? missing_groups(*fleet, node_.view(), coming)
                                                : std::vector<std::string>{};
        const ScalingLint said = fleet != nullptr ? co_await lint(*fleet) : ScalingLint{};
        warnings.insert(warnings.end(), said.warnings.begin(), said.warnings.end());
        if (!said.refusals.empty()) {
            results.push_back(
                {.warnings = std::move(warnings),
                 .problem = problem(CommandErrc::refused,
                                    fmt::format("{}", fmt::join(said.refusals, "; ")))});
            continue;
        }
        AppliedGroup& result = results.emplace_back(
            co_await apply_one(std::move(item), request.author, request.dry_run));
        result.warnings = std::move(warnings);
        if (!name.empty() && !result.problem) coming.insert(name);
    }
    co_return results;
}

asio::awaitable<ScalingLint> NodeCommands::lint(config::FleetSpec fleet) {
    ScalingLint said = lint_scaling(fleet, node_.view());
    // Of a document that is refused anyway Prometheus would only say the same again.
    if (!said.refusals.empty()) co_return said;
    ScalingLint queries = co_await lint_queries_(std::move(fleet));
    std::ranges::move(queries.refusals, std::back_inserter(said.refusals));
    std::ranges::move(queries.warnings, std::back_inserter(said.warnings));
    co_return said;
}

asio::awaitable<AppliedGroup> NodeCommands::apply_one(ApplyItem item,
                                                      Requester requester,
                                                      DryRun dry_run) {
    AppliedGroup result;
    const znodes::ConfigName name = item.name();
    // No document has such a name; a caller inside might.
    result.problem = refuse_derived(name);
    if (result.problem) co_return result;
    Result<std::optional<KnownHead>> read = co_await read_head(name);
    if (!read) {
        result.problem = read.error();
        co_return result;
    }
    const std::optional<KnownHead>& known = *read;
    const bool lives = known && !known->head.deleted;
    result.previous = lives ? known->head.generation : 0;
    result.generation = result.previous;
    result.problem = check(item.expect, known, name);
    if (result.problem) co_return result;
    ConfigObject object = object_of(item);
    if (known && is_unchanged(object, *known)) co_return result;

    result.result = lives ? Applied::changed : Applied::created;
    if (lives) {
        result.problem = compare(node_.view(), item, known->head.generation, result.changes);
        if (result.problem) co_return result;
    }
    ConfigWrite planned = plan_apply(node_.paths(),
                                     std::move(object),
                                     known,
                                     author(std::move(requester), summary_of(result.changes)));
    result.generation = planned.generation;
    if (dry_run == DryRun::yes) co_return result;
    result.problem = co_await write(name, std::move(planned));
    if (result.problem) {
        result.generation = result.previous;
    } else {
        log::info(fmt::format("{}_applied", to_string(name.kind)),
                  {{std::string(to_string(name.kind)), name.name},
                   {"generation", std::to_string(result.generation)}});
    }
    co_return result;
}

asio::awaitable<Result<AppliedGroup>> NodeCommands::remove_one(znodes::ConfigName object,
                                                               Expectation expect,
                                                               Requester requester,
                                                               DryRun dry_run,
                                                               Abandon abandon) {
    if (std::optional<Error> refused = refuse_derived(object)) co_return tl::unexpected(*refused);
    Result<std::optional<KnownHead>> read = co_await read_head(object);
    if (!read) co_return tl::unexpected(read.error());
    const std::optional<KnownHead>& known = *read;
    if (!known || known->head.deleted)
        co_return tl::unexpected(problem(CommandErrc::not_found, object.str() + " does not exist"));
    if (std::optional<Error> refused = check(expect, known, object))
        co_return tl::unexpected(*refused);
    if (std::optional<Error> refused = refuse_needed(node_.view(), object))
        co_return tl::unexpected(*refused);
    std::vector<coordination::Op> guards;
    if (object.kind == znodes::ConfigKind::fleet && abandon == Abandon::no) {
        auto none_left = co_await guard_removal(FleetName(object.name));
        if (!none_left) co_return tl::unexpected(none_left.error());
        guards = *std::move(none_left);
    }
    ConfigWrite planned = plan_removal(node_.paths(), object, *known, author(std::move(requester)));
    std::ranges::move(guards, std::back_inserter(planned.commit));
    AppliedGroup result{.result = Applied::removed,
                        .generation = planned.generation,
                        .previous = known->head.generation};
    if (dry_run == DryRun::yes) co_return result;
    if (std::optional<Error> failed = co_await write(object, std::move(planned)))
        co_return tl::unexpected(*failed);
    log::info(fmt::format("{}_removed", to_string(object.kind)),
              {{std::string(to_string(object.kind)), object.name}});
    co_return result;
}

asio::awaitable<Result<AppliedGroup>> NodeCommands::change_one(BackendChange change) {
    if (std::optional<Error> refused = refuse_derived(change.group))
        co_return tl::unexpected(*refused);
    Result<std::optional<KnownHead>> read = co_await read_head(change.group);
    if (!read) co_return tl::unexpected(read.error());
    const std::optional<KnownHead>& known = *read;
    if (!known || known->head.deleted) {
        co_return tl::unexpected(problem(
            CommandErrc::not_found, fmt::format("group {} does not exist", change.group.str())));
    }
    if (std::optional<Error> refused = check(change.expect, known, change.group))
        co_return tl::unexpected(*refused);
    const auto current = known_spec(node_.view().groups, change.group, known->head.generation);
    if (current == nullptr) {
        co_return tl::unexpected(problem(
            CommandErrc::conflict, "this node has not read the newest generation yet; try again"));
    }
    config::GroupSpec group = *current;
    const auto backend = std::ranges::find(group.backends, change.backend, &config::Backend::id);
    if (backend == group.backends.end()) {
        co_return tl::unexpected(problem(
            CommandErrc::not_found,
            fmt::format("group {} has no backend {}", change.group.str(), change.backend.str())));
    }
    if (change.admin) backend->admin = *change.admin;
    if (change.weight) backend->weight = *change.weight;
    ApplyItem item{
        .spec = std::move(group),
        .expect = {.kind = Expectation::Kind::generation, .generation = known->head.generation}};
    AppliedGroup result = co_await apply_one(std::move(item), std::move(change.author), DryRun::no);
    if (result.problem) co_return tl::unexpected(*result.problem);
    co_return result;
}

}  // namespace muster::orchestrator
