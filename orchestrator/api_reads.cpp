#include "orchestrator/api_reads.hpp"

#include "common/config/decode.hpp"
#include "orchestrator/api_explain.hpp"
#include "orchestrator/api_problem.hpp"
#include "orchestrator/api_query.hpp"
#include "orchestrator/api_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

http::Response bad_query(const Error& error) {
    return problem(400, error.context);
}

std::string etag_of(const GroupRow& group) {
    return fmt::format("\"{}\"", group.generation);
}

http::Response answer_group(const ReadCall& call) {
    const GroupName name(call.parameters[0]);
    if (auto absent = missing(call.view.snapshot, name)) return std::move(*absent);
    const GroupRow& group = *call.view.snapshot.group(name);
    const http::Field etag{.name = "ETag", .value = etag_of(group)};
    if (call.request.field("If-None-Match") == etag.value) return {.status = 304, .fields = {etag}};

    http::Response response;
    if (call.request.query_value("format") == "yaml") {
        response = {.fields = {{.name = "Content-Type", .value = "application/yaml"}},
                    .body = as_utf8(config::encode_yaml(*group.spec))};
    } else {
        const bool full = call.request.query_value("full") == "1";
        json::object body = opening(call.view);
        json::object shown = json_of(group);
        shown["spec"] = config::encode(
            *group.spec, full ? config::Verbosity::full : config::Verbosity::changed_only);
        body["group"] = std::move(shown);
        response = json_response(200, body);
    }
    response.fields.push_back(etag);
    return response;
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
    put_shards(body, call.view, "", "");
    put_backends(body, call.view, *backends);
    put_events(body, call.view.snapshot, {.limit = max_kept_events});
    return json_response(200, body);
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
    return problem(404,
                   fmt::format("there is no group '{}'", group.str()),
                   {{"nearest", nearest(group.str(), names)}});
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
                     {"rotation_text", rotation_text(backend)},
                     {"check", check_summary(check_for(backend, group))}};
    if (shard != nullptr) {
        why["owner"] = shard->owner.str();
        why["owner_token"] = shard->owner_token;
        why["shard"] = ShardId{.group = group_name, .number = shard->number}.str();
        why["layout"] = shard->layout;
        why["sequence"] = shard->sequence;
    }
    json::object body = opening(call.view);
    body["backend"] = json_of(group, backend, call.view.wall);
    body["why"] = std::move(why);
    body["recent"] = evidence ? json::value(json_of(*evidence)) : json::value(nullptr);
    body["recent_problem"] =
        evidence ? json::value(nullptr) : json::value(evidence.error().message());
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
