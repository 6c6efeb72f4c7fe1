#include "orchestrator/api_writes.hpp"

#include "orchestrator/api_body.hpp"
#include "orchestrator/api_fleet_orders.hpp"
#include "orchestrator/api_json.hpp"
#include "orchestrator/api_problem.hpp"
#include "orchestrator/api_shift.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;

http::Response malformed(const Error& error) {
    return problem(400, error.context);
}

http::Response failed(const Error& error) {
    return problem(status_of(error), error.message());
}

/// What every change of the configuration brings along.
struct Terms {
    Expectation expect;
    Requester author;
    DryRun dry_run = DryRun::no;
};

Result<Terms> terms_of(const WriteCall& call) {
    auto expect = expectation_of(call.request);
    if (!expect) return tl::unexpected(expect.error());
    auto author = author_of(call.request, call.actor);
    if (!author) return tl::unexpected(author.error());
    auto dry_run = dry_run_of(call.request);
    if (!dry_run) return tl::unexpected(dry_run.error());
    return Terms{.expect = *expect,
                 .author = {.name = std::move(*author),
                            .origin = fmt::format("{} from {}", call.actor, call.request.peer)},
                 .dry_run = *dry_run};
}

/// The failure of one object; a conflict tells the generation that there is.
http::Response failed(const AppliedGroup& applied) {
    json::object more;
    if (applied.problem->code == make_error_code(CommandErrc::conflict)) {
        more["generation"] = applied.previous;
    }
    return problem(status_of(*applied.problem), applied.problem->message(), std::move(more));
}

std::string_view result_of(const AppliedGroup& applied) {
    if (!applied.problem) return to_string(applied.result);
    switch (status_of(*applied.problem)) {
        case 412:
            return "conflict";
        case 409:
        case 404:
            return "refused";
        case 504:
            return "unknown";
        default:
            return "failed";
    }
}

json::object object_of(const znodes::ConfigName& object, const AppliedGroup& applied) {
    const json::array changes(applied.changes.begin(), applied.changes.end());
    const json::array warnings(applied.warnings.begin(), applied.warnings.end());
    json::array problems;
    if (applied.problem) problems.emplace_back(applied.problem->message());
    return {{"name", object.name},
            {"result", result_of(applied)},
            {"generation", applied.generation},
            {"previous", applied.previous},
            {"changes", changes},
            {"warnings", warnings},
            {"problems", std::move(problems)}};
}

/// Groups before the fleets that lead to them.
std::vector<ApplyItem> items_of(config::Decoded decoded) {
    std::vector<ApplyItem> items;
    for (config::GroupSpec& group : decoded.groups) items.push_back({.spec = std::move(group)});
    for (config::FleetSpec& fleet : decoded.fleets) items.push_back({.spec = std::move(fleet)});
    return items;
}

/// Pairs each object with what its writer expects; `?expect=` may only name objects of the body.
Result<std::vector<ApplyItem>> with_expectations(
    std::vector<ApplyItem> items,
    const Expectation& of_all,
    std::map<znodes::ConfigName, Expectation> of_each) {
    if (of_all.kind != Expectation::Kind::anything && items.size() != 1) {
        return fail(std::make_error_code(std::errc::invalid_argument),
                    "If-Match is ambiguous for several objects; use ?expect=name:generation,...");
    }
    for (ApplyItem& item : items) {
        const auto own = of_each.extract(item.name());
        item.expect = own.empty() ? of_all : own.mapped();
    }
    if (!of_each.empty()) {
        return fail(std::make_error_code(std::errc::invalid_argument),
                    fmt::format("expect names '{}', which the body does not define",
                                of_each.begin()->first.word()));
    }
    return items;
}

asio::awaitable<http::Response> apply(const WriteCall& call, Commands& commands) {
    auto terms = terms_of(call);
    if (!terms) co_return malformed(terms.error());
    auto expectations = expectations_of(call.request);
    if (!expectations) co_return malformed(expectations.error());

    auto decoded = config::decode(call.request.body, call.limits);
    if (!decoded.problems.empty()) co_return problem(decoded.problems);
    auto items = items_of(std::move(decoded));
    if (items.empty()) co_return problem(422, "the body defines nothing");

    auto expecting = with_expectations(std::move(items), terms->expect, std::move(*expectations));
    if (!expecting) co_return malformed(expecting.error());
    ApplyRequest request{
        .items = std::move(*expecting), .author = terms->author, .dry_run = terms->dry_run};
    const auto applied = co_await commands.apply(request);
    if (!applied) co_return failed(applied.error());
    co_return answer_applied(request, *applied);
}

