#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <fmt/format.h>

#include <array>
#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

namespace json = boost::json;

std::string milliseconds(const json::value& of, std::string_view path) {
    const auto seconds = number_at(of, path);
    return seconds ? fmt::format("{:.1f} ms", *seconds * 1000) : std::string{};
}

/// Nothing for a phase that was not reached, or not needed.
std::string phase(const json::value& of, std::string_view path) {
    return number_at(of, path).value_or(0) > 0 ? milliseconds(of, path) : "-";
}

/// "up", or "up, 2 against" with results in a row that speak against it.
std::string standing(const json::value& of, const std::string& when) {
    std::string text = text_at(of, when + ".verdict");
    if (text.empty()) return "-";
    const auto pending = number_at(of, when + ".pending").value_or(0);
    if (pending > 0) text += fmt::format(", {:.0f} against", pending);
    return text;
}

Tone tone_of_result(std::string_view result) {
    if (result == "success") return Tone::good;
    return result == "failure" ? Tone::bad : Tone::warning;
}

/// What peers said when it was suspected last.
void print_confirmation(Context& context, const json::value& body) {
    const std::string time = text_at(body, "recent.confirmation.time");
    if (time.empty()) return;
    std::string votes;
    for (const json::value& one : list_at(body, "recent.confirmation.votes")) {
        if (!votes.empty()) votes += ", ";
        votes += text_at(one, "node") + ": " + text_at(one, "vote");
    }
    const std::string down = text_at(body, "recent.confirmation.down");
    context.out << fmt::format("  suspected {}: {} ({})\n",
                               printable(time),
                               down == "yes" ? "found DOWN" : "others reach it, so it stays",
                               votes.empty() ? "no votes" : printable(votes));
}

/// Of an LB: what its last probe has found on the way through it.
void print_hops(Context& context, const json::value& body) {
    if (list_at(body, "recent.hops").empty()) return;
    context.out << "\non the way through it, at the last probe\n";
    Table table({"LISTENER", "GROUP", "RESULT", "REASON", "CODE", "CONNECT", "TLS", "RESPONSE"});
    for (const json::value& one : list_at(body, "recent.hops")) {
        const std::string result = text_at(one, "result");
        const std::string listener = text_at(one, "listener");
        const std::string group = text_at(one, "group");
        const std::string code = text_at(one, "code");
        table.add({{.text = listener.empty() ? text_at(one, "name") : listener},
                   {.text = group.empty() ? "-" : group},
                   {.text = result, .tone = tone_of_result(result)},
                   {.text = text_at(one, "reason")},
                   {.text = code == "0" ? "-" : code},
                   {.text = phase(one, "connect_seconds")},
                   {.text = phase(one, "tls_seconds")},
                   {.text = phase(one, "response_seconds")}});
    }
    context.out << table.render(context.colours);
}

void print_recent(Context& context, const json::value& body) {
    const std::string problem = text_at(body, "recent_problem");
    if (!problem.empty()) {
        context.out << "\nrecent results are missing: " << printable(problem) << '\n';
    }
    if (list_at(body, "recent.list").empty()) return;
    context.out << "\nrecent results, from " << printable(text_at(body, "recent.from")) << '\n';
    Table table({"TIME",
                 "RESULT",
                 "REASON",
                 "CODE",
                 "BEFORE",
                 "AFTER",
                 "RESOLVE",
                 "CONNECT",
                 "TLS",
                 "SENT",
                 "FIRST BYTE",
                 "TOTAL"});
    for (const json::value& one : list_at(body, "recent.list")) {
        const std::string result = text_at(one, "result");
        table.add({{.text = text_at(one, "time")},
                   {.text = result, .tone = tone_of_result(result)},
                   {.text = text_at(one, "reason")},
                   {.text = text_at(one, "code")},
                   {.text = standing(one, "before")},
                   {.text = standing(one, "after")},
                   {.text = phase(one, "resolve_seconds")},
                   {.text = phase(one, "connect_seconds")},
                   {.text = phase(one, "tls_seconds")},
                   {.text = phase(one, "sent_seconds")},
                   {.text = phase(one, "first_byte_seconds")},
                   {.text = milliseconds(one, "total_seconds")}});
    }
    context.out << table.render(context.colours);
}

}  // namespace

asio::awaitable<Exit> why(Context& context, std::string backend) {
    const FoundBackend found = co_await find_backend(context, std::move(backend));
    if (found.exit != Exit::ok) co_return found.exit;
    const Answer answer = co_await ask(context, {.target = found.name.target()});
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;

    const std::string state = text_at(answer.body, "backend.state");
    context.out << toned(found.name.group + "/" + found.name.id,
                         tone_of_state(state),
                         context.colours)
                << ' ' << printable(text_at(answer.body, "backend.address")) << '\n';
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> lines = {
        {{"", "why.summary"},
         {"reason", "why.reason_text"},
         {"wrong", "why.wrong"},
         {"next", "why.next"},
         {"traffic", "why.rotation_text"},
         {"check", "why.check"},
         {"owner", "why.owner"}}};
    for (const auto& [label, path] : lines) {
        std::string text = text_at(answer.body, path);
        if (text.empty()) continue;
        if (label == "owner") text += ", token " + text_at(answer.body, "why.owner_token");
        context.out << (label.empty() ? std::string("  ") : fmt::format("  {:8} ", label))
                    << printable(text) << '\n';
    }
    print_confirmation(context, answer.body);
    print_hops(context, answer.body);
    print_recent(context, answer.body);
    co_return Exit::ok;
}

}  // namespace muster::ctl
