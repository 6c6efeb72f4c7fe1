#include "common/http/url.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <fmt/format.h>

#include <functional>
#include <ostream>
#include <set>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;
using Cell = Table::Cell;

/// How one kind of object is asked for and shown.
struct View {
    std::string path;
    std::string list;  ///< member of the answer that holds the objects
    std::function<std::string(const json::value&)> name;
    std::vector<std::string> headings;
    std::vector<std::string> wide_headings;
    std::function<std::vector<Cell>(const json::value&)> cells;  ///< wide ones included
};

Cell text(const json::value& of, std::string_view path) {
    return {.text = text_at(of, path)};
}

Cell flag(const json::value& of, std::string_view path) {
    if (!true_at(of, path)) return {.text = "no"};
    return {.text = "yes", .tone = Tone::warning};
}

Cell states(const json::value& group) {
    const double down = number_at(group, "states.down").value_or(0);
    const double unknown = number_at(group, "states.unknown").value_or(0);
    const double up = number_at(group, "states.up").value_or(0);
    std::string shown = fmt::format("{:.0f} up", up);
    if (down > 0) shown += fmt::format(", {:.0f} down", down);
    if (unknown > 0) shown += fmt::format(", {:.0f} unknown", unknown);
    const Tone tone = down > 0 ? Tone::bad : unknown > 0 ? Tone::warning : Tone::good;
    return {.text = shown, .tone = tone};
}

View groups() {
    return {.path = "/api/v1/groups",
            .list = "groups",
            .name = [](const json::value& g) { return text_at(g, "name"); },
            .headings = {"GROUP", "GENERATION", "BACKENDS", "STATES", "IN", "PANIC"},
            .wide_headings = {"SHARDS", "ALGORITHM", "AUTHOR", "CHANGED", "CHECK"},
            .cells = [](const json::value& g) -> std::vector<Cell> {
                return {text(g, "name"),
                        text(g, "generation"),
                        text(g, "backends"),
                        states(g),
                        text(g, "in_rotation"),
                        flag(g, "panic"),
                        text(g, "shards"),
                        text(g, "algorithm"),
                        text(g, "author"),
                        text(g, "changed"),
                        text(g, "check")};
            }};
}

Cell words(const json::value& of, std::string_view path) {
    std::string all;
    for (const json::value& word : list_at(of, path))
        all += (all.empty() ? "" : ",") + text_at(word, "");
    return {.text = all};
}

Cell instances(const json::value& fleet) {
    const double total = number_at(fleet, "instances.total").value_or(0);
    if (total == 0) return {.text = "none"};
    const double in = number_at(fleet, "instances.in_rotation").value_or(0);
    const double down = number_at(fleet, "instances.states.down").value_or(0);
    const double degraded = number_at(fleet, "instances.states.degraded").value_or(0);
    std::string shown = fmt::format("{:.0f} of {:.0f} in", in, total);
    if (down > 0) shown += fmt::format(", {:.0f} down", down);
    if (degraded > 0) shown += fmt::format(", {:.0f} degraded", degraded);
    const Tone tone = down > 0 ? Tone::bad : degraded > 0 ? Tone::warning : Tone::good;
    return {.text = shown, .tone = tone};
}

View fleets() {
    return {.path = "/api/v1/fleets",
            .list = "fleets",
            .name = [](const json::value& f) { return text_at(f, "name"); },
            .headings = {"FLEET", "GENERATION", "LISTENERS", "GROUPS", "LBS", "NOTES"},
            .wide_headings = {"AUTHOR", "CHANGED"},
            .cells = [](const json::value& f) -> std::vector<Cell> {
                const std::size_t notes = list_at(f, "notes").size();
                return {text(f, "name"),
                        text(f, "generation"),
                        words(f, "listeners"),
                        words(f, "groups"),
                        instances(f),
                        {.text = std::to_string(notes),
                         .tone = notes > 0 ? Tone::warning : Tone::plain},
                        text(f, "author"),
                        text(f, "changed")};
            }};
}