asio::awaitable<http::Response> remove(znodes::ConfigKind kind,
                                       const WriteCall& call,
                                       Commands& commands) {
    auto terms = terms_of(call);
    if (!terms) co_return malformed(terms.error());
    const auto abandon = abandon_of(call.request);
    if (!abandon) co_return malformed(abandon.error());
    const znodes::ConfigName name(kind, call.parameters[0]);
    const auto applied =
        co_await commands.remove(name, terms->expect, terms->author, terms->dry_run, *abandon);
    if (!applied) co_return failed(applied.error());
    if (applied->problem) co_return failed(*applied);
    co_return json_response(200, object_of(name, *applied));
}

asio::awaitable<http::Response> change_backend(const WriteCall& call, Commands& commands) {
    auto terms = terms_of(call);
    if (!terms) co_return malformed(terms.error());
    BackendChange change{.group = GroupName(call.parameters[0]),
                         .backend = BackendId(call.parameters[1]),
                         .expect = terms->expect,
                         .author = terms->author};
    BodyReader body(call.request.body);
    constexpr std::size_t longest_state = 32;
    if (const auto state = body.text("state", longest_state)) {
        for (const auto admin :
             {config::Admin::active, config::Admin::drain, config::Admin::maintenance}) {
            if (*state == config::to_string(admin)) change.admin = admin;
        }
        if (!change.admin) body.reject("state", "must be active, drain or maintenance");
    }
    constexpr int highest_weight = 1000;
    change.weight = body.whole("weight", 0, highest_weight);
    auto problems = body.problems();
    if (problems.empty() && !change.admin && !change.weight) {
        problems.push_back({.what = "must set 'state', 'weight' or both"});
    }
    if (!problems.empty()) co_return problem(problems);

    const auto applied = co_await commands.change_backend(change);
    if (!applied) co_return failed(applied.error());
    if (applied->problem) co_return failed(*applied);
    co_return json_response(200,
                            {{"group", call.parameters[0]},
                             {"backend", call.parameters[1]},
                             {"result", result_of(*applied)},
                             {"generation", applied->generation}});
}

asio::awaitable<http::Response> pause_cluster(const WriteCall& call, Commands& commands) {
    auto terms = terms_of(call);
    if (!terms) co_return malformed(terms.error());
    BodyReader body(call.request.body);
    PauseChange change{.all = body.boolean("all"),
                       .scaling = body.boolean("scaling"),
                       .dns = body.boolean("dns"),
                       .status = body.boolean("status")};
    auto problems = body.problems();
    if (problems.empty() && !change.all && !change.scaling && !change.dns && !change.status) {
        problems.push_back({.what = "must set any of 'all', 'scaling', 'dns', 'status'"});
    }
    if (!problems.empty()) co_return problem(problems);

    const auto pause = co_await commands.pause_cluster(change, terms->author);
    if (!pause) co_return failed(pause.error());
    co_return json_response(200, {{"pause", json_of(*pause)}});
}

asio::awaitable<http::Response> pause_fleet(const WriteCall& call,
                                            Commands& commands,
                                            bool paused) {
    auto terms = terms_of(call);
    if (!terms) co_return malformed(terms.error());
    BodyReader body(call.request.body);
    FleetPauseChange change{.fleet = FleetName(call.parameters[0])};
    if (paused) change = read_fleet_pause(change.fleet, body);
    const auto problems = body.problems();
    if (!problems.empty()) co_return problem(problems);
    const auto pause = co_await commands.pause_fleet(std::move(change), terms->author);
    if (!pause) co_return failed(pause.error());
    co_return json_response(200, {{"fleet", call.parameters[0]}, {"pause", json_of(*pause)}});
}

asio::awaitable<http::Response> forget_host(const WriteCall& call, Commands& commands) {
    auto terms = terms_of(call);
    if (!terms) co_return malformed(terms.error());
    BodyReader body(call.request.body);
    HostLoss loss{.fleet = FleetName(call.parameters[0]),
                  .host = NodeId(call.parameters[1]),
                  .reason = read_reason(body)};
    const auto problems = body.problems();
    if (!problems.empty()) co_return problem(problems);
    const auto lost = co_await commands.forget_host(std::move(loss), terms->author, terms->dry_run);
    if (!lost) co_return failed(lost.error());
    json::array instances;
    for (const InstanceId& id : lost->instances) instances.emplace_back(id.str());
    co_return json_response(200,
                            {{"fleet", lost->fleet.str()},
                             {"host", lost->host.str()},
                             {"instances", std::move(instances)},
                             {"dry_run", terms->dry_run == DryRun::yes}});
}

