#include "scaler/victims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace muster::scaler {
namespace {

using Zones = std::map<std::string, std::int64_t>;

Zones zones_of(const std::vector<VictimCandidate>& candidates) {
    Zones zones;
    for (const VictimCandidate& one : candidates) ++zones[one.zone];
    return zones;
}

/// What all are measured against.
struct Scale {
    std::int64_t busiest = 0;
    std::int64_t smallest_zone = 0;
    WallTime oldest{};
    WallTime youngest{};
};

Scale scale_of(const std::vector<VictimCandidate>& candidates, const Zones& zones) {
    Scale scale{
        .smallest_zone = std::ranges::min_element(zones, {}, &Zones::value_type::second)->second,
        .oldest = candidates.front().serving_since,
        .youngest = candidates.front().serving_since};
    for (const VictimCandidate& one : candidates) {
        scale.busiest = std::max(scale.busiest, one.connections.value_or(0));
        scale.oldest = std::min(scale.oldest, one.serving_since);
        scale.youngest = std::max(scale.youngest, one.serving_since);
    }
    return scale;
}

/// of / all * points, rounded down; in 128 bits, as connections come from outside.
std::int64_t share(std::int64_t of, std::int64_t all, std::int64_t points) {
    __extension__ using Wide = __int128;
    return all <= 0 ? 0 : static_cast<std::int64_t>(Wide{of} * points / all);
}

Victim score(const VictimCandidate& one, const Scale& scale, const Zones& zones) {
    const std::int64_t ill = one.healthy ? 0 : 2'000;
    const std::int64_t more = zones.at(one.zone) - scale.smallest_zone;
    const std::int64_t zone = 300 * std::min<std::int64_t>(more, 3);
    std::int64_t idle = 0;
    if (one.connections)
        idle = scale.busiest <= 0
                   ? 400
                   : 400 - share(std::max<std::int64_t>(*one.connections, 0), scale.busiest, 400);
    const std::int64_t old_spec = one.old_spec ? 200 : 0;
    const std::int64_t age = share(
        (scale.youngest - one.serving_since).count(), (scale.youngest - scale.oldest).count(), 100);
    Victim victim{.id = one.id, .score = ill + zone + idle + old_spec + age};
    victim.why = fmt::format(
        "{} = {} ({}) + {} (its zone has {} more than the smallest) + {} ({}) + {} "
        "({} spec) + {} (age)",
        victim.score,
        ill,
        one.healthy ? "healthy" : "not healthy",
        zone,
        more,
        idle,
        one.connections ? fmt::format("{} connections", *one.connections)
                        : std::string("connections unknown"),
        old_spec,
        one.old_spec ? "earlier" : "newest",
        age);
    return victim;
}

}  // namespace

std::vector<Victim> choose_victims(std::vector<VictimCandidate> candidates, std::size_t count) {
    std::vector<Victim> victims;
    while (victims.size() < count && !candidates.empty()) {
        const Zones zones = zones_of(candidates);
        const Scale scale = scale_of(candidates, zones);
        std::size_t best = 0;
        std::optional<Victim> chosen;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            Victim victim = score(candidates[i], scale, zones);
            if (chosen &&
                std::pair(-chosen->score, chosen->id) < std::pair(-victim.score, victim.id))
                continue;
            chosen = std::move(victim);
            best = i;
        }
        victims.push_back(*std::move(chosen));
        candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(best));
    }
    return victims;
}

}  // namespace muster::scaler