View agents() {
    return {
        .path = "/api/v1/agents",
        .list = "agents",
        .name =
            [](const json::value& a) { return text_at(a, "fleet") + "/" + text_at(a, "instance"); },
        .headings = {"FLEET", "INSTANCE", "LB", "ADDRESS", "ACCEPTS", "HEALTH", "BEHIND", "ERROR"},
        .wide_headings = {"GENERATION", "STATUS", "REPORTED", "BUILD"},
        .cells = [](const json::value& a) -> std::vector<Cell> {
            const bool accepts = true_at(a, "accepting");
            Cell behind = words(a, "behind");
            behind.tone = behind.text.empty() ? Tone::plain : Tone::warning;
            Cell error = text(a, "error");
            error.tone = error.text.empty() ? Tone::plain : Tone::bad;
            const std::string health = text_at(a, "health.state");
            return {text(a, "fleet"),
                    text(a, "instance"),
                    text(a, "lb"),
                    text(a, "address"),
                    {.text = accepts ? "yes" : "no", .tone = accepts ? Tone::good : Tone::bad},
                    {.text = health.empty() ? "not probed" : health, .tone = tone_of_state(health)},
                    std::move(behind),
                    std::move(error),
                    text(a, "fleet_generation"),
                    text(a, "status_time"),
                    text(a, "reported"),
                    text(a, "build")};
        }};
}

Cell addresses(const json::value& of, std::string_view path) {
    std::string all;
    for (const json::value& member : list_at(of, path))
        all += (all.empty() ? "" : ",") + text_at(member, "address");
    return {.text = all.empty() ? "none" : all};
}

View dns() {
    return {.path = "/api/v1/dns",
            .list = "names",
            .name = [](const json::value& n) { return text_at(n, "name"); },
            .headings = {"NAME", "STORE", "TTL", "PUBLISHED", "SAME", "HELD"},
            .wide_headings = {"DESIRED"},
            .cells = [](const json::value& n) -> std::vector<Cell> {
                const bool same = true_at(n, "same");
                Cell held = words(n, "held");
                held.tone = held.text.empty() ? Tone::plain : Tone::warning;
                return {text(n, "name"),
                        text(n, "store"),
                        text(n, "ttl"),
                        addresses(n, "observed"),
                        {.text = same ? "yes" : "no", .tone = same ? Tone::good : Tone::warning},
                        std::move(held),
                        addresses(n, "desired")};
            }};
}

Cell percents(const json::value& of, std::string_view path) {
    std::string all;
    if (const json::object* const object = at(of, path).if_object()) {
        for (const auto& member : *object)
            all += fmt::format("{}{}={}",
                               all.empty() ? "" : " ",
                               std::string_view(member.key()),
                               text_at(member.value(), ""));
    }
    return {.text = all};
}

View shifts() {
    return {.path = "/api/v1/traffic-shift",
            .list = "shifts",
            .name = [](const json::value& s) { return text_at(s, "name"); },
            .headings = {"NAME", "PHASE", "STEP", "NOW", "TO", "WHY"},
            .wide_headings = {"FROM", "BY", "AUTHOR", "SINCE"},
            .cells = [](const json::value& s) -> std::vector<Cell> {
                const std::string phase = text_at(s, "phase");
                const bool ill = phase == "held" || phase.starts_with("roll");
                return {text(s, "name"),
                        {.text = phase, .tone = ill ? Tone::warning : Tone::plain},
                        {.text = text_at(s, "step") + "/" + text_at(s, "steps")},
                        percents(s, "now"),
                        percents(s, "to"),
                        text(s, "why"),
                        percents(s, "from"),
                        text(s, "by"),
                        text(s, "author"),
                        text(s, "since")};
            }};
}

