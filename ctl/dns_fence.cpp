// dns fence: show, bump-era, repair, bootstrap.
#include "ctl/dns.hpp"
#include "ctl/dns_call.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

/// What a claim would come to, and what to do about it.
std::string advice(const std::string& judged) {
    if (judged == "adopt") return "is this office's own: all is well";
    if (judged == "raise") return "is of an earlier office, and will be raised";
    if (judged == "create") return "is not there yet, and will be made";
    if (judged == "lost") return "is gone with other data of the store, and will be made again";
    if (judged == "deposed")
        return "is larger than this office's. If there is no such master: dns fence bump-era";
    if (judged == "unreadable")
        return "is no fence: dns fence repair --expect-mod-rev VERSION puts ours there";
    if (judged == "deleted")
        return "was deleted by somebody: dns fence repair --expect-mod-rev 0 puts ours there";
    if (judged == "unfounded")
        return "is gone, and nobody knows of one: dns fence bootstrap --i-have-no-other-master";
    if (judged == "same token")
        return "has this office's numbers but is another's: dns fence repair --expect-mod-rev "
               "VERSION puts ours there";
    return {};
}

void show_fences(Context& context, const json::value& body) {
    Table table({"STORE", "ERA", "EPOCH", "VERSION", "FENCE", "IT"});
    for (const json::value& fence : list_at(body, "fences")) {
        const std::string problem = text_at(fence, "problem");
        const std::string judged = text_at(fence, "judged");
        const bool well = judged == "adopt" || judged == "raise" || judged == "create";
        table.add({{.text = printable(text_at(fence, "store"))},
                   {.text = printable(text_at(fence, "era"))},
                   {.text = printable(text_at(fence, "epoch"))},
                   {.text = printable(text_at(fence, "version"))},
                   {.text = printable(text_at(fence, "text"))},
                   {.text = printable(problem.empty() ? advice(judged) : problem),
                    .tone = problem.empty() && well ? Tone::good : Tone::bad}});
    }
    context.out << table.render(context.colours);
}

asio::awaitable<Exit> replace(Context& context, std::string target, json::object body) {
    const Answer answer = co_await ask_master(context, posting(std::move(target), body));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    for (const json::value& fence : list_at(answer.body, "fences"))
        context.out << printable(text_at(fence, "store")) << ": the fence is now "
                    << printable(text_at(fence, "mine"))
                    << "; nothing is removed until all names are back\n";
    co_return Exit::ok;
}

}  // namespace

asio::awaitable<Exit> dns_fence_show(Context& context) {
    const Answer answer = co_await ask_master(context, {.target = "/api/v1/dns/fence"});
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << "era of the cluster: " << printable(text_at(answer.body, "era")) << '\n';
    show_fences(context, answer.body);
    co_return Exit::ok;
}

asio::awaitable<Exit> dns_bump_era(Context& context, BumpEraOptions options) {
    const Answer cluster = co_await ask(context, {.target = "/api/v1/cluster"});
    if (!cluster.ok()) co_return cluster.exit;
    const auto from = number_at(cluster.body, "cluster.era");
    if (!from) {
        context.err << "error: the node does not know the era: it has not read `control` yet\n";
        co_return Exit::failed;
    }
    const auto era = static_cast<std::int64_t>(*from);
    if (options.to == 0) {
        std::int64_t largest = era;
        // One larger than the fences, too: then one bump is enough.
        const Answer fences = co_await ask_master(context, {.target = "/api/v1/dns/fence"});
        if (!fences.ok()) {
            context.err << "  the fences can't be seen now: say the era with --to\n";
            co_return fences.exit;
        }
        for (const json::value& fence : list_at(fences.body, "fences")) {
            const auto theirs = number_at(fence, "era");
            if (theirs) largest = std::max(largest, static_cast<std::int64_t>(*theirs));
        }
        options.to = largest + 1;
    }
    const Answer answer = co_await ask(
        context, posting("/api/v1/dns/fence/bump-era", {{"from", era}, {"to", options.to}}));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << "the era is " << printable(text_at(answer.body, "era")) << ", was "
                << printable(text_at(answer.body, "previous")) << '\n';
    co_return Exit::ok;
}

asio::awaitable<Exit> dns_repair_fence(Context& context, FenceOptions options) {
    json::object body{{"store", options.store}, {"expect_version", options.expected_version}};
    co_return co_await replace(context, "/api/v1/dns/fence/repair", std::move(body));
}

asio::awaitable<Exit> dns_bootstrap(Context& context, FenceOptions options) {
    if (!options.no_other_master) {
        context.err << "error: bootstrap locks any other master out of DNS. Look for one first: "
                       "musterds with another ZooKeeper, an old site. Then say "
                       "--i-have-no-other-master\n";
        co_return Exit::usage;
    }
    json::object body{{"store", options.store}, {"i_have_no_other_master", true}};
    co_return co_await replace(context, "/api/v1/dns/fence/bootstrap", std::move(body));
}

}  // namespace muster::ctl
