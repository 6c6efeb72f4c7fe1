#include "common/znodes/intent.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace muster::znodes {

namespace {

using Wish = Intent::Wish;

/// Orders intents by how much they ask for: what takes out, before what takes less.
auto restriction(const Intent& intent) {
    const bool asks_out = intent.wish == Wish::drain || intent.wish == Wish::maintenance;
    constexpr int all = std::numeric_limits<int>::max();
    return std::tuple(intent.serving == Intent::Serving::down,
                      asks_out ? intent.wish : Wish::unsaid,
                      -intent.weight_percent.value_or(all),
                      intent.degraded,
                      -intent.maxconn.value_or(all));
}

std::optional<int> smaller(const std::optional<int>& one, const std::optional<int>& other) {
    if (!one || !other) return one ? one : other;
    return std::min(*one, *other);
}

const std::string& reason_of(const Intent& one, const Intent& other) {
    const auto first = restriction(one);
    const auto second = restriction(other);
    if (first == second) return one.reason.empty() ? other.reason : one.reason;
    return first > second ? one.reason : other.reason;
}

}  // namespace

Intent combined(const Intent& one, const Intent& other) {
    return {.serving = std::max(one.serving, other.serving),
            .wish = std::max(one.wish, other.wish),
            .degraded = one.degraded || other.degraded,
            .weight_percent = smaller(one.weight_percent, other.weight_percent),
            .maxconn = smaller(one.maxconn, other.maxconn),
            .reason = reason_of(one, other)};
}

Intent in_force(const SharedValue<Intents>& said, WallTime now) {
    if (!said) return {};
    return combined(in_force(said->reply, now), in_force(said->agent, now));
}

std::optional<WallTime> next_end(const SharedValue<Intents>& said, WallTime now) {
    std::optional<WallTime> end;
    if (!said) return end;
    for (const auto* leased : {&said->reply, &said->agent}) {
        if (holds(*leased, now)) end = std::min(end.value_or((*leased)->until), (*leased)->until);
    }
    return end;
}

}  // namespace muster::znodes
