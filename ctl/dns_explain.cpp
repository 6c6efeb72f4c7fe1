#include "common/http/url.hpp"
#include "ctl/dns.hpp"
#include "ctl/dns_call.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

std::string writer_of(Context& context, const json::value& store) {
    const json::value& by = at(store, "written_by");
    if (!by.is_object()) return true_at(store, "is_ours") ? "it has no mark of ours" : "not by us";
    const std::string since = since_text(context.clock, text_at(by, "seen_since"));
    return fmt::format("era {}, epoch {}{}; generation {}, transaction {}{}",
                       text_at(by, "era"),
                       text_at(by, "epoch"),
                       true_at(by, "this_office") ? " (this office)" : "",
                       text_at(by, "generation"),
                       text_at(by, "transaction"),
                       since.empty() ? "" : fmt::format("; seen so for {}", since));
}

std::string member_state(const json::value& member) {
    const bool published = at(member, "published").is_object();
    const bool desired = at(member, "desired").is_object();
    if (published && desired) return "answered";
    if (published) return "answered, to go";
    return desired ? "to come" : "left out";
}

/// Why the LB is in or out: what the planner says, and its health.
std::string reason_of(const json::value& member) {
    std::string why = text_at(member, "left_out");
    for (const char* part : {"lb.rotation", "lb.health"}) {
        const std::string more = text_at(member, part);
        if (more.empty()) continue;
        if (!why.empty()) why += "; ";
        why += more;
    }
    if (!at(member, "lb").is_object() && why.empty()) why = "no LB that is known";
    return why;
}

std::string address_of(const json::value& member) {
    const std::string there = text_at(member, "published.address");
    return there.empty() ? text_at(member, "desired.address") : there;
}

void show_store(Context& context, const json::value& store) {
    context.out << printable(text_at(store, "store")) << " (" << printable(text_at(store, "stage"))
                << (true_at(store, "paused") ? ", paused" : "") << ")\n";
    for (const char* part : {"problem", "trouble"}) {
        const std::string text = text_at(store, part);
        if (!text.empty())
            context.out << "  " << toned(printable(text), Tone::bad, context.colours) << '\n';
    }
    if (text_at(store, "problem").empty())
        context.out << "  written by " << printable(writer_of(context, store)) << '\n';
    Table members({"MEMBER", "ADDRESS", "IN DNS", "SINCE", "WHY"});
    for (const json::value& member : list_at(store, "members")) {
        const std::string state = member_state(member);
        members.add({{.text = printable(text_at(member, "member"))},
                     {.text = printable(address_of(member))},
                     {.text = state, .tone = state == "answered" ? Tone::good : Tone::warning},
                     {.text = since_text(context.clock, text_at(member, "lb.since"))},
                     {.text = printable(reason_of(member))}});
    }
    if (!members.empty()) context.out << members.render(context.colours);
    for (const json::value& line : list_at(store, "next")) {
        context.out << "  " << printable(text_at(line, "act")) << ' '
                    << printable(text_at(line, "what")) << ": " << printable(text_at(line, "why"))
                    << '\n';
    }
    for (const json::value& stray : list_at(store, "strays")) {
        context.out << "  not ours: " << printable(text_at(stray, "key")) << " ("
                    << printable(text_at(stray, "what")) << ")\n";
    }
}

}  // namespace

asio::awaitable<Exit> dns_explain(Context& context, std::string name) {
    const Answer answer =
        co_await ask_master(context, {.target = "/api/v1/dns/names/" + http::percent_encode(name)});
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << printable(text_at(answer.body, "name")) << '\n';
    for (const json::value& store : list_at(answer.body, "stores")) show_store(context, store);
    Table servers({"DNS SERVER", "TYPE", "ANSWERS"});
    for (const json::value& server : list_at(answer.body, "servers")) {
        const json::value& answers = at(server, "answers");
        if (!answers.is_object()) continue;
        for (const auto& one : answers.get_object()) {
            const std::string text = text_at(one.value(), "");
            servers.add({{.text = printable(text_at(server, "server"))},
                         {.text = printable(one.key())},
                         {.text = printable(text),
                          .tone = text.starts_with("NOERROR") ? Tone::plain : Tone::bad}});
        }
    }
    if (!servers.empty()) context.out << servers.render(context.colours);
    co_return Exit::ok;
}

}  // namespace muster::ctl
