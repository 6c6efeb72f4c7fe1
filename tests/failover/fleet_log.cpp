#include "tests/failover/fleet_log.hpp"

#include "common/znodes/payloads.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace muster::test {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using znodes::FleetInstanceRecord;
using znodes::FleetState;
using znodes::InstancePhase;

constexpr std::string_view below = "/muster/main/fleets/";

template <class T>
T read_or_throw(const stale::LoggedOp& op, const std::string& cluster) {
    auto value = znodes::decode<T>(op.data, cluster);
    if (!value) throw std::runtime_error(op.path + ": " + value.error().message());
    return std::move(*value);
}

/// "edge/instances/edge-1-1" of the path below the fleets; empty: another path.
std::string part_of(const std::string& path) {
    return path.starts_with(below) ? path.substr(below.size()) : "";
}

/// What may come after a phase; itself besides.
std::set<InstancePhase> followers(InstancePhase phase) {
    using P = InstancePhase;
    switch (phase) {
        case P::planned:
            return {P::creating, P::gone, P::failed};
        case P::creating:
            return {P::booting, P::failed, P::gone};
        case P::booting:
            return {P::warming, P::failed};
        case P::warming:
            return {P::serving, P::booting};
        case P::serving:
            return {P::draining, P::deleting};
        case P::draining:
            return {P::serving, P::deleting};
        case P::deleting:
        case P::failed:
            return {P::gone};
        case P::gone:
            return {};
    }
    return {};
}

/// When an instance served, by its address.
struct Service {
    FleetName fleet;
    WallTime up{};  ///< it answers no probe before
    std::vector<std::pair<WallTime, std::optional<WallTime>>> spans;
    std::optional<WallTime> deleting;
};

}  // namespace

std::vector<FleetCommit> fleet_commits(const ZooKeeperServers& servers,
                                       const std::string& cluster_uuid) {
    std::map<std::int64_t, stale::Transaction> history;
    for (std::size_t i = 0; i < servers.size(); ++i)
        for (stale::Transaction& one : stale::read_logs(servers.data_dir(i)))
            history.try_emplace(one.zxid, std::move(one));
    std::vector<FleetCommit> commits;
    for (const auto& [zxid, transaction] : history) {
        if (transaction.refused()) continue;
        std::map<std::string, FleetCommit> of;
        for (const stale::LoggedOp& op : transaction.ops) {
            const std::string part = part_of(op.path);
            const std::string fleet = part.substr(0, part.find('/'));
            if (part.size() == fleet.size() || op.kind == stale::LoggedOp::Kind::check) continue;
            const std::string rest = part.substr(fleet.size() + 1);
            FleetCommit& commit = of[fleet];
            const bool removed = op.kind == stale::LoggedOp::Kind::remove;
            if (rest == "state" && !removed) {
                commit.state = read_or_throw<FleetState>(op, cluster_uuid);
            } else if (rest.starts_with("instances/")) {
                auto& record = commit.records[InstanceId(rest.substr(rest.find('/') + 1))];
                if (!removed) record = read_or_throw<FleetInstanceRecord>(op, cluster_uuid);
            }
        }
        for (auto& [fleet, commit] : of) {
            if (!commit.state && commit.records.empty()) continue;
            commit.zxid = zxid;
            commit.at = WallTime(transaction.time);
            commit.fleet = FleetName(fleet);
            commits.push_back(std::move(commit));
        }
    }
    return commits;
}

std::vector<std::string> judge_order(const std::vector<FleetCommit>& commits) {
    std::vector<std::string> wrong;
    std::map<FleetName, FleetState> states;
    std::map<InstanceId, FleetInstanceRecord> records;
    std::set<InstanceId> ended;
    const auto complain = [&](const FleetCommit& commit, const std::string& what) {
        wrong.push_back(fmt::format("{:x} {}: {}", commit.zxid, commit.fleet.str(), what));
    };
    for (const FleetCommit& commit : commits) {
        if (commit.state) {
            const auto before = states.find(commit.fleet);
            if (before != states.end()) {
                const FleetState& was = before->second;
                if (commit.state->stamp.token < was.stamp.token)
                    complain(commit, "written by an older master");
                if (commit.state->generation < was.generation)
                    complain(commit, "the generation falls");
                if (commit.state->tick < was.tick) complain(commit, "the tick falls");
            }
            states.insert_or_assign(commit.fleet, *commit.state);
        }
        for (const auto& [id, record] : commit.records) {
            const auto before = records.find(id);
            if (!record) {
                records.erase(id);
                ended.insert(id);
                continue;
            }
            if (before == records.end()) {
                if (ended.contains(id)) complain(commit, id.str() + " comes back");
                // The first of a change is written as planned and ordered at once.
                if (record->phase != InstancePhase::planned &&
                    record->phase != InstancePhase::creating)
                    complain(commit, id.str() + " doesn't begin as planned");
            } else {
                const FleetInstanceRecord& was = before->second;
                if (was.token != record->token) complain(commit, id.str() + " changes its token");
                if (was.phase != record->phase && !followers(was.phase).contains(record->phase))
                    complain(commit,
                             fmt::format("{} goes from {} to {}",
                                         id.str(),
                                         to_string(was.phase),
                                         to_string(record->phase)));
            }
            records.insert_or_assign(id, *record);
        }
    }
    return wrong;
}

