#include "dnsupdate/operator_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::dnsupdate {

namespace {

/// Sentences about what has moved; more help nobody.
constexpr std::size_t most_told = 20;

std::string what_differs(const PlannedWrite& was, const PlannedWrite& now) {
    if (was.version != now.version || was.generation != now.generation) {
        return fmt::format(
            "its records were written meanwhile: they are of generation {}, and were of {}",
            now.generation - 1,
            was.generation - 1);
    }
    for (const auto& [id, member] : was.puts) {
        if (!now.puts.contains(id))
            return fmt::format("{} {} would not be published any more", id.str(), member.address);
    }
    for (const auto& [id, member] : now.puts) {
        const auto known = was.puts.find(id);
        if (known == was.puts.end())
            return fmt::format("{} {} would be published, too", id.str(), member.address);
        if (known->second != member)
            return fmt::format("{} would be published otherwise than the plan says", id.str());
    }
    for (const MemberId& id : was.removals) {
        if (!now.removals.contains(id))
            return fmt::format("{} would not be removed any more", id.str());
    }
    for (const MemberId& id : now.removals) {
        if (!was.removals.contains(id)) return fmt::format("{} would be removed, too", id.str());
    }
    if (was.moved_aside != now.moved_aside) return "others' records there have changed";
    return "its TTL or what is left of it would be another";
}

}  // namespace

PlanPolicy policy_of(const PlanRequest& request, PlanPolicy rounds) {
    constexpr int all = 100;
    rounds.removal_percent = all;
    rounds.hold_removals.clear();
    rounds.keep_orphans = true;
    rounds.adopt = request.adopt;
    rounds.empty = request.empty;
    return rounds;
}

Plan only_asked_for(Plan made, const PlanRequest& request) {
    if (request.names.empty()) return made;
    const auto is_other = [&](const auto& one) { return !request.names.contains(one.name); };
    std::erase_if(made.writes, is_other);
    std::erase_if(made.lines, is_other);
    return made;
}

void tell_what_waits(std::vector<PlanLine>& lines, const std::vector<PlanLine>& rounds) {
    std::map<std::pair<DnsName, std::string>, std::string> held;
    for (const PlanLine& line : rounds) {
        if (line.act == PlanLine::Act::hold)
            held.emplace(std::pair(line.name, line.what), line.why);
    }
    for (PlanLine& line : lines) {
        if (line.act == PlanLine::Act::hold || line.act == PlanLine::Act::leave) continue;
        const auto found = held.find(std::pair(line.name, line.what));
        if (found != held.end()) line.why += fmt::format(" (muster itself: {})", found->second);
    }
}

std::map<DnsName, PlannedWrite> planned(const std::vector<SetWrite>& writes) {
    std::map<DnsName, PlannedWrite> all;
    for (const SetWrite& write : writes) {
        PlannedWrite one{.name = write.name,
                         .version = write.version,
                         .generation = write.generation,
                         .ttl = write.after.ttl,
                         .empties = write.after.members.empty(),
                         .removals = write.removals};
        for (const MemberId& id : write.puts) one.puts.emplace(id, write.after.members.at(id));
        for (const Stray& stray : write.quarantined)
            one.moved_aside.emplace(stray.key, stray.version);
        all.emplace(write.name, std::move(one));
    }
    return all;
}

std::vector<std::string> moved_guards(const OperatorPlan& file, const OperatorPlan& now) {
    if (file.cluster != now.cluster)
        return {fmt::format(
            "the plan is of the cluster {}, and this is {}", file.cluster, now.cluster)};
    std::vector<std::string> moved;
    if (file.token != now.token)
        moved.push_back(
            fmt::format("the fence is {}-{} now, and was {}-{}: another office has begun",
                        now.token.era,
                        now.token.epoch,
                        file.token.era,
                        file.token.epoch));
    if (now.revision < file.revision)
        moved.push_back(fmt::format("the store is at revision {}, and was at {}: it was restored",
                                    now.revision,
                                    file.revision));
    std::set<DnsName> names;
    for (const auto& [name, write] : file.writes) names.insert(name);
    for (const auto& [name, write] : now.writes) names.insert(name);
    for (const DnsName& name : names) {
        const auto was = file.writes.find(name);
        const auto is = now.writes.find(name);
        if (was != file.writes.end() && is != now.writes.end() && was->second == is->second)
            continue;
        if (moved.size() == most_told) {
            moved.emplace_back("and more");
            break;
        }
        if (is == now.writes.end()) {
            moved.push_back(name.str() + ": nothing is to be written there any more");
        } else if (was == file.writes.end()) {
            moved.push_back(name.str() + ": is to be written, too, and is not in the plan");
        } else {
            moved.push_back(name.str() + ": " + what_differs(was->second, is->second));
        }
    }
    return moved;
}

std::string what_is_impossible(const PlanRequest& request,
                               const Desired& desired,
                               const Observed& observed) {
    const auto wanted = [&](const DnsName& name) -> const DesiredSet* {
        const auto set = desired.sets.find(name);
        return set == desired.sets.end() ? nullptr : &set->second;
    };
    for (const DnsName& name : request.adopt) {
        const DesiredSet* const set = wanted(name);
        if (set == nullptr)
            return fmt::format("no fleet publishes {}: only a name that one has can be adopted",
                               name.str());
        if (set->records.members.empty())
            return fmt::format(
                "nothing of {} is healthy enough to be published: to adopt it now would empty it",
                name.str());
    }
    for (const DnsName& name : request.empty) {
        const DesiredSet* const set = wanted(name);
        if (set != nullptr && !set->records.members.empty())
            return fmt::format(
                "{} has {} load balancers to be published, so it would be back at once: remove its "
                "entry from the fleet first",
                name.str(),
                set->records.members.size());
        if (!observed.sets.contains(name))
            return fmt::format("the store has no records of ours at {}", name.str());
    }
    for (const DnsName& name : request.names) {
        if (wanted(name) == nullptr && !observed.sets.contains(name))
            return fmt::format("{} is neither a name of a fleet nor one of ours in the store",
                               name.str());
    }
    return {};
}

}  // namespace muster::dnsupdate
