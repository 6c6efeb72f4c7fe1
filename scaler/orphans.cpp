#include "scaler/orphans.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace muster::scaler {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 1) return std::nullopt;
    return value;
}

/// Listed, and no record has the name.
struct Strangers {
    std::vector<const Machine*> ours;    ///< their tokens prove it
    std::vector<const Machine*> others;  ///< and theirs don't
};

Strangers strangers_of(const Draft& draft, const Listing& listing) {
    Strangers strangers;
    for (const Machine& machine : listing.machines) {
        if (draft.view.instances.contains(machine.id) || draft.records.contains(machine.id))
            continue;
        const bool ours = proves_ours(draft.settings.uid, machine.token);
        (ours ? strangers.ours : strangers.others).push_back(&machine);
    }
    return strangers;
}

void tell_of(Draft& draft, const std::vector<const Machine*>& others) {
    constexpr std::size_t most_named = 5;
    if (others.empty()) return;
    std::vector<std::string_view> names;
    for (std::size_t n = 0; n < std::min(others.size(), most_named); ++n)
        names.emplace_back(others[n]->id.str());
    draft.say(fmt::format(
        "{}{} without a record at the provider: no token of this fleet proves that it "
        "made them, so they may be another cluster's or an earlier fleet's, and are "
        "left alone",
        fmt::join(names, ", "),
        others.size() > most_named ? fmt::format(" and {} more", others.size() - most_named)
                                   : std::string()));
}

void count(Draft& draft, const Listing& listing, const std::vector<const Machine*>& strangers) {
    auto& orphans = draft.state.orphans;
    std::set<InstanceId> listed;
    for (const Machine* const machine : strangers) {
        listed.insert(machine->id);
        if (!orphans.contains(machine->id) && orphans.size() >= znodes::max_orphan_sightings)
            continue;  // when some are gone
        auto [known, first] =
            orphans.try_emplace(machine->id, znodes::OrphanSighting{.first = listing.asked});
        if (first) draft.did(fmt::format("{} has no record", machine->id.str()));
        known->second.last = listing.asked;
        known->second.listings = std::min(known->second.listings + 1, 1'000);
    }
    std::erase_if(orphans, [&](const auto& orphan) {
        const bool over = !listed.contains(orphan.first) &&
                          (!orphan.second.condemned || *orphan.second.condemned < listing.asked);
        if (over) draft.did(fmt::format("{} is not listed as ours any more", orphan.first.str()));
        return over;
    });
    draft.state.listed = listing.asked;
}

bool may_be_condemned(Draft& draft, const Machine& machine) {
    const auto orphan = draft.state.orphans.find(machine.id);
    if (orphan == draft.state.orphans.end() || orphan->second.condemned) return false;
    if (!generation_of(draft.settings.fleet, machine.id.str())) {
        draft.say(
            fmt::format("{} is of this fleet at the provider, and its name isn't ours: it "
                        "is left alone",
                        machine.id.str()));
        return false;
    }
    const bool proven = orphan->second.listings >= 2 &&
                        orphan->second.last - orphan->second.first >= orphan_listings_apart &&
                        machine.age > orphan_age;
    const Sight& sight = draft.sight(machine.id);
    if (proven && !sight.out_of_dns)
        draft.say(
            fmt::format("{} has no record, and waits for DNS: {}", machine.id.str(), sight.in_dns));
    return proven && sight.out_of_dns;
}

}  // namespace

std::optional<std::int64_t> generation_of(const FleetName& fleet, std::string_view id) {
    const std::string prefix = fleet.str() + "-";
    if (!id.starts_with(prefix)) return std::nullopt;
    id.remove_prefix(prefix.size());
    const std::size_t dash = id.find('-');
    if (dash == std::string_view::npos || !number(id.substr(dash + 1))) return std::nullopt;
    return number(id.substr(0, dash));
}

bool proves_ours(std::string_view uid, std::string_view token) {
    return !uid.empty() && token.starts_with(uid) && token.substr(uid.size()).starts_with('.');
}

void collect_orphans(Draft& draft) {
    const auto& listing = draft.view.inventory.newest;
    if (!listing || draft.view.inventory.partial || !draft.view.reconciled) return;
    const auto [strangers, others] = strangers_of(draft, *listing);
    tell_of(draft, others);
    const bool is_new = !draft.state.listed || *draft.state.listed < listing->asked;
    if (is_new && (!strangers.empty() || !draft.state.orphans.empty()))
        count(draft, *listing, strangers);
    if (strangers.empty()) return;
    const std::size_t all = listing->machines.size() - others.size();
    const auto healthy = std::ranges::count_if(draft.view.instances, [&](const auto& item) {
        return item.second.phase == InstancePhase::serving &&
               draft.sight(item.first).verdict == Verdict::up;
    });
    const bool too_many = strangers.size() > largest_removal_count &&
                          strangers.size() * 100 > all * largest_removal_percent;
    // A tree that has lost its records begins anew, and all that serves looks like an orphan.
    if (too_many || std::cmp_greater(strangers.size(), healthy))
        return draft.say(
            fmt::format("{} of {} machines have no record: none is removed, as the "
                        "tree may be wrong",
                        strangers.size(),
                        all));
    if (draft.pause() != Pause::none) return draft.say("machines without a record stay: paused");
    if (draft.settings.shadow) return;
    for (const Machine* const machine : strangers) {
        if (!may_be_condemned(draft, *machine)) continue;
        if (std::ssize(draft.state.collected) >= draft.settings.orphans_per_hour)
            return draft.say("more machines without a record wait: so many were removed this hour");
        draft.state.orphans.at(machine->id).condemned = draft.now();
        draft.state.collected.push_back(draft.now());
        draft.starts = true;
        draft.did(fmt::format("{} is removed: it has no record", machine->id.str()));
    }
}

}  // namespace muster::scaler