std::vector<std::string> judge_removals(const std::vector<FleetCommit>& commits,
                                        const std::vector<MachinePark::Done>& done,
                                        const RemovalBudget& budget) {
    std::vector<std::string> wrong;
    std::map<FleetName, std::set<InstanceId>> leaves;
    std::map<FleetName, std::vector<WallTime>> told;
    std::map<InstanceId, WallTime> allowed;  ///< since when it may be removed
    for (const FleetCommit& commit : commits) {
        for (const auto& [id, record] : commit.records) {
            if (record && (record->phase == InstancePhase::deleting ||
                           record->phase == InstancePhase::failed))
                allowed.emplace(id, commit.at);
        }
        if (!commit.state) continue;
        std::set<InstanceId> now;
        if (commit.state->intent && commit.state->intent->kind == znodes::FleetIntentKind::in)
            now.insert(commit.state->intent->leaving.begin(), commit.state->intent->leaving.end());
        for (const InstanceId& id : now)
            if (!leaves[commit.fleet].contains(id))
                told[commit.fleet].emplace_back(seconds(commit.state->tick));
        leaves[commit.fleet] = now;
    }
    for (const auto& [fleet, times] : told) {
        for (std::size_t first = 0; first < times.size(); ++first) {
            const auto within = std::ranges::count_if(times, [&](WallTime at) {
                return at >= times[first] && at < times[first] + budget.window;
            });
            if (within > budget.count)
                wrong.push_back(fmt::format(
                    "{}: {} are told to leave within {}", fleet.str(), within, budget.window));
        }
    }
    for (const MachinePark::Done& one : done) {
        if (one.verb != MachinePark::Verb::remove) continue;
        const auto since = allowed.find(InstanceId(one.id));
        if (since == allowed.end())
            wrong.push_back(one.id + " was removed, and nobody had written so");
        else if (one.at < since->second - milliseconds(5))
            wrong.push_back(one.id + " was removed before it was written");
    }
    return wrong;
}

std::vector<std::string> judge_names(const std::vector<FleetCommit>& commits,
                                     const std::vector<MachinePark::Done>& done,
                                     const std::vector<DnsWatch::Event>& names) {
    std::map<std::string, Service> served;
    std::map<InstanceId, std::string> hosts;
    for (const MachinePark::Done& one : done) {
        const std::string host = one.address.substr(0, one.address.rfind(':'));
        if (one.verb != MachinePark::Verb::create) continue;
        hosts.emplace(InstanceId(one.id), host);
        served[host] = {
            .fleet = FleetName(one.fleet), .up = one.at + MachinePark::boot, .spans = {}};
    }
    for (const FleetCommit& commit : commits) {
        for (const auto& [id, record] : commit.records) {
            if (!hosts.contains(id)) continue;
            Service& service = served[hosts.at(id)];
            const bool serves = record && record->phase == InstancePhase::serving;
            const bool open = !service.spans.empty() && !service.spans.back().second;
            if (serves && !open) service.spans.emplace_back(commit.at, std::nullopt);
            if (!serves && open) service.spans.back().second = commit.at;
            if (record && record->phase == InstancePhase::deleting && !service.deleting)
                service.deleting = commit.at;
        }
    }
    const auto serves = [](const Service& service, WallTime from, WallTime to) {
        return std::ranges::any_of(service.spans, [&](const auto& span) {
            return span.first <= to && (!span.second || from <= *span.second);
        });
    };
    const auto another_serves = [&](const std::string& host, WallTime at) {
        return std::ranges::any_of(served, [&](const auto& other) {
            const auto& [its_host, service] = other;
            const bool long_enough = std::ranges::any_of(service.spans, [&](const auto& span) {
                return span.first <= at - seconds(1) && (!span.second || at <= *span.second);
            });
            return its_host != host && service.fleet == served.at(host).fleet && long_enough;
        });
    };
    std::vector<std::string> wrong;
    std::map<std::string, std::string> now;  ///< key, host
    for (const DnsWatch::Event& event : names) {
        if (event.host.empty()) {
            const auto was = now.find(event.key);
            if (was == now.end()) continue;
            const Service& service = served[was->second];
            if (service.deleting && event.seen > *service.deleting + milliseconds(50))
                wrong.push_back(was->second + " was in DNS when it was deleted");
            now.erase(was);
            continue;
        }
        const auto service = served.find(event.host);
        if (service == served.end()) {
            wrong.push_back(event.host + " is published, and never served");
            continue;
        }
        if (event.seen < service->second.up)
            wrong.push_back(event.host + " is published before it can answer");
        if (!serves(service->second, event.seen - seconds(1), event.seen) &&
            another_serves(event.host, event.seen))
            wrong.push_back(event.host + " is published and doesn't serve");
        now.insert_or_assign(event.key, event.host);
    }
    for (const auto& [key, host] : now)
        if (served[host].deleting) wrong.push_back(host + " is in DNS, and was deleted");
    return wrong;
}

}  // namespace muster::test
