#include "orchestrator/api.hpp"

#include "common/base/with_timeout.hpp"
#include "orchestrator/api_body.hpp"
#include "orchestrator/api_dns.hpp"
#include "orchestrator/api_health.hpp"
#include "orchestrator/api_page.hpp"
#include "orchestrator/api_problem.hpp"
#include "orchestrator/api_routes.hpp"
#include "orchestrator/api_writes.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <variant>

namespace muster::orchestrator {

/// One request on its way: which route, who asks, and the view that answers it.
struct Api::Call {
    const http::Request& request;
    Route route;
    std::vector<std::string> parameters;
    std::string_view actor;
    bool may_read = false;
    std::shared_ptr<const Snapshot> snapshot;
    std::optional<View> view;  ///< of *snapshot; none before the first
};

namespace {

http::Response refusal(const Access& access) {
    switch (access.verdict) {
        case AccessVerdict::misdirected:
            return problem(421, access.why);
        case AccessVerdict::forbidden:
            return problem(403, access.why);
        case AccessVerdict::unauthorized:
        case AccessVerdict::granted:
            break;
    }
    http::Response response = problem(401, access.why);
    response.fields.push_back({.name = "WWW-Authenticate", .value = "Bearer realm=\"muster\""});
    return response;
}

http::Response no_route(const http::Request& request, const RouteMatch& match) {
    if (match.allowed.empty()) {
        const auto nearest = nearest_route(request.path);
        return problem(404,
                       fmt::format("there is no such path; the nearest is {}", nearest),
                       {{"nearest", nearest}});
    }
    http::Response response = problem(405, fmt::format("this path knows {} only", match.allowed));
    response.fields.push_back({.name = "Allow", .value = match.allowed});
    return response;
}

bool is_health(Route route) {
    return route == Route::healthz || route == Route::livez || route == Route::readyz;
}

/// Bare health answers are for everyone; the list of checks is a read.
Needs needs_of(const RouteRow& row, const http::Request& request) {
    return is_health(row.route) && request.query_value("verbose") ? Needs::read : row.needs;
}

bool wants_stream(const http::Request& request) {
    if (request.query_value("watch") == "1") return true;
    const auto accept = request.field("Accept");
    return accept && accept->find("text/event-stream") != std::string_view::npos;
}

/// The node that probes the backend, if it is a member and not this one.
const NodeRow* other_owner(const Snapshot& snapshot,
                           const GroupName& group,
                           const BackendId& backend) {
    const GroupRow& row = *snapshot.group(group);
    const ShardRow* shard = row.shard(row.backend(backend)->shard);
    if (shard == nullptr || shard->owner == snapshot.self.node) return nullptr;
    return snapshot.node(shard->owner);
}

/// Headers that make a browser treat our answers as what they are and nothing more.
void harden(http::Response& response) {
    const bool page = response.field("Content-Type").value_or("").starts_with("text/html");
    const std::string_view policy =
        page ? "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
             : "default-src 'none'; frame-ancestors 'none'";
    response.fields.push_back({.name = "Content-Security-Policy", .value = std::string(policy)});
    response.fields.push_back({.name = "X-Content-Type-Options", .value = "nosniff"});
    response.fields.push_back({.name = "Referrer-Policy", .value = "no-referrer"});
    response.fields.push_back({.name = "Cross-Origin-Resource-Policy", .value = "same-origin"});
    if (!response.field("Cache-Control")) {
        response.fields.push_back({.name = "Cache-Control", .value = "no-store"});
    }
}

}  // namespace

Api::Api(SnapshotSlot& slot, Commands& commands, Clock& clock, ApiSettings settings)
    : slot_(slot),
      commands_(commands),
      clock_(clock),
      settings_(std::move(settings)),
      started_(clock.now()) {}

asio::awaitable<http::Reply> Api::handle(http::Request request) {
    http::Reply reply = co_await answer(request);
    if (auto* response = std::get_if<http::Response>(&reply)) harden(*response);
    co_return reply;
}

asio::awaitable<http::Reply> Api::answer(const http::Request& request) {
    RouteMatch match = match_route(request.method, request.path);
    // Strangers learn from 401 no more than from 404: even what exists is asked for by readers.
    const Needs needs = match.row != nullptr ? needs_of(*match.row, request) : Needs::read;
    const Access access = decide_access(request, needs, settings_.access);
    if (access.verdict != AccessVerdict::granted) co_return refusal(access);
    if (match.row == nullptr) co_return no_route(request, match);

    const Access reading = decide_access(request, Needs::read, settings_.access);
    Call call{.request = request,
              .route = match.row->route,
              .parameters = std::move(match.parameters),
              .actor = access.actor,
              .may_read = reading.verdict == AccessVerdict::granted,
              .snapshot = slot_.newest()};
    if (call.snapshot) {
        call.view.emplace(
            View{.snapshot = *call.snapshot, .now = clock_.now(), .wall = clock_.wall()});
    }
    co_return co_await dispatch(call);
}

asio::awaitable<http::Reply> Api::dispatch(const Call& call) {
    if (call.route == Route::backend && call.view) co_return co_await explain(call);
    if (call.route == Route::fleet_scaling && call.view && call.request.query_value("at"))
        co_return co_await show_past(
            {.request = call.request, .parameters = call.parameters, .view = *call.view},
            clock_,
            settings_.past,
            {.token = settings_.access.token, .limit = settings_.past_limit});
    if (call.route == Route::fleet_scaling && call.view) co_return co_await show_scaling(call);
    if (call.route == Route::audit && call.view) co_return co_await show_audit(call);
    switch (call.route) {
        case Route::apply:
        case Route::remove_group:
        case Route::remove_fleet:
        case Route::change_backend:
        case Route::shift_traffic:
        case Route::cancel_shift:
        case Route::forget_shift:
        case Route::pause_cluster:
        case Route::pause_fleet:
        case Route::resume_fleet:
        case Route::forget_host:
        case Route::pause_self:
        case Route::resume_self:
        case Route::step_down: {
            WriteCall write{.request = call.request,
                            .parameters = call.parameters,
                            .actor = call.actor,
                            .snapshot = call.snapshot,
                            .limits = settings_.limits};
            co_return co_await answer_write(call.route, std::move(write), commands_);
        }
        case Route::dns_name:
        case Route::dns_fence:
        case Route::dns_plan:
        case Route::dns_apply:
        case Route::dns_bump_era:
        case Route::dns_repair_fence:
        case Route::dns_bootstrap: {
            if (!call.view) co_return read(call);
            DnsCall dns{.request = call.request,
                        .parameters = call.parameters,
                        .actor = call.actor,
                        .view = *call.view};
            co_return co_await answer_dns(call.route, std::move(dns), settings_.dns);
        }
        default:
            co_return read(call);
    }
}

http::Reply Api::read(const Call& call) const {
    switch (call.route) {
        case Route::dashboard:
            return answer_page(call.may_read ? call.view : std::nullopt);
        case Route::asset:
            return answer_asset(call.parameters[0], call.request);
        case Route::session:
            return open_session(call.request);
        case Route::version:
            return answer_version(settings_.build);
        case Route::healthz:
        case Route::livez:
            return answer_health(live_checks(call.view, started_, clock_.now()), call.request);
        case Route::readyz:
            return answer_health(ready_checks(call.view, started_, clock_.now()), call.request);
        case Route::metrics:
            return http::Response{.fields = {{.name = "Content-Type",
                                              .value = "text/plain; version=0.0.4; charset=utf-8"}},
                                  .body = settings_.metrics ? settings_.metrics() : ""};
        default:
            break;
    }
    if (!call.view) return problem(503, "this node is starting and has no view yet");
    if (call.route == Route::stream) {
        auto query = backend_query(call.request, {.limit = 500, .sort = Sort::trouble_first});
        if (!query) return problem(400, query.error().context);
        return view_stream(slot_, clock_, std::move(*query), settings_.stream);
    }
    if (call.route == Route::events && wants_stream(call.request)) {
        auto query = event_query(call.request);
        if (!query) return problem(400, query.error().context);
        return event_stream(slot_, clock_, std::move(*query), settings_.stream);
    }
    return answer_read(
        call.route, {.request = call.request, .parameters = call.parameters, .view = *call.view});
}

asio::awaitable<http::Response> Api::explain(const Call& call) {
    const ReadCall read{.request = call.request, .parameters = call.parameters, .view = *call.view};
    GroupName group(call.parameters[0]);
    BackendId backend(call.parameters[1]);
    if (auto absent = missing(*call.snapshot, group, backend)) co_return std::move(*absent);
    const bool relayed = call.request.field(relayed_field).has_value();
    const NodeRow* owner = relayed ? nullptr : other_owner(*call.snapshot, group, backend);
    Result<Evidence> evidence =
        owner != nullptr
            ? co_await ask_owner(clock_,
                                 *owner,
                                 std::move(group),
                                 std::move(backend),
                                 {.token = settings_.access.token, .limit = settings_.peer_limit})
            : co_await own_evidence(std::move(group), std::move(backend));
    co_return answer_backend(read, evidence);
}

asio::awaitable<http::Response> Api::show_scaling(const Call& call) {
    const ReadCall read{.request = call.request, .parameters = call.parameters, .view = *call.view};
    if (auto refused = no_scaling(read)) co_return std::move(*refused);
    FleetName fleet(call.parameters[0]);
    const Snapshot& snapshot = *call.snapshot;
    const bool relayed = call.request.field(relayed_field).has_value();
    const NodeRow* const master = relayed || snapshot.notes != nullptr || !snapshot.cluster.master
                                      ? nullptr
                                      : snapshot.node(snapshot.cluster.master->node);
    if (master == nullptr || master->id == snapshot.self.node)
        co_return answer_scaling(read, scaling_notes(read.view, fleet));
    auto told =
        co_await ask_master(clock_,
                            *master,
                            std::move(fleet),
                            {.token = settings_.access.token, .limit = settings_.peer_limit});
    co_return answer_scaling(
        read,
        told ? *std::move(told)
             : no_scaling_notes("only the master knows: " + told.error().context));
}

asio::awaitable<http::Response> Api::show_audit(const Call& call) {
    const ReadCall read{.request = call.request, .parameters = call.parameters, .view = *call.view};
    const auto query = audit_query(call.request);
    if (!query) co_return problem(400, query.error().context);
    // A group's entries may be anywhere among the others.
    const std::size_t wanted = query->group.empty() ? query->limit : max_audit_entries;
    auto rows = co_await with_timeout(clock_, settings_.audit_limit, commands_.audit(wanted));
    if (!rows) co_return problem(503, "the audit can't be read: " + rows.error().message());
    if (!query->group.empty()) {
        std::erase_if(*rows, [&](const AuditRow& row) { return row.entry.object != query->group; });
    }
    if (rows->size() > query->limit)
        rows->erase(rows->begin(), rows->end() - static_cast<std::ptrdiff_t>(query->limit));
    co_return answer_audit(read, *rows);
}

asio::awaitable<Result<Evidence>> Api::own_evidence(GroupName group, BackendId backend) {
    auto evidence = co_await with_timeout(
        clock_, settings_.why_limit, commands_.why(std::move(group), std::move(backend)));
    if (!evidence && evidence.error().code == std::make_error_code(std::errc::timed_out)) {
        co_return fail(make_error_code(CommandErrc::unreachable),
                       "its owner did not answer in time");
    }
    co_return evidence;
}

http::Response Api::open_session(const http::Request& request) const {
    if (settings_.access.token.empty()) return problem(404, "no token is configured");
    BodyReader body(request.body);
    constexpr std::size_t longest_token = 4096;
    const auto token = body.text("token", longest_token);
    const auto problems = body.problems();
    if (!problems.empty()) return problem(problems);
    if (!token || !is_token(*token, settings_.access)) {
        return refusal({.verdict = AccessVerdict::unauthorized, .why = "that is not the token"});
    }
    return {.status = 204,
            .fields = {
                {.name = "Set-Cookie",
                 .value = read_cookie(settings_.access) + "; HttpOnly; SameSite=Strict; Path=/"}}};
}

}  // namespace muster::orchestrator
