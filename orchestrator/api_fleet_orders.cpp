#include "orchestrator/api_fleet_orders.hpp"

#include "common/config/scalar_shape.hpp"

#include <chrono>

namespace muster::orchestrator {
namespace {

using std::chrono::seconds;
using znodes::FleetPauseKind;

constexpr std::size_t longest_word = 32;
constexpr std::size_t longest_reason = 200;
constexpr seconds longest_pause = std::chrono::hours(24 * 365);

}  // namespace

FleetPauseChange read_fleet_pause(const FleetName& fleet, BodyReader& body) {
    FleetPauseChange change{.fleet = fleet, .kind = FleetPauseKind::all};
    if (const auto word = body.text("kind", longest_word)) {
        bool known = false;
        for (const auto kind : {FleetPauseKind::all, FleetPauseKind::in, FleetPauseKind::out}) {
            if (*word != to_string(kind)) continue;
            change.kind = kind;
            known = true;
        }
        if (!known) body.reject("kind", "must be all, in or out");
    }
    if (const auto text = body.text("for", longest_word)) {
        const auto span = config::parse_duration(*text);
        const auto whole = span ? std::chrono::floor<seconds>(*span) : seconds(0);
        if (!span || whole != *span || whole < seconds(1) || whole > longest_pause) {
            body.reject("for", "must be whole seconds from 1 s to 8760 h, like 90s or 30m");
        } else {
            change.lasts = whole;
        }
    }
    change.reason = read_reason(body);
    return change;
}

std::string read_reason(BodyReader& body) {
    return body.text("reason", longest_reason).value_or("");
}

}  // namespace muster::orchestrator
