#include "orchestrator/agent_rows.hpp"

#include "common/follow/rollouts.hpp"
#include "common/znodes/rollout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace muster::orchestrator {

namespace {

/// Reports come once a second at most.
constexpr std::chrono::seconds report_time{3};

void add_missing(AgentRow& row, WallTime since, std::string what) {
    row.behind.push_back(std::move(what));
    if (row.behind_since == WallTime{} || since < row.behind_since) row.behind_since = since;
}

void add_if_other(
    AgentRow& row, const std::string& what, std::int64_t has, std::int64_t newest, WallTime since) {
    // What has applied nothing yet can't have lacked it before it was there.
    if (has == 0) since = std::max(since, row.reported);
    if (has != newest)
        add_missing(row, since, fmt::format("{}: has generation {} of {}", what, has, newest));
}

/// The one that its agent is to apply: an earlier one than the newest, where a rollout says so.
std::int64_t assigned(const AgentRow& row,
                      const follow::ClusterView& view,
                      const AgentGroupRow& group,
                      const std::string& uid) {
    const znodes::Rollout* const rollout = follow::rollout_of(view, group.name);
    if (rollout == nullptr) return group.newest;
    const znodes::KnownGenerations known{
        .group_uid = uid, .newest = group.newest, .readable = znodes::generations_named(*rollout)};
    return znodes::assigned_generation(*rollout, false, row.fleet, row.instance, known).generation;
}

void compare(AgentRow& row,
             const follow::ClusterView& view,
             const znodes::AgentReport& report,
             WallTime now) {
    const auto fleet = view.fleets.find(row.fleet);
    if (fleet == view.fleets.end() || !fleet->second.live()) return;
    row.newest_fleet_generation = fleet->second.spec_generation;
    add_if_other(row,
                 fmt::format("fleet {}", row.fleet.str()),
                 report.fleet_generation,
                 row.newest_fleet_generation,
                 fleet->second.head->value.time);
    WallTime newest{};
    for (const auto& [name, listeners] : config::groups_of(*fleet->second.spec)) {
        const auto group = view.groups.find(name);
        if (group == view.groups.end() || !group->second.live()) continue;
        const auto has = report.generations.find(name);
        row.groups.push_back({.name = name,
                              .generation = has == report.generations.end() ? 0 : has->second,
                              .newest = group->second.spec_generation});
        add_if_other(row,
                     fmt::format("group {}", name.str()),
                     row.groups.back().generation,
                     assigned(row, view, row.groups.back(), group->second.head->value.uid),
                     group->second.head->value.time);
        for (const auto& [number, shard] : group->second.shards) {
            if (shard.status) newest = std::max(newest, shard.status->value.time);
        }
    }
    if (report.status_time < newest && now - newest > report_time)
        add_missing(row, newest, "the newest status is not applied");
}

}  // namespace

std::vector<AgentRow> agents_of(const follow::ClusterView& view, WallTime now) {
    std::vector<AgentRow> rows;
    for (const auto& [id, agent] : view.agents) {
        const znodes::AgentReport& report = agent.value;
        // What has never said who it is is none.
        if (report.incarnation.empty()) continue;
        rows.push_back({.fleet = id.first,
                        .instance = id.second,
                        .address = report.address,
                        .lb = report.lb,
                        .build = report.build,
                        .accepting = report.accepting,
                        .fleet_generation = report.fleet_generation,
                        .status_time = report.status_time,
                        .reported = report.time,
                        .error = report.error});
        compare(rows.back(), view, report, now);
    }
    return rows;
}

}  // namespace muster::orchestrator