/// Of what the names alone don't say.
void explain_dns(Context& context, const json::value& body) {
    if (!true_at(body, "configured")) {
        context.err << "the node that answered has no `dns` in its settings\n";
    } else if (!true_at(body, "is_master")) {
        const std::string master = text_at(body, "master.api_address");
        context.err << "the master publishes the names, and this node is not it"
                    << (master.empty() ? "" : "; ask it: --url http://" + printable(master))
                    << '\n';
    }
    std::set<std::string> problems;  // of the wishes, which the stores have in common
    for (const json::value& store : list_at(body, "stores")) {
        for (const char* const what : {"trouble", "holds_removals"}) {
            if (const std::string why = text_at(store, what); !why.empty())
                context.err << printable(text_at(store, "store")) << ": " << printable(why) << '\n';
        }
        for (const json::value& problem : list_at(store, "problems")) {
            const std::string told = text_at(problem, "");
            if (problems.insert(told).second) context.err << printable(told) << '\n';
        }
        for (const json::value& server : list_at(store, "servers")) {
            const bool down = text_at(server, "canary.health") == "down";
            const std::string wrong = text_at(server, down ? "canary.wrong" : "wrong");
            if (!wrong.empty())
                context.err << "server " << printable(text_at(server, "address"))
                            << (down ? " is down: " : ": ") << printable(wrong) << '\n';
        }
    }
}

View backends(Clock& clock) {
    return {
        .path = "/api/v1/backends",
        .list = "backends",
        .name = [](const json::value& b) { return text_at(b, "group") + "/" + text_at(b, "id"); },
        .headings = {"GROUP", "BACKEND", "STATE", "IN", "REASON", "SINCE"},
        .wide_headings = {"ADDRESS", "WEIGHT", "ZONE", "SHARD", "OWNER", "AGE"},
        .cells = [&clock](const json::value& b) -> std::vector<Cell> {
            const std::string state = text_at(b, "state");
            const bool in = true_at(b, "rotation.in");
            return {text(b, "group"),
                    text(b, "id"),
                    {.text = state, .tone = tone_of_state(state)},
                    {.text = in ? "yes" : "no", .tone = in ? Tone::plain : Tone::warning},
                    text(b, "reason"),
                    {.text = since_text(clock, text_at(b, "since"))},
                    text(b, "address"),
                    text(b, "weight"),
                    text(b, "zone"),
                    text(b, "shard"),
                    text(b, "owner"),
                    {.text = age_text(number_at(b, "status_age_seconds"))}};
        }};
}

View shards() {
    return {.path = "/api/v1/shards",
            .list = "shards",
            .name = [](const json::value& s) { return text_at(s, "id"); },
            .headings = {"SHARD", "OWNER", "ROLE", "WARMING", "BACKENDS", "PROGRESS"},
            .wide_headings = {"LAYOUT", "TOKEN", "SEQUENCE", "STATUS AGE", "DOUBT"},
            .cells = [](const json::value& s) -> std::vector<Cell> {
                const std::string owner = text_at(s, "owner");
                return {text(s, "id"),
                        {.text = owner.empty() ? "nobody" : owner,
                         .tone = owner.empty() ? Tone::bad : Tone::plain},
                        text(s, "role"),
                        text(s, "warming"),
                        text(s, "backends"),
                        {.text = age_text(number_at(s, "progress_age_seconds"))},
                        text(s, "layout"),
                        text(s, "owner_token"),
                        text(s, "sequence"),
                        {.text = age_text(number_at(s, "status_age_seconds"))},
                        flag(s, "doubt")};
            }};
}

View nodes() {
    return {.path = "/api/v1/nodes",
            .list = "nodes",
            .name = [](const json::value& n) { return text_at(n, "id"); },
            .headings = {"NODE", "ROLE", "ZONE", "SHARDS", "BACKENDS", "DOUBT", "DRAINING"},
            .wide_headings = {"CAPACITY", "WARM", "API", "PEER", "BUILD", "INCARNATION"},
            .cells = [](const json::value& n) -> std::vector<Cell> {
                return {text(n, "id"),
                        {.text = true_at(n, "master") ? "master" : "worker"},
                        text(n, "zone"),
                        text(n, "shards"),
                        text(n, "backends"),
                        flag(n, "doubt"),
                        flag(n, "draining"),
                        text(n, "capacity"),
                        text(n, "warm"),
                        text(n, "api_address"),
                        text(n, "peer_address"),
                        text(n, "build"),
                        text(n, "incarnation")};
            }};
}

