#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <fmt/format.h>

#include <array>
#include <ostream>

namespace muster::ctl {

namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 6> all_states = {
    "up", "down", "degraded", "unknown", "drain", "maintenance"};
constexpr std::array<std::string_view, 4> all_scopes = {"all", "scaling", "dns", "status"};

std::string backends_text(const json::value& totals) {
    std::string text = text_at(totals, "backends");
    const char* separator = ": ";
    for (const std::string_view state : all_states) {
        const auto count = number_at(totals, fmt::format("states.{}", state)).value_or(0);
        if (count == 0) continue;
        text += fmt::format("{}{:.0f} {}", separator, count, state);
        separator = ", ";
    }
    return text;
}

std::vector<std::string> paused_scopes(const json::value& cluster) {
    std::vector<std::string> scopes;
    for (const std::string_view scope : all_scopes) {
        if (true_at(cluster, fmt::format("cluster.pause.{}", scope))) scopes.emplace_back(scope);
    }
    return scopes;
}

/// What is not as it should be, in sentences.
std::vector<std::string> complaints(const json::value& cluster,
                                    const json::value& groups,
                                    const json::value& shards,
                                    const json::value& nodes) {
    std::vector<std::string> found;
    if (at(cluster, "master").is_null()) found.emplace_back("no master is known");
    if (text_at(cluster, "source") == "cached") {
        found.push_back("the node that answered has no connection to ZooKeeper; its view is " +
                        age_text(number_at(cluster, "age_seconds")) + " old");
    }
    for (const std::string& scope : paused_scopes(cluster)) {
        found.push_back("paused by an operator: " + scope);
    }
    if (true_at(cluster, "self.paused")) {
        found.push_back("node " + text_at(cluster, "self.node") +
                        " is paused: " + text_at(cluster, "self.pause_reason"));
    }
    for (const json::value& node : list_at(nodes, "nodes")) {
        if (!true_at(node, "doubt")) continue;
        found.push_back("node " + text_at(node, "id") + " doubts its own verdicts");
    }
    for (const json::value& shard : list_at(shards, "shards")) {
        if (!text_at(shard, "owner").empty()) continue;
        found.push_back("shard " + text_at(shard, "id") + " is probed by nobody");
    }
    for (const json::value& group : list_at(groups, "groups")) {
        const std::string name = "group " + text_at(group, "name");
        if (true_at(group, "panic")) found.push_back(name + " is in panic: all get traffic");
        for (const std::string_view state : {"down", "degraded", "unknown"}) {
            const auto count = number_at(group, fmt::format("states.{}", state)).value_or(0);
            if (count == 0) continue;
            found.push_back(fmt::format(
                "{}: {:.0f} of {} backends {}", name, count, text_at(group, "backends"), state));
        }
        for (const json::value& note : list_at(group, "notes")) {
            found.push_back(name + ": " + text_at(note, ""));
        }
    }
    return found;
}

void print_cluster(Context& context, const json::value& body) {
    const auto line = [&](std::string_view label, const std::string& text) {
        context.out << fmt::format("{:9} ", label) << printable(text) << '\n';
    };
    line("cluster",
         fmt::format("{} ({}), era {}",
                     text_at(body, "cluster.name"),
                     text_at(body, "cluster.uuid"),
                     text_at(body, "cluster.era")));
    const std::string master = text_at(body, "master.node");
    line("master",
         master.empty() ? "none"
                        : fmt::format("{}, epoch {}, since {}",
                                      master,
                                      text_at(body, "master.epoch"),
                                      text_at(body, "master.since")));
    line("answer",
         fmt::format("from {}, {}, {} old",
                     text_at(body, "node"),
                     text_at(body, "source"),
                     age_text(number_at(body, "age_seconds"))));
    const std::string server = text_at(body, "session.server");
    line("session", text_at(body, "session.state") + (server.empty() ? "" : " to " + server));
    line("nodes", text_at(body, "totals.nodes"));
    line("groups",
         fmt::format(
             "{} in {} shards", text_at(body, "totals.groups"), text_at(body, "totals.shards")));
    line("backends", backends_text(at(body, "totals")));
}

}  // namespace

asio::awaitable<Exit> status(Context& context) {
    const Answer cluster = co_await ask(context, {.target = "/api/v1/cluster"});
    if (!cluster.ok()) co_return cluster.exit;
    const Answer groups = co_await ask(context, {.target = "/api/v1/groups"});
    if (!groups.ok()) co_return groups.exit;
    const Answer shards = co_await ask(context, {.target = "/api/v1/shards"});
    if (!shards.ok()) co_return shards.exit;
    const Answer nodes = co_await ask(context, {.target = "/api/v1/nodes"});
    if (!nodes.ok()) co_return nodes.exit;

    const auto found = complaints(cluster.body, groups.body, shards.body, nodes.body);
    const Exit exit = found.empty() ? Exit::ok : Exit::degraded;
    json::object data;
    data["degraded"] = !found.empty();
    data["complaints"] = json::array(found.begin(), found.end());
    data["cluster"] = cluster.body;
    if (print_as_data(context, data)) co_return exit;

    print_cluster(context, cluster.body);
    if (found.empty()) {
        context.out << '\n' << toned("all is well", Tone::good, context.colours) << '\n';
        co_return exit;
    }
    constexpr std::size_t most = 20;
    context.out << '\n' << toned("degraded", Tone::bad, context.colours) << '\n';
    for (std::size_t i = 0; i < std::min(most, found.size()); ++i) {
        context.out << "  " << printable(found[i]) << '\n';
    }
    if (found.size() > most) context.out << fmt::format("  and {} more\n", found.size() - most);
    co_return exit;
}

}  // namespace muster::ctl
