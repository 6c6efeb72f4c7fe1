#include "orchestrator/api_reads.hpp"

#include "common/config/decode.hpp"
#include "common/config/unicode.hpp"
#include "orchestrator/api_explain.hpp"
#include "orchestrator/api_problem.hpp"
#include "orchestrator/api_query.hpp"
#include "orchestrator/api_text.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

http::Response not_there(const znodes::ConfigName& name,
                         const std::vector<std::string_view>& names) {
    return problem(404,
                   fmt::format("there is no {} '{}'", to_string(name.kind), name.name),
                   {{"nearest", nearest(name.name, names)}});
}

http::Response bad_query(const Error& error) {
    return problem(400, error.context);
}

json::object shown_of(const GroupRow& group, const View& /*of its snapshot*/) {
    return json_of(group);
}

json::object shown_of(const FleetRow& fleet, const View& view) {
    return json_of(fleet, view);
}

/// One group or fleet, with its spec: as `member` of the body, or alone, as YAML.
template <class Row>
http::Response answer_object(const ReadCall& call, const Row& row, std::string_view member) {
    const http::Field etag{.name = "ETag", .value = fmt::format("\"{}\"", row.generation)};
    if (call.request.field("If-None-Match") == etag.value) return {.status = 304, .fields = {etag}};

    http::Response response;
    if (call.request.query_value("format") == "yaml") {
        response = {.fields = {{.name = "Content-Type", .value = "application/yaml"}},
                    .body = config::as_utf8(config::encode_yaml(*row.spec))};
    } else {
        const bool full = call.request.query_value("full") == "1";
        json::object body = opening(call.view);
        json::object shown = shown_of(row, call.view);
        shown["spec"] = config::encode(
            *row.spec, full ? config::Verbosity::full : config::Verbosity::changed_only);
        body[member] = std::move(shown);
        response = json_response(200, body);
    }
    response.fields.push_back(etag);
    return response;
}

http::Response answer_group(const ReadCall& call) {
    const GroupName name(call.parameters[0]);
    if (auto absent = missing(call.view.snapshot, name)) return std::move(*absent);
    return answer_object(call, *call.view.snapshot.group(name), "group");
}

http::Response answer_fleet(const ReadCall& call) {
    const Snapshot& snapshot = call.view.snapshot;
    const FleetName name(call.parameters[0]);
    if (const FleetRow* const fleet = snapshot.fleet(name))
        return answer_object(call, *fleet, "fleet");
    std::vector<std::string_view> names;
    for (const FleetRow& other : snapshot.fleets) names.emplace_back(other.name().str());
    return not_there(name, names);
}

http::Response answer_backends(const ReadCall& call) {
    const auto query = backend_query(call.request);
    if (!query) return bad_query(query.error());
    json::object body = opening(call.view);
    put_backends(body, call.view, *query);
    return json_response(200, body);
}

http::Response answer_events(const ReadCall& call) {
    const auto query = event_query(call.request);
    if (!query) return bad_query(query.error());
    json::object body = opening(call.view);
    put_events(body, call.view.snapshot, *query);
    return json_response(200, body);
}

http::Response answer_shards(const ReadCall& call) {
    json::object body = opening(call.view);
    put_shards(body,
               call.view,
               call.request.query_value("group").value_or(""),
               call.request.query_value("owner").value_or(""));
    return json_response(200, body);
}

http::Response answer_state(const ReadCall& call) {
    const auto backends = backend_query(call.request, {.limit = max_page});
    if (!backends) return bad_query(backends.error());
    json::object body = opening(call.view);
    body["number"] = call.view.snapshot.number;
    put_cluster(body, call.view);
    put_nodes(body, call.view);
    put_groups(body, call.view);
    put_fleets(body, call.view);
    put_agents(body, call.view);
    put_shards(body, call.view, "", "");
    put_backends(body, call.view, *backends);
    put_events(body, call.view.snapshot, {.limit = max_kept_events});
    return json_response(200, body);
}

/// Prometheus keeps its list while this is an error, and drops what an answer doesn't name.
http::Response answer_scrape_targets(const ReadCall& call) {
    if (!call.view.snapshot.scrape_targets)
        return problem(503, "this node has not read all of ZooKeeper's tree yet");
    std::vector<ScrapeTarget> targets = *call.view.snapshot.scrape_targets;
    const auto keep = [&](std::string_view query, auto name_of) {
        if (const auto wanted = call.request.query_value(query))
            std::erase_if(targets,
                          [&](const ScrapeTarget& one) { return name_of(one) != *wanted; });
    };
    keep("fleet", [](const ScrapeTarget& one) { return std::string_view(one.fleet.str()); });
    keep("exporter", [](const ScrapeTarget& one) { return std::string_view(one.exporter); });
    return http::Response::json(200, json::serialize(scrape_targets_json(targets)));
}

http::Response answer_with(const ReadCall& call, void (*put)(json::object&, const View&)) {
    json::object body = opening(call.view);
    put(body, call.view);
    return json_response(200, body);
}

}  // namespace