View events_view() {
    return {.path = "/api/v1/events",
            .list = "events",
            .name = [](const json::value& e) { return text_at(e, "id"); },
            .headings = {"TIME", "KIND", "EVENT"},
            .wide_headings = {},
            .cells = [](const json::value& e) -> std::vector<Cell> {
                return {text(e, "time"), text(e, "kind"), text(e, "text")};
            }};
}

View view_of(Kind kind, Clock& clock) {
    switch (kind) {
        case Kind::groups:
            return groups();
        case Kind::fleets:
            return fleets();
        case Kind::agents:
            return agents();
        case Kind::dns:
            return dns();
        case Kind::shifts:
            return shifts();
        case Kind::backends:
            return backends(clock);
        case Kind::shards:
            return shards();
        case Kind::nodes:
            return nodes();
        case Kind::events:
            return events_view();
    }
    return groups();
}

std::string query_of(const GetOptions& options) {
    std::string query;
    const auto add = [&](std::string_view key, const std::string& value) {
        if (value.empty()) return;
        query += (query.empty() ? "?" : "&") + std::string(key) + "=" + http::percent_encode(value);
    };
    add("group", options.group);
    add("state", options.state);
    add("q", options.words);
    if (options.limit > 0) add("limit", std::to_string(options.limit));
    return query;
}

void print_rows(Context& context, const View& view, const std::vector<const json::value*>& rows) {
    if (context.format == Format::name) {
        for (const json::value* row : rows) context.out << printable(view.name(*row)) << '\n';
        return;
    }
    std::vector<std::string> headings = view.headings;
    if (context.format == Format::wide) {
        headings.insert(headings.end(), view.wide_headings.begin(), view.wide_headings.end());
    }
    Table table(std::move(headings));
    for (const json::value* row : rows) table.add(view.cells(*row));
    context.out << table.render(context.colours);
}

/// As apply reads it.
asio::awaitable<Exit> get_definition(Context& context, std::string path) {
    const Answer answer = co_await ask(context, {.target = std::move(path)});
    if (!answer.ok()) co_return answer.exit;
    const bool printed = print_as_data(context, at(answer.body, "fleet.spec"));
    co_return printed ? Exit::ok : Exit::failed;
}

bool is_data(Format format) {
    return format == Format::json || format == Format::yaml;
}

}  // namespace

asio::awaitable<Exit> get(Context& context, GetOptions options) {
    if (options.kind == Kind::fleets && !options.name.empty() && is_data(context.format)) {
        co_return co_await get_definition(context,
                                          "/api/v1/fleets/" + http::percent_encode(options.name));
    }
    const View view = view_of(options.kind, context.clock);
    const Answer answer = co_await ask(context, {.target = view.path + query_of(options)});
    if (!answer.ok()) co_return answer.exit;
    std::vector<const json::value*> rows;
    for (const json::value& row : list_at(answer.body, view.list)) {
        const bool wanted = options.name.empty() || view.name(row) == options.name ||
                            text_at(row, "id") == options.name;
        if (wanted) rows.push_back(&row);
    }
    if (rows.empty() && !options.name.empty()) {
        context.err << "error: not found: " << printable(options.name) << '\n';
        co_return Exit::not_found;
    }
    if (print_as_data(context, options.name.empty() ? answer.body : *rows.front())) {
        co_return Exit::ok;
    }
    print_rows(context, view, rows);
    if (options.kind == Kind::dns) explain_dns(context, answer.body);
    const double matched = number_at(answer.body, "matched").value_or(0);
    const auto shown = list_at(answer.body, view.list).size();
    if (matched > static_cast<double>(shown)) {
        context.err << fmt::format("{} of {:.0f} shown; --limit shows more\n", shown, matched);
    }
    if (text_at(answer.body, "source") == "cached") {
        context.err << "the node that answered has no connection to ZooKeeper; its view is "
                    << age_text(number_at(answer.body, "age_seconds")) << " old\n";
    }
    co_return Exit::ok;
}

}  // namespace muster::ctl
