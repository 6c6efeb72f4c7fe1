#pragma once

#include "common/base/clock.hpp"
#include "orchestrator/api_query.hpp"
#include "orchestrator/commands.hpp"
#include "orchestrator/snapshot.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

// The values of a snapshot as docs/api.md shows them. Pure.
namespace muster::orchestrator {

/// A snapshot and the moment at which it is looked at.
struct View {
    const Snapshot& snapshot;
    SteadyTime now;
    WallTime wall;
};

/// What is older is called cached.
inline constexpr std::chrono::seconds live_limit{10};

/// Since ZooKeeper last confirmed the session; nothing if it never did.
[[nodiscard]] std::optional<std::chrono::nanoseconds> age_of(const View& view);
[[nodiscard]] bool is_live(const View& view);

/// as_of, age_seconds, source, node: how every body begins.
[[nodiscard]] boost::json::object opening(const View& view);

/// Each fills in its members of the body.
void put_cluster(boost::json::object& body, const View& view);
void put_nodes(boost::json::object& body, const View& view);
void put_groups(boost::json::object& body, const View& view);
void put_fleets(boost::json::object& body, const View& view);
void put_agents(boost::json::object& body, const View& view);
/// `names` and `stores` of the master; of other nodes none.
void put_dns(boost::json::object& body, const View& view);
void put_shifts(boost::json::object& body, const View& view);
[[nodiscard]] boost::json::object json_of(const std::string& name,
                                          const znodes::TrafficShift& shift);
/// What a master alone knows of a fleet, as members of the answer: `told_by`, `says`, `refused`,
/// `explanation`, `ticks`, `why` (why there is no explanation).
[[nodiscard]] boost::json::object scaling_notes(const View& view, const FleetName& fleet);
/// Where nobody could be asked, and why.
[[nodiscard]] boost::json::object no_scaling_notes(std::string_view why);
/// Of a fleet that sizes itself, which is in the snapshot. `notes`: one of the above.
void put_scaling(boost::json::object& body,
                 const View& view,
                 const FleetName& fleet,
                 boost::json::object notes);
/// Of all such fleets what the tree has, short.
void put_sizes(boost::json::object& body, const View& view);
/// What probes say of an LB; null while it is no instance of its fleet.
[[nodiscard]] boost::json::value health_of(const View& view,
                                           const FleetName& fleet,
                                           const InstanceId& id);
/// As Prometheus's http_sd_config wants it. Bare, without the opening that all else has.
[[nodiscard]] boost::json::array scrape_targets_json(const std::vector<ScrapeTarget>& targets);
/// For the page: not more of them than people can look at, those with trouble first.
void put_shown_agents(boost::json::object& body, const View& view);
void put_backends(boost::json::object& body, const View& view, const BackendQuery& query);
void put_shards(boost::json::object& body,
                const View& view,
                std::string_view group,
                std::string_view owner);
/// Of each shard only who has it and how many of its backends are DOWN: for the map of the nodes.
void put_shard_map(boost::json::object& body, const Snapshot& snapshot);
void put_events(boost::json::object& body, const Snapshot& snapshot, const EventQuery& query);

[[nodiscard]] boost::json::object json_of(const GroupRow& group);
[[nodiscard]] boost::json::object json_of(const FleetRow& fleet, const View& view);
[[nodiscard]] boost::json::object json_of(const GroupRow& group,
                                          const BackendRow& backend,
                                          WallTime wall);
[[nodiscard]] boost::json::object json_of(const Event& event);
[[nodiscard]] boost::json::object json_of(const Evidence& evidence);
[[nodiscard]] boost::json::object json_of(const AuditRow& row);
[[nodiscard]] boost::json::object json_of(const znodes::Pause& pause);
[[nodiscard]] boost::json::object json_of(const znodes::FleetPause& pause);

/// RFC 3339 UTC with milliseconds; null for the epoch, which stands for "never".
[[nodiscard]] boost::json::value json_of(WallTime time);

}  // namespace muster::orchestrator