asio::awaitable<http::Response> change_shift(const WriteCall& call,
                                             Commands& commands,
                                             ShiftChange::Act act) {
    auto terms = terms_of(call);
    if (!terms) co_return malformed(terms.error());
    ShiftChange change{.act = act};
    if (act == ShiftChange::Act::begin) {
        ShiftAsked asked = read_shift(call.request.body, call.snapshot.get());
        if (!asked.problems.empty()) co_return problem(asked.problems);
        change = std::move(asked.change);
    } else {
        const auto problems = BodyReader(call.request.body).problems();
        if (!problems.empty()) co_return problem(problems);
        change.name = call.parameters[0];
    }
    const std::string name = change.name;
    const auto shift =
        co_await commands.change_shift(std::move(change), terms->author, terms->dry_run);
    if (!shift) co_return failed(shift.error());
    json::object body = json_of(name, *shift);
    body["dry_run"] = terms->dry_run == DryRun::yes;
    co_return json_response(act == ShiftChange::Act::forget ? 200 : 202, body);
}

asio::awaitable<http::Response> pause_self(const WriteCall& call, Commands& commands, bool paused) {
    BodyReader body(call.request.body);
    constexpr std::size_t longest_reason = 200;
    SelfPause wanted{.paused = paused};
    if (paused) wanted.reason = body.text("reason", longest_reason).value_or("");
    const auto problems = body.problems();
    if (!problems.empty()) co_return problem(problems);

    const auto now = co_await commands.pause_self(wanted);
    if (!now) co_return failed(now.error());
    const std::string node = call.snapshot ? call.snapshot->self.node.str() : "";
    co_return json_response(200,
                            {{"node", node}, {"paused", now->paused}, {"reason", now->reason}});
}

asio::awaitable<http::Response> step_down(const WriteCall& call, Commands& commands) {
    const auto epoch = co_await commands.step_down();
    if (!epoch) {
        json::object more;
        if (call.snapshot && call.snapshot->cluster.master) {
            more["master"] = call.snapshot->cluster.master->node.str();
            more["api_address"] = call.snapshot->cluster.master->api_address;
        }
        co_return problem(status_of(epoch.error()), epoch.error().message(), std::move(more));
    }
    const std::string node = call.snapshot ? call.snapshot->self.node.str() : "";
    co_return json_response(200, {{"node", node}, {"result", "stepped_down"}, {"epoch", *epoch}});
}

}  // namespace

http::Response answer_applied(const ApplyRequest& request,
                              const std::vector<AppliedGroup>& applied) {
    json::array groups;
    json::array fleets;
    int worst = 200;
    std::size_t problems = 0;
    for (std::size_t i = 0; i < applied.size() && i < request.items.size(); ++i) {
        const znodes::ConfigName name = request.items[i].name();
        (name.kind == znodes::ConfigKind::group ? groups : fleets)
            .push_back(object_of(name, applied[i]));
        if (!applied[i].problem) continue;
        ++problems;
        worst = std::max(worst, status_of(*applied[i].problem));
    }
    if (problems > 0) {
        const auto detail = fmt::format("{} of {} {} not applied",
                                        problems,
                                        applied.size(),
                                        fleets.empty() ? "groups" : "groups and fleets");
        return problem(
            worst, detail, {{"groups", std::move(groups)}, {"fleets", std::move(fleets)}});
    }
    return json_response(200,
                         {{"dry_run", request.dry_run == DryRun::yes},
                          {"author", request.author.name},
                          {"groups", std::move(groups)},
                          {"fleets", std::move(fleets)}});
}

std::string_view to_string(Applied applied) {
    switch (applied) {
        case Applied::created:
            return "created";
        case Applied::changed:
            return "changed";
        case Applied::unchanged:
            return "unchanged";
        case Applied::removed:
            return "removed";
    }
    return "unchanged";
}

asio::awaitable<http::Response> answer_write(Route route, WriteCall call, Commands& commands) {
    if (!has_known_type(call.request)) {
        co_return problem(415, "Content-Type must be application/json or application/yaml");
    }
    if (route == Route::apply) co_return co_await apply(call, commands);
    if (route == Route::remove_group)
        co_return co_await remove(znodes::ConfigKind::group, call, commands);
    if (route == Route::remove_fleet)
        co_return co_await remove(znodes::ConfigKind::fleet, call, commands);
    if (route == Route::change_backend) co_return co_await change_backend(call, commands);
    if (route == Route::shift_traffic)
        co_return co_await change_shift(call, commands, ShiftChange::Act::begin);
    if (route == Route::cancel_shift)
        co_return co_await change_shift(call, commands, ShiftChange::Act::cancel);
    if (route == Route::forget_shift)
        co_return co_await change_shift(call, commands, ShiftChange::Act::forget);
    if (route == Route::pause_cluster) co_return co_await pause_cluster(call, commands);
    if (route == Route::pause_fleet) co_return co_await pause_fleet(call, commands, true);
    if (route == Route::resume_fleet) co_return co_await pause_fleet(call, commands, false);
    if (route == Route::forget_host) co_return co_await forget_host(call, commands);
    if (route == Route::pause_self) co_return co_await pause_self(call, commands, true);
    if (route == Route::resume_self) co_return co_await pause_self(call, commands, false);
    co_return co_await step_down(call, commands);
}

}  // namespace muster::orchestrator
