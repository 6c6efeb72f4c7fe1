#include "orchestrator/api_shift.hpp"

#include "common/config/scalar_shape.hpp"
#include "common/config/text_rules.hpp"
#include "common/follow/instance_group.hpp"
#include "orchestrator/api_body.hpp"
#include "orchestrator/api_json.hpp"
#include "orchestrator/api_routes.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace muster::orchestrator {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using znodes::TrafficShift;

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_word = 32;
constexpr seconds least_patience{5};

void read_span(
    BodyReader& body, std::string_view name, seconds& into, seconds least, seconds most) {
    const auto text = body.text(name, longest_word);
    if (!text) return;
    const auto span = config::parse_duration(*text);
    const auto whole = span ? std::chrono::floor<seconds>(*span) : seconds(-1);
    if (!span || whole != *span || whole < least || whole > most) {
        body.reject(name,
                    fmt::format("must be whole seconds from {} s to {} h, like 90s or 10m",
                                least.count(),
                                std::chrono::duration_cast<std::chrono::hours>(most).count()));
        return;
    }
    into = whole;
}

/// A fleet's entry of the name, for all locations.
const config::DnsEntry* entry_of(const FleetRow& fleet, const std::string& name) {
    const auto found = std::ranges::find_if(
        fleet.spec->dns, [&](const config::DnsEntry& entry) { return entry.name == name; });
    return found == fleet.spec->dns.end() ? nullptr : &*found;
}

std::set<std::string> zones_behind(const Snapshot& snapshot, const std::string& name) {
    std::set<std::string> zones;
    for (const FleetRow& fleet : snapshot.fleets) {
        if (entry_of(fleet, name) == nullptr) continue;
        const GroupRow* const group = snapshot.group(follow::instance_group(fleet.name()));
        if (group == nullptr) continue;
        for (const config::Backend& backend : group->spec->backends) zones.insert(backend.zone);
    }
    return zones;
}

std::string near(const std::string& text, const std::set<std::string>& all) {
    if (all.empty()) return {};
    const std::vector<std::string_view> words(all.begin(), all.end());
    return fmt::format("; the nearest is '{}'", nearest(text, words));
}

/// Those that shall have something are there, and answer side by side.
void check(const ShiftChange& change, const Snapshot& snapshot, BodyReader& body) {
    std::set<std::string> names;
    std::set<std::string> fleets;
    for (const FleetRow& fleet : snapshot.fleets) {
        for (const config::DnsEntry& entry : fleet.spec->dns) names.insert(entry.name);
        if (entry_of(fleet, change.name) != nullptr) fleets.insert(fleet.name().str());
    }
    if (!names.contains(change.name)) {
        body.reject("name", "is published by no fleet" + near(change.name, names));
        return;
    }
    const bool by_zone = change.wanted.by == znodes::ShiftBy::zone;
    std::set<std::string> known = by_zone ? zones_behind(snapshot, change.name) : fleets;
    if (known.erase("") > 0)
        body.reject("by",
                    "zone needs a zone of each load balancer behind the name, and some have none");
    const config::DnsEntry* first = nullptr;
    std::string first_party;
    for (const auto& [party, percent] : change.wanted.to) {
        const std::string path = "percent." + party;
        if (!known.contains(party)) {
            body.reject(path,
                        fmt::format("{}{}",
                                    by_zone ? "no load balancer behind the name is in such a zone"
                                            : "no such fleet publishes the name",
                                    near(party, known)));
            continue;
        }
        if (by_zone) continue;
        const config::DnsEntry* const entry =
            entry_of(*snapshot.fleet(FleetName(party)), change.name);
        if (first == nullptr) {
            first = entry;
            first_party = party;
        } else if (entry->priority != first->priority || entry->location != first->location) {
            body.reject(path,
                        fmt::format("publishes the name with priority {} and location '{}', and {} "
                                    "with {} and '{}': those that share must agree",
                                    entry->priority,
                                    entry->location,
                                    first_party,
                                    first->priority,
                                    first->location));
        }
    }
}

