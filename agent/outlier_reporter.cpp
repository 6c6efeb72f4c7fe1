#include "agent/outlier_reporter.hpp"

#include "common/observe/log.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace muster::agent {

using coordination::Errc;
using coordination::SessionState;
using znodes::LbEvidence;

OutlierReporter::OutlierReporter(coordination::Store& store,
                                 Clock& clock,
                                 znodes::Paths paths,
                                 LbCounterSource& source,
                                 AgentMetrics& metrics,
                                 Identity identity)
    : store_(store),
      clock_(clock),
      paths_(std::move(paths)),
      source_(source),
      metrics_(metrics),
      identity_(std::move(identity)) {}

asio::awaitable<void> OutlierReporter::look(const LbState& state, const follow::ClusterView& view) {
    // Of a state that may be large, what is needed, at once: both may change while LB and ZooKeeper
    // are asked.
    std::map<GroupName, Wanted> wanted;
    LbState some;
    for (const Pool& pool : state.pools) {
        const auto group = view.groups.find(pool.group);
        if (group == view.groups.end() || !group->second.live() || !group->second.spec->outlier)
            continue;
        wanted[pool.group] = {.outlier = *group->second.spec->outlier,
                              .uid = group->second.head->value.uid};
        some.pools.push_back(pool);
    }
    if (!wanted.empty()) some.listeners = state.listeners;
    return look_at(std::move(some), std::move(wanted), view.cluster());
}

asio::awaitable<void> OutlierReporter::look_at(LbState state,
                                               std::map<GroupName, Wanted> wanted,
                                               std::string cluster) {
    std::set<GroupName> told;
    for (const auto& [group, written] : written_) told.insert(group);
    // What nobody can look at any more is not said any more.
    if (!wanted.empty() && !co_await read(state, wanted)) wanted.clear();
    const SteadyTime now = clock_.now();
    std::size_t outliers = 0;
    for (const auto& [name, want] : wanted) {
        Group& group = groups_[name];
        std::optional<LbEvidence> evidence =
            evidence_of(group.state,
                        want.outlier,
                        {.stamp = {.cluster = cluster, .writer = identity_.instance.str()},
                         .fleet = identity_.fleet,
                         .instance = identity_.instance,
                         .incarnation = identity_.incarnation,
                         .group_uid = want.uid},
                        now);
        if (evidence) outliers += static_cast<std::size_t>(evidence->found);
        told.erase(name);
        co_await tell(name, std::move(evidence));
    }
    for (const GroupName& name : told) co_await tell(name, std::nullopt);
    std::erase_if(groups_, [&](const auto& group) { return !wanted.contains(group.first); });
    metrics_.outliers.Set(static_cast<double>(outliers));
}

/// Whether there was anything to read. An LB that doesn't answer is silent about its backends.
asio::awaitable<bool> OutlierReporter::read(const LbState& state,
                                            const std::map<GroupName, Wanted>& wanted) {
    std::set<GroupName> names;
    for (const auto& [name, want] : wanted) names.insert(name);
    const Result<LbCounters> counters = co_await source_.read_counters(state, names);
    if (!counters) {
        metrics_.counter_failures.Increment();
        if (std::exchange(error_, counters.error().message()).empty())
            log::warn("counters_not_read", {{"error", error_}});
        co_return false;
    }
    error_.clear();
    const SteadyTime now = clock_.now();
    static const GroupCounters none;
    for (const auto& [name, want] : wanted) {
        Group& group = groups_[name];
        // With other settings, or in another life of the group, all begins anew.
        if (group.wanted != want) group = {.wanted = want, .state = {.findings = findings_}};
        const auto counted = counters->groups.find(name);
        group.state = observe(std::move(group.state),
                              want.outlier,
                              counters->epoch,
                              counted == counters->groups.end() ? none : counted->second,
                              now);
        findings_ = std::max(findings_, group.state.findings);
    }
    co_return true;
}

asio::awaitable<void> OutlierReporter::tell(GroupName group, std::optional<LbEvidence> evidence) {
    const coordination::SessionStatus session = store_.session();
    if (session.state != SessionState::connected) co_return;
    const auto known = written_.find(group);
    if (!evidence) {
        if (known == written_.end()) co_return;
        // One of an earlier session goes with it.
        coordination::DeleteOp op{.path =
                                      paths_.evidence(group, identity_.fleet, identity_.instance)};
        const Result<void> gone = co_await coordination::remove(store_, std::move(op));
        if (gone || gone.error().code == Errc::no_node) {
            written_.erase(group);
            metrics_.evidence_writes.Increment();
        }
        co_return;
    }
    const bool ours = known != written_.end() && known->second.session == session.generation;
    if (ours) {
        LbEvidence same = known->second.evidence;
        same.stamp.sequence = evidence->stamp.sequence;
        if (same == *evidence) co_return;
    }
    evidence->stamp.sequence = ++sequence_;
    if (!co_await write(group, encode(*evidence))) co_return;
    metrics_.evidence_writes.Increment();
    // `known` may not be there any more.
    written_[group] = {.session = session.generation, .evidence = *std::move(evidence)};
}

/// Ours, in this session; whoever stands there without being ours is of an earlier one.
asio::awaitable<bool> OutlierReporter::write(GroupName group, std::string data) {
    const std::string path = paths_.evidence(group, identity_.fleet, identity_.instance);
    const Result<std::optional<coordination::Stat>> there =
        co_await store_.exists(path, coordination::Watch::none);
    if (!there) co_return false;
    if (*there && (*there)->ephemeral_owner == store_.session().id) {
        const auto done =
            co_await coordination::set(store_, {.path = path, .data = std::move(data)});
        co_return done.has_value();
    }
    if (*there) {
        coordination::DeleteOp op{.path = path, .version = (*there)->version};
        if (!co_await coordination::remove(store_, std::move(op))) co_return false;
    }
    const coordination::CreateOp op{
        .path = path, .data = std::move(data), .mode = coordination::CreateMode::ephemeral};
    Result<std::string> made = co_await coordination::create(store_, op);
    if (!made && made.error().code == Errc::no_node) {
        (void)co_await coordination::create(store_, {.path = paths_.evidence(group)});
        made = co_await coordination::create(store_, op);
    }
    if (!made)
        log::debug("evidence_not_written", {{"path", path}, {"error", made.error().message()}});
    co_return made.has_value();
}

}  // namespace muster::agent
