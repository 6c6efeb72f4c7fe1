#include "checker/health_state.hpp"
#include "common/config/decode.hpp"
#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <optional>
#include <ostream>

// Past results through the state machine again, with the same or other thresholds: why was it DOWN,
// and would it have been with a fall of 5?
namespace muster::ctl {

namespace {

namespace json = boost::json;

std::optional<checker::ProbeOutcome> outcome_of(const json::value& one) {
    checker::ProbeOutcome outcome;
    const std::string word = text_at(one, "result");
    bool known = false;
    for (const checker::Result result : {checker::Result::success,
                                         checker::Result::degraded,
                                         checker::Result::failure,
                                         checker::Result::inconclusive}) {
        if (checker::to_string(result) != word) continue;
        outcome.result = result;
        known = true;
    }
    const auto reason = checker::reason_from(text_at(one, "reason"));
    if (!known || !reason) return std::nullopt;
    outcome.reason = *reason;
    return outcome;
}

checker::Verdict verdict_of(const std::string& word) {
    for (const checker::Verdict verdict :
         {checker::Verdict::up, checker::Verdict::degraded, checker::Verdict::down}) {
        if (checker::to_string(verdict) == word) return verdict;
    }
    return checker::Verdict::unknown;
}

/// What was known before the first result that is still there.
checker::HealthState state_before(const json::value& first, WallTime time) {
    checker::HealthState state{.verdict = verdict_of(text_at(first, "before.verdict")),
                               .since = time};
    const int pending = static_cast<int>(number_at(first, "before.pending").value_or(0));
    (state.verdict == checker::Verdict::down ? state.successes : state.failures) = pending;
    return state;
}

std::string counters(const checker::HealthState& state) {
    if (state.failures > 0) return fmt::format("{} failed", state.failures);
    if (state.successes > 0) return fmt::format("{} good", state.successes);
    return "";
}

}  // namespace

asio::awaitable<Exit> replay(Context& context, ReplayOptions options) {
    config::CheckSpec check;
    if (!options.group.empty()) {
        const config::Decoded decoded = config::decode(options.group);
        for (const config::Problem& problem : decoded.problems)
            context.err << "error: " << printable(config::to_string(problem)) << '\n';
        if (!decoded.problems.empty() || decoded.groups.size() != 1) co_return Exit::failed;
        check = decoded.groups.front().check;
    }
    if (options.rise > 0) check.rise = options.rise;
    if (options.fall > 0) check.fall = options.fall;

    boost::system::error_code not_json;
    const json::value recorded = json::parse(options.text, not_json);
    const json::array& list = not_json ? json::array{} : list_at(recorded, "recent.list");
    if (list.empty()) {
        context.err << "error: there are no results in it; record them with: "
                       "musterctl -o json why BACKEND\n";
        co_return Exit::failed;
    }
    checker::HealthState state;
    const checker::HealthPolicy policy = checker::policy_of(check);
    Table table({"TIME", "RESULT", "REASON", "COUNT", "STATE"});
    int changes = 0;
    int others = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto outcome = outcome_of(list[i]);
        const auto time = parse_time(text_at(list[i], "time"));
        if (!outcome || !time) {
            context.err << "error: result " << i + 1
                        << " is not one; it must have time, result and reason\n";
            co_return Exit::failed;
        }
        if (i == 0) state = state_before(list[0], *time);
        const checker::HealthStep step = checker::observe(state, *outcome, policy, *time);
        state = step.next;
        const bool changed = step.transition == checker::Transition::changed;
        changes += changed ? 1 : 0;
        const std::string then = text_at(list[i], "after.verdict");
        others += !then.empty() && then != checker::to_string(state.verdict) ? 1 : 0;
        table.add({{.text = text_at(list[i], "time")},
                   {.text = text_at(list[i], "result")},
                   {.text = text_at(list[i], "reason")},
                   {.text = counters(state)},
                   {.text = std::string(checker::to_string(state.verdict)) + (changed ? " *" : ""),
                    .tone = tone_of_state(checker::to_string(state.verdict))}});
    }
    context.out << table.render(context.colours)
                << fmt::format("\n{} results, {} changes of state (*), rise {}, fall {}\n",
                               list.size(),
                               changes,
                               check.rise,
                               check.fall);
    if (others > 0)
        context.out << fmt::format(
            "{} of them left another state then: other thresholds, or peers "
            "who did not confirm\n",
            others);
    co_return Exit::ok;
}

}  // namespace muster::ctl
