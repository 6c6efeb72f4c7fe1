#include "orchestrator/api_writes.hpp"

#include "orchestrator/api_body.hpp"
#include "orchestrator/api_json.hpp"
#include "orchestrator/api_problem.hpp"

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

/// What every change of a group brings along.
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

/// The failure of one group; a conflict tells the generation that there is.
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

json::object object_of(const GroupName& name, const AppliedGroup& applied) {
    json::array changes;
    for (const std::string& change : applied.changes) changes.emplace_back(change);
    json::array problems;
    if (applied.problem) problems.emplace_back(applied.problem->message());
    return {{"name", name.str()},
            {"result", result_of(applied)},
            {"generation", applied.generation},
            {"previous", applied.previous},
            {"changes", std::move(changes)},
            {"problems", std::move(problems)}};
}

/// Pairs each group with what its writer expects; `?expect=` may only name groups of the body.
Result<std::vector<ApplyItem>> with_expectations(std::vector<config::GroupSpec> groups,
                                                 const Expectation& of_all,
                                                 std::map<GroupName, Expectation> of_each) {
    if (of_all.kind != Expectation::Kind::anything && groups.size() != 1) {
        return fail(std::make_error_code(std::errc::invalid_argument),
                    "If-Match is ambiguous for several groups; use ?expect=group:generation,...");
    }
    std::vector<ApplyItem> items;
    for (config::GroupSpec& group : groups) {
        const auto own = of_each.extract(group.name);
        const Expectation expect = own.empty() ? of_all : own.mapped();
        items.push_back({.group = std::move(group), .expect = expect});
    }
    if (!of_each.empty()) {
        return fail(std::make_error_code(std::errc::invalid_argument),
                    fmt::format("expect names '{}', which the body does not define",
                                of_each.begin()->first.str()));
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
    if (decoded.groups.empty()) co_return problem(422, "the body defines nothing");

    auto items =
        with_expectations(std::move(decoded.groups), terms->expect, std::move(*expectations));
    if (!items) co_return malformed(items.error());
    ApplyRequest request{
        .items = std::move(*items), .author = terms->author, .dry_run = terms->dry_run};
    const auto applied = co_await commands.apply(request);
    if (!applied) co_return failed(applied.error());
    co_return answer_applied(request, *applied);
}

asio::awaitable<http::Response> remove_group(const WriteCall& call, Commands& commands) {
    auto terms = terms_of(call);
    if (!terms) co_return malformed(terms.error());
    const GroupName name(call.parameters[0]);
    const auto applied =
        co_await commands.remove_group(name, terms->expect, terms->author, terms->dry_run);
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
    int worst = 200;
    std::size_t problems = 0;
    for (std::size_t i = 0; i < applied.size() && i < request.items.size(); ++i) {
        groups.push_back(object_of(request.items[i].group.name, applied[i]));
        if (!applied[i].problem) continue;
        ++problems;
        worst = std::max(worst, status_of(*applied[i].problem));
    }
    if (problems > 0) {
        const auto detail = fmt::format("{} of {} groups not applied", problems, applied.size());
        return problem(worst, detail, {{"groups", std::move(groups)}});
    }
    return json_response(200,
                         {{"dry_run", request.dry_run == DryRun::yes},
                          {"author", request.author.name},
                          {"groups", std::move(groups)}});
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
    if (route == Route::remove_group) co_return co_await remove_group(call, commands);
    if (route == Route::change_backend) co_return co_await change_backend(call, commands);
    if (route == Route::pause_cluster) co_return co_await pause_cluster(call, commands);
    if (route == Route::pause_self) co_return co_await pause_self(call, commands, true);
    if (route == Route::resume_self) co_return co_await pause_self(call, commands, false);
    co_return co_await step_down(call, commands);
}

}  // namespace muster::orchestrator
