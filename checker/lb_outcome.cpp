#include "checker/lb_outcome.hpp"

#include "checker/phase_outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace muster::checker {
namespace {

using Kind = config::LbPart::Kind;

constexpr std::size_t most_said = 512;

enum class Heard {
    well,
    ill,      ///< the LB answered, and something behind it is wrong
    late,     ///< connected, and no answer in time
    nothing,  ///< no LB
    unknown,
};

Heard heard(const config::LbPart& part, const ProbeOutcome& outcome) {
    switch (outcome.result) {
        case Result::success:
            return Heard::well;
        case Result::degraded:
            return Heard::ill;
        case Result::inconclusive:
            return Heard::unknown;
        case Result::failure:
            break;
    }
    if (part.kind != Kind::request) return Heard::nothing;
    if (outcome.reason == Reason::l7_status) return Heard::ill;
    const bool shook_hands = outcome.tls.count() > 0;
    if (shook_hands) return Heard::ill;
    return outcome.reason == Reason::l7_timeout ? Heard::late : Heard::nothing;
}

std::string in_words(const config::CompositePart& part, const ProbeOutcome& outcome) {
    std::string text = fmt::format("{}: {}", part.name, to_string(outcome.reason));
    if (outcome.code != 0) text += fmt::format(" {}", outcome.code);
    return text;
}

struct ListenerState {
    bool answered = false;
    bool unknown = false;
    bool late = false;
    std::optional<std::size_t> silent;  ///< the first part without an answer
};

}  // namespace

ProbeOutcome outcome_of_lb(const std::vector<config::CompositePart>& parts,
                           const std::vector<ProbeOutcome>& outcomes) {
    std::map<std::string, ListenerState> listeners;
    std::vector<std::size_t> wrong;  // in the order of the parts
    bool agent_vouches = false;
    std::chrono::microseconds total{0};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const config::LbPart part = parts[i].of_lb.value_or(config::LbPart{});
        const Heard said = heard(part, outcomes[i]);
        total = std::max(total, outcomes[i].total);
        if (said != Heard::well && said != Heard::unknown) wrong.push_back(i);
        if (part.kind == Kind::agent) {
            agent_vouches = said == Heard::well;
            continue;
        }
        ListenerState& listener = listeners[part.listener];
        listener.answered = listener.answered || said == Heard::well || said == Heard::ill;
        listener.unknown = listener.unknown || said == Heard::unknown;
        listener.late = listener.late || said == Heard::late;
        if ((said == Heard::nothing || said == Heard::late) && !listener.silent)
            listener.silent = i;
    }
    std::optional<std::size_t> failed;
    std::optional<std::size_t> unknown;
    for (const auto& [name, listener] : listeners) {
        if (listener.answered || (listener.late && agent_vouches)) continue;
        if (listener.unknown) {
            const auto mine = [&](std::size_t i) {
                return parts[i].of_lb && parts[i].of_lb->listener == name &&
                       parts[i].of_lb->kind != Kind::agent &&
                       outcomes[i].result == Result::inconclusive;
            };
            for (std::size_t i = 0; i < parts.size() && !unknown; ++i) {
                if (mine(i)) unknown = i;
            }
        } else if (listener.silent && (!failed || *listener.silent < *failed)) {
            failed = listener.silent;
        }
    }

    Result result = Result::success;
    std::size_t decides = 0;
    if (failed) {
        result = Result::failure;
        decides = *failed;
    } else if (unknown) {
        result = Result::inconclusive;
        decides = *unknown;
    } else if (!wrong.empty()) {
        result = Result::degraded;
        decides = wrong.front();
    }
    if (parts.empty()) return inconclusive(Reason::unknown);
    ProbeOutcome outcome = outcomes[decides];
    outcome.result = result;
    outcome.total = total;
    outcome.intent = {};
    outcome.said = {};
    std::string said;
    if (failed) said = in_words(parts[*failed], outcomes[*failed]);
    for (const std::size_t i : wrong) {
        if (failed && i == *failed) continue;
        said += (said.empty() ? "" : "; ") + in_words(parts[i], outcomes[i]);
    }
    if (said.size() > most_said) said.resize(most_said);
    if (!said.empty()) outcome.said = std::move(said);
    return outcome;
}

}  // namespace muster::checker
