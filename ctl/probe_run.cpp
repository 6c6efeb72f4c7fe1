#include "checker/perfdata.hpp"
#include "checker/prober_settings.hpp"
#include "common/config/decode.hpp"
#include "common/config/node_settings.hpp"
#include "common/http/url.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"
#include "ctl/probe_table.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

/// The group of a document that was given, or of the cluster.
struct Wanted {
    Exit exit = Exit::ok;
    config::GroupSpec group;
    std::string backend;  ///< empty = all of them
};

std::optional<config::GroupSpec> read_group(Context& context, std::string_view text) {
    config::Decoded decoded = config::decode(text);
    for (const config::Problem& problem : decoded.problems)
        context.err << "error: " << printable(config::to_string(problem)) << '\n';
    if (!decoded.problems.empty()) return std::nullopt;
    if (decoded.groups.size() != 1) {
        context.err << "error: there are " << decoded.groups.size()
                    << " groups in it; probe run takes one\n";
        return std::nullopt;
    }
    return std::move(decoded.groups.front());
}

asio::awaitable<Wanted> find_wanted(Context& context, const ProbeRunOptions& options) {
    Wanted wanted;
    if (!options.text.empty()) {
        auto group = read_group(context, options.text);
        if (!group) co_return Wanted{.exit = Exit::failed};
        co_return Wanted{.group = std::move(*group), .backend = options.backend};
    }
    const FoundBackend found = co_await find_backend(context, options.backend);
    if (found.exit != Exit::ok) co_return Wanted{.exit = found.exit};
    const Answer answer = co_await ask(
        context, {.target = "/api/v1/groups/" + http::percent_encode(found.name.group)});
    if (!answer.ok()) co_return Wanted{.exit = answer.exit};
    auto group = read_group(context, json::serialize(at(answer.body, "group.spec")));
    if (!group) co_return Wanted{.exit = Exit::failed};
    co_return Wanted{.group = std::move(*group), .backend = found.name.id};
}

asio::awaitable<checker::ProbeOutcome> probe_once(
    checker::Prober& prober, std::shared_ptr<const checker::ProbeRequest> request) {
    const auto initiate = [&](auto handler) {
        prober.start(std::move(request),
                     [done = std::move(handler)](checker::ProbeOutcome outcome) mutable {
                         done(std::move(outcome));
                     });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                            void(checker::ProbeOutcome)>(initiate,
                                                                         asio::use_awaitable);
}

checker::ProbeRequest request_for(const config::Backend& backend, const config::CheckSpec& check) {
    return {.host = backend.address,
            .port = check.port.value_or(backend.port),
            .probe = check.probe,
            .timeout = check.timeout,
            .timeouts = checker::shared(check.timeouts),
            .intent = check.intent};
}

}  // namespace

asio::awaitable<Exit> probe_run(Context& context, ProbeRunOptions options) {
    config::NodeSettings node;
    if (!options.node_settings.empty()) {
        config::DecodedNodeSettings decoded = config::decode_node_settings(options.node_settings);
        for (const config::Problem& problem : decoded.problems)
            context.err << "error: " << printable(config::to_string(problem)) << '\n';
        if (!decoded.problems.empty()) co_return Exit::failed;
        node = std::move(decoded.settings);
    }
    auto settings = checker::prober_settings(node);
    if (!settings) {
        context.err << "error: " << printable(settings.error()) << '\n';
        co_return Exit::failed;
    }
    const Wanted wanted = co_await find_wanted(context, options);
    if (wanted.exit != Exit::ok) co_return wanted.exit;

    checker::ProberSet prober(
        co_await asio::this_coro::executor, context.clock, std::move(*settings));
    std::vector<ShownProbe> shown;
    for (const config::Backend& backend : wanted.group.backends) {
        const bool asked = wanted.backend.empty() || backend.id.str() == wanted.backend;
        if (!asked) continue;
        const auto request = std::make_shared<const checker::ProbeRequest>(
            request_for(backend, config::check_of(wanted.group, backend)));
        for (int i = 0; i < options.count; ++i) {
            const WallTime time = context.clock.wall();
            shown.push_back({.backend = backend.id.str(),
                             .time = time,
                             .outcome = co_await probe_once(prober, request)});
        }
    }
    prober.stop();
    if (shown.empty()) {
        context.err << "error: the group has no backend"
                    << (wanted.backend.empty() ? "" : " " + printable(wanted.backend)) << '\n';
        co_return Exit::not_found;
    }
    show_probes(context, shown);
    const bool well = std::ranges::all_of(shown, [](const ShownProbe& one) {
        return one.outcome.result == checker::Result::success ||
               one.outcome.result == checker::Result::degraded;
    });
    co_return well ? Exit::ok : Exit::degraded;
}

}  // namespace muster::ctl
