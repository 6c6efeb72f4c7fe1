#include "common/http/url.hpp"
#include "ctl/json_read.hpp"
#include "ctl/scale.hpp"
#include "ctl/scale_time.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/array.hpp>

#include <cstdint>
#include <ostream>

namespace muster::ctl {

// The node has found the words (scaler/explain.hpp), so that its log, its dashboard and this say
// the same: {"fleet", "shadow", "explanation": {..., "text": [lines]}}; without a decision
// "explanation" is null, and "why" says why.
asio::awaitable<Exit> scale_explain(Context& context, ScaleExplainOptions options) {
    std::string target = "/api/v1/fleets/" + http::percent_encode(options.fleet) + "/scaling";
    if (!options.at.empty()) {
        const auto time = read_time_or_span(options.at, context.clock.wall());
        if (!time) {
            context.err << "error: --at must be like 2026-03-01T12:00:00Z, or -10m\n";
            co_return Exit::usage;
        }
        target += "?at=" + http::percent_encode(scaler::time_text(*time));
    }
    const Answer answer = co_await ask(context, {.target = target});
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    // Another node may know of a later decision.
    for (const boost::json::value& node : list_at(answer.body, "nodes"))
        for (const boost::json::value& problem : list_at(node, "problems"))
            context.err << "warning: " << printable(text_at(node, "node")) << ": "
                        << printable(text_at(problem, "")) << '\n';
    const boost::json::value& explanation = at(answer.body, "explanation");
    if (!explanation.is_object()) {
        const std::string why = text_at(answer.body, "why");
        context.err << "error: there is no decision of " << printable(options.fleet)
                    << (why.empty() ? "" : ": " + printable(why)) << '\n';
        co_return Exit::not_found;
    }
    const boost::json::value& tick = at(answer.body, "tick");
    if (tick.is_object())
        context.out << "decided at " << printable(text_at(tick, "time")) << " by "
                    << printable(text_at(tick, "node")) << " in epoch "
                    << static_cast<std::int64_t>(number_at(tick, "epoch").value_or(0))
                    << (true_at(tick, "same") ? "\n" : "; decided again, it is another one\n");
    context.out << printable(options.fleet)
                << (true_at(answer.body, "shadow") ? " (shadow: decided, not done)" : "") << ": ";
    const boost::json::array& lines = list_at(explanation, "text");
    if (lines.empty()) context.out << printable(text_at(explanation, "line")) << '\n';
    for (const boost::json::value& line : lines)
        context.out << printable(text_at(line, "")) << '\n';
    if (const std::string pause = spelled_pause(at(answer.body, "pause")); pause != "not paused")
        context.out << "  " << pause << '\n';
    co_return Exit::ok;
}

}  // namespace muster::ctl