json::object json_of(const znodes::Percents& percents) {
    json::object out;
    for (const auto& [party, percent] : percents) out.emplace(party, percent);
    return out;
}

json::object parties_of(const std::string& name, const Snapshot& snapshot) {
    json::object parties;
    if (!snapshot.dns || snapshot.dns->stores.empty()) return parties;
    const auto& round = snapshot.dns->stores.front().round;
    if (!round) return parties;
    const auto shared = round->desired.shared.find(dnsupdate::DnsName(name));
    if (shared == round->desired.shared.end()) return parties;
    for (const auto& [party, about] : shared->second.parties)
        parties.emplace(party,
                        json::object{{"known", about.known},
                                     {"healthy", about.good},
                                     {"failing", about.failing},
                                     {"percent", about.percent}});
    return parties;
}

}  // namespace

ShiftAsked read_shift(std::string_view text, const Snapshot* snapshot) {
    BodyReader body(text);
    ShiftAsked asked;
    TrafficShift& wanted = asked.change.wanted;
    if (const auto name = body.text("name", longest_name)) {
        asked.change.name = *name;
        if (const std::string_view rule = config::rules::published_name(*name); !rule.empty())
            body.reject("name", std::string(rule));
    }
    if (const auto percents = body.percents("percent", znodes::max_shift_parties))
        wanted.to = *percents;
    if (const auto by = body.text("by", longest_word)) {
        if (*by == to_string(znodes::ShiftBy::zone)) wanted.by = znodes::ShiftBy::zone;
        if (*by != to_string(wanted.by)) body.reject("by", "must be fleet or zone");
    }
    read_span(body, "over", wanted.over, seconds(0), znodes::longest_shift);
    read_span(body, "interval", wanted.interval, seconds(1), znodes::longest_shift);
    read_span(body, "patience", wanted.patience, least_patience, znodes::longest_patience);
    if (wanted.interval > wanted.over && wanted.over > seconds(0))
        body.reject("interval", "must not be longer than 'over'");
    wanted.healthy_percent = body.whole("healthy_percent", 1, 100).value_or(wanted.healthy_percent);
    asked.problems = body.problems();
    const auto missing = [&](const char* field) {
        const bool said = std::ranges::any_of(asked.problems, [&](const config::Problem& problem) {
            return problem.path.starts_with(field) || problem.path.empty();
        });
        if (!said) asked.problems.push_back({.path = field, .what = "is required"});
    };
    if (asked.change.name.empty()) missing("name");
    if (wanted.to.empty()) missing("percent");
    if (!asked.problems.empty() || snapshot == nullptr) return asked;
    BodyReader about("");
    check(asked.change, *snapshot, about);
    asked.problems = about.problems();
    return asked;
}

json::object json_of(const std::string& name, const TrafficShift& shift) {
    return {{"name", name},
            {"by", to_string(shift.by)},
            {"phase", to_string(shift.phase)},
            {"under_way", shift.is_under_way()},
            {"from", json_of(shift.from)},
            {"to", json_of(shift.to)},
            {"now", json_of(shift.now)},
            {"step", shift.step},
            {"steps", shift.steps},
            {"over_seconds", shift.over.count()},
            {"interval_seconds", shift.interval.count()},
            {"patience_seconds", shift.patience.count()},
            {"healthy_percent", shift.healthy_percent},
            {"cancelled", shift.cancelled},
            {"why", shift.why},
            {"author", shift.author},
            {"asked", json_of(shift.asked)},
            {"since", json_of(shift.since)}};
}

void put_shifts(json::object& body, const View& view) {
    json::array shifts;
    for (const auto& [name, shift] : view.snapshot.shifts) {
        json::object row = json_of(name, shift);
        row["parties"] = parties_of(name, view.snapshot);
        shifts.push_back(std::move(row));
    }
    body["configured"] = view.snapshot.dns != nullptr;
    body["shifts"] = std::move(shifts);
}

}  // namespace muster::orchestrator