std::optional<http::Response> missing(const Snapshot& snapshot, const GroupName& group) {
    if (snapshot.group(group) != nullptr) return std::nullopt;
    std::vector<std::string_view> names;
    for (const auto& other : snapshot.groups) names.emplace_back(other->name().str());
    return not_there(group, names);
}

std::optional<http::Response> missing(const Snapshot& snapshot,
                                      const GroupName& group,
                                      const BackendId& backend) {
    if (auto absent = missing(snapshot, group)) return absent;
    const GroupRow& row = *snapshot.group(group);
    if (row.backend(backend) != nullptr) return std::nullopt;
    // Enough to catch a slip of the pen; all of 100,000 would take too long.
    constexpr std::size_t max_compared = 500;
    std::vector<std::string_view> ids;
    for (const BackendRow& other : row.backends) {
        if (ids.size() == max_compared) break;
        ids.emplace_back(other.id.str());
    }
    return problem(404,
                   fmt::format("group '{}' has no backend '{}'", group.str(), backend.str()),
                   {{"nearest", nearest(backend.str(), ids)}});
}

http::Response answer_read(Route route, const ReadCall& call) {
    if (route == Route::group) return answer_group(call);
    if (route == Route::fleet) return answer_fleet(call);
    if (route == Route::agents) return answer_with(call, put_agents);
    if (route == Route::scrape_targets) return answer_scrape_targets(call);
    if (route == Route::dns) return answer_with(call, put_dns);
    if (route == Route::shifts) return answer_with(call, put_shifts);
    if (route == Route::fleets) return answer_with(call, put_fleets);
    if (route == Route::backends) return answer_backends(call);
    if (route == Route::events) return answer_events(call);
    if (route == Route::shards) return answer_shards(call);
    if (route == Route::state) return answer_state(call);
    if (route == Route::nodes) return answer_with(call, put_nodes);
    if (route == Route::groups) return answer_with(call, put_groups);
    return answer_with(call, put_cluster);
}

http::Response answer_backend(const ReadCall& call, const Result<Evidence>& evidence) {
    const Snapshot& snapshot = call.view.snapshot;
    const GroupName group_name(call.parameters[0]);
    const BackendId id(call.parameters[1]);
    if (auto absent = missing(snapshot, group_name, id)) return std::move(*absent);
    const GroupRow& group = *snapshot.group(group_name);
    const BackendRow& backend = *group.backend(id);
    const ShardRow* shard = group.shard(backend.shard);

    json::object why{{"summary", summary_of(backend, call.view.wall)},
                     {"reason_text", reason_text(backend.reason)},
                     {"next", next_step(backend, group, call.view.wall)},
                     {"rotation_text", rotation_text(backend, call.view.wall)},
                     {"check", check_summary(check_for(backend, group))}};
    if (shard != nullptr) {
        why["owner"] = shard->owner.str();
        why["owner_token"] = shard->owner_token;
        why["shard"] = ShardId{.group = group_name, .number = shard->number}.str();
        why["layout"] = shard->layout;
        why["sequence"] = shard->sequence;
    }
    if (evidence) {
        if (const std::string wrong = what_is_wrong(evidence->hops); !wrong.empty())
            why["wrong"] = wrong;
    }
    json::object body = opening(call.view);
    body["backend"] = json_of(group, backend, call.view.wall);
    body["why"] = std::move(why);
    body["recent"] = evidence ? json::value(json_of(*evidence)) : json::value(nullptr);
    body["recent_problem"] =
        evidence ? json::value(nullptr) : json::value(evidence.error().message());
    return json_response(200, body);
}

std::optional<http::Response> no_scaling(const ReadCall& call) {
    const FleetName name(call.parameters[0]);
    if (call.request.query_value("at"))
        return problem(400, "only the last decision is kept; leave `at` out");
    if (call.view.snapshot.scaling.contains(name)) return std::nullopt;
    return problem(404,
                   call.view.snapshot.fleet(name) == nullptr
                       ? fmt::format("there is no fleet '{}'", name.str())
                       : fmt::format("fleet '{}' has no `scaling`", name.str()));
}

http::Response answer_scaling(const ReadCall& call, json::object notes) {
    json::object body = opening(call.view);
    put_scaling(body, call.view, FleetName(call.parameters[0]), std::move(notes));
    return json_response(200, body);
}

http::Response answer_audit(const ReadCall& call, const std::vector<AuditRow>& rows) {
    json::array shown;
    for (const AuditRow& row : rows) shown.push_back(json_of(row));
    json::object body = opening(call.view);
    body["audit"] = std::move(shown);
    return json_response(200, body);
}

http::Response answer_version(const BuildInfo& build) {
    return json_response(
        200,
        {{"name", "muster"}, {"version", build.version}, {"build", build.build}, {"api", "v1"}});
}

}  // namespace muster::orchestrator
