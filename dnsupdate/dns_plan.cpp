#include "dnsupdate/dns_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>
#include <utility>

namespace muster::dnsupdate {

namespace {

using Act = PlanLine::Act;

std::string shown(const MemberId& id, const Member& member) {
    if (!member.text.empty()) return fmt::format("{} \"{}\"", id.str(), member.text);
    return member.port == 0 ? fmt::format("{} {}", id.str(), member.address)
                            : fmt::format("{} {} port {}", id.str(), member.address, member.port);
}

std::string difference(const ObservedMember& was, const Member& member, Ttl ttl) {
    std::vector<std::string> parts;
    const auto note = [&](std::string_view what, const auto& old_value, const auto& new_value) {
        if (old_value != new_value)
            parts.push_back(fmt::format("{} {} -> {}", what, old_value, new_value));
    };
    note("address", was.member.address, member.address);
    note("port", was.member.port, member.port);
    note("priority", was.member.priority, member.priority);
    note("weight", was.member.weight, member.weight);
    note("text", was.member.text, member.text);
    note("TTL", was.ttl.count(), ttl.count());
    return fmt::format("{}", fmt::join(parts, ", "));
}

class Planner {
 public:
    Planner(const Desired& desired,
            const Observed& observed,
            const PlanMemory& memory,
            const PlanPolicy& policy,
            SteadyTime now)
        : desired_(desired), observed_(observed), memory_(memory), policy_(policy), now_(now) {
        std::size_t records = 0;
        for (const auto& [name, set] : observed.sets) records += set.members.size();
        const auto share = records * static_cast<std::size_t>(policy.removal_percent) / 100;
        budget_ = policy.hold_removals.empty() ? std::max(1, static_cast<int>(share)) : 0;
        if (!policy.hold_removals.empty()) enough_ = policy.hold_removals;
    }

    Plan run() {
        sort_strays();
        for (const auto& [name, wanted] : desired_.sets) plan_wanted(name, wanted);
        for (const auto& [name, set] : observed_.sets) {
            if (!desired_.sets.contains(name)) plan_orphan(name, set);
        }
        std::ranges::sort(plan_.lines, {}, [](const PlanLine& line) {
            return std::tie(line.name, line.act, line.what);
        });
        plan_.writes.insert(plan_.writes.end(),
                            std::make_move_iterator(without_puts_.begin()),
                            std::make_move_iterator(without_puts_.end()));
        return std::move(plan_);
    }

 private:
    void say(Act act, const DnsName& name, std::string what, std::string why) {
        plan_.lines.push_back(
            {.act = act, .name = name, .what = std::move(what), .why = std::move(why)});
    }

    void add(SetWrite write) {
        (write.puts.empty() ? without_puts_ : plan_.writes).push_back(std::move(write));
    }

    /// Which strays are moved aside, with which set; the others are named and left.
    void sort_strays() {
        for (const Stray& stray : observed_.strays) {
            if (stray.at) {
                at_own_key_.emplace(*stray.at, &stray);
                const std::string& name = stray.at->str();
                const std::size_t dot = name.find('.');
                const DnsName parent(dot == std::string::npos ? "" : name.substr(dot + 1));
                // In a zone, unlike in etcd, a name below is no answer of the one above.
                if (stray.kind == Stray::Kind::foreign &&
                    std::ranges::find(stray.touches, parent) != stray.touches.end())
                    others_members_.emplace(parent, &stray);
            }
            if (const auto adopted = adopted_by(stray)) {
                to_adopt_[*adopted].push_back(&stray);
                continue;
            }
            const auto published = [&](const DnsName& name) {
                const auto wanted = desired_.sets.find(name);
                return wanted != desired_.sets.end() && !wanted->second.records.members.empty();
            };
            const auto harmed = std::ranges::find_if(stray.touches, published);
            const bool breaks =
                stray.kind == Stray::Kind::malformed &&
                (harmed != stray.touches.end() || (stray.at && published(*stray.at)));
            if (breaks && policy_.quarantine) {
                const DnsName& name = stray.at && published(*stray.at) ? *stray.at : *harmed;
                to_quarantine_[name].push_back(&stray);
                continue;
            }
            say(Act::leave,
                stray.touches.empty() ? stray.at.value_or(DnsName()) : stray.touches.front(),
                stray.key,
                stray.what);
        }
    }

    /// The name with which it is taken over: its own, or the one directly above.
    [[nodiscard]] std::optional<DnsName> adopted_by(const Stray& stray) const {
        if (stray.kind != Stray::Kind::foreign || !stray.at) return std::nullopt;
        for (const DnsName& name : policy_.adopt) {
            const auto wanted = desired_.sets.find(name);
            if (wanted == desired_.sets.end() || wanted->second.records.members.empty()) continue;
            if (*stray.at == name) return name;
            const bool answered = std::ranges::find(stray.touches, name) != stray.touches.end();
            const std::string& at = stray.at->str();
            const std::size_t dot = at.find('.');
            const bool below = dot != std::string::npos && at.substr(dot + 1) == name.str();
            if (answered && below && !desired_.sets.contains(*stray.at)) return name;
        }
        return std::nullopt;
    }

    /// May one more record go in this round?
    bool take_from_budget() {
        if (counted_ == budget_) {
            ++plan_.removals_held;
            return false;
        }
        ++counted_;
        ++plan_.removals;
        return true;
    }

    /// The same of a record that another one of the same write replaces.
    bool may_turn() {
        if (policy_.hold_removals.empty()) {
            ++plan_.removals;
            return true;
        }
        ++plan_.removals_held;
        return false;
    }

    [[nodiscard]] SetWrite begin_write(const DnsName& name, const ObservedSet& was) const {
        SetWrite write{.name = name, .version = was.version};
        if (was.anchor) write.generation = was.anchor->generation + 1;
        for (const auto& [id, member] : was.members) {
            write.before.members.emplace(id, member.member);
            write.before.ttl = member.ttl;
        }
        write.after = write.before;
        return write;
    }

    /// Without those that are unproven and not there.
    DesiredSet without_newcomers(const DnsName& name,
                                 const DesiredSet& asked,
                                 const ObservedSet& was) {
        DesiredSet rest = asked;
        for (const MemberId& id : asked.unproven) {
            if (was.members.contains(id)) continue;
            const auto member = rest.records.members.find(id);
            if (member != rest.records.members.end()) {
                say(Act::hold, name, shown(id, member->second), "nothing says yet that it serves");
                rest.records.members.erase(member);
            }
            rest.unproven.erase(id);
        }
        return rest;
    }

    void plan_wanted(const DnsName& name, const DesiredSet& asked) {
        static const ObservedSet nothing;
        const auto known = observed_.sets.find(name);
        const ObservedSet& was = known == observed_.sets.end() ? nothing : known->second;
        if (!policy_.restore && std::ranges::any_of(asked.unproven, [&](const MemberId& id) {
                return !was.members.contains(id);
            })) {
            plan_wanted(name, without_newcomers(name, asked, was));
            return;
        }
        const DesiredSet& wanted = asked;
        if (wanted.records.members.empty()) {
            plan_without(name, wanted, was);
            return;
        }
        SetWrite write = begin_write(name, was);
        if (const auto own = at_own_key_.find(name); own != at_own_key_.end()) {
            const Stray& stray = *own->second;
            const bool moved = (stray.kind == Stray::Kind::malformed && policy_.quarantine) ||
                               to_adopt_.contains(name);
            if (!moved) {
                say(Act::hold,
                    name,
                    "is not published",
                    fmt::format("{} is not ours ({}): `musterctl dns adopt {}` takes it over",
                                stray.key,
                                stray.what,
                                name.str()));
                return;
            }
            write.version = stray.version;
        }
        if (const auto others = others_members_.find(name); others != others_members_.end() &&
                                                            known == observed_.sets.end() &&
                                                            !to_adopt_.contains(name)) {
            say(Act::hold,
                name,
                "is not published",
                fmt::format(
                    "others publish it already, with {}: `musterctl dns adopt {}` takes it over",
                    others->second->key,
                    name.str()));
            return;
        }
        write.after.ttl = wanted.records.ttl;
        put_members(wanted, was, write);
        remove_members(wanted, was, write);
        if (const auto strays = to_quarantine_.find(name); strays != to_quarantine_.end()) {
            for (const Stray* const stray : strays->second) {
                say(Act::quarantine, name, stray->key, stray->what);
                write.quarantined.push_back(*stray);
            }
        }
        if (const auto strays = to_adopt_.find(name); strays != to_adopt_.end()) {
            for (const Stray* const stray : strays->second) {
                say(Act::adopt, name, stray->key, stray->what + "; it is moved aside");
                write.quarantined.push_back(*stray);
            }
        }
        const bool mark_is_lost = !was.anchor || !was.anchor_as_written;
        if (mark_is_lost && !was.members.empty())
            say(Act::mend, name, "its mark", "it is missing or not as we write it");
        if (write.puts.empty() && write.removals.empty() && write.quarantined.empty() &&
            !mark_is_lost)
            return;
        add(std::move(write));
    }

    /// A name of which nothing is healthy enough.
    void plan_without(const DnsName& name, const DesiredSet& wanted, const ObservedSet& was) {
        if (policy_.empty.contains(name) && !was.members.empty()) {
            empty(name, was, "an operator says so");
            return;
        }
        const auto last = policy_.last_good.find(name);
        if (was.members.empty() && last != policy_.last_good.end() &&
            !last->second.members.empty() && !at_own_key_.contains(name) &&
            !others_members_.contains(name)) {
            SetWrite write = begin_write(name, was);
            write.after = {.ttl = wanted.records.ttl, .members = last->second.members};
            for (const auto& [id, member] : write.after.members) {
                say(Act::add,
                    name,
                    shown(id, member),
                    "it served when any did; nothing is healthy, and the name has nothing else");
                write.puts.insert(id);
            }
            add(std::move(write));
            return;
        }
        say(Act::hold,
            name,
            was.members.empty() ? "nothing to publish"
                                : fmt::format("its {} records stay", was.members.size()),
            "nothing is healthy enough to be published, and a name is never emptied");
    }

    void empty(const DnsName& name, const ObservedSet& was, const std::string& why) {
        SetWrite write = begin_write(name, was);
        for (const auto& [id, member] : was.members) {
            say(Act::remove, name, shown(id, member.member), why);
            write.removals.insert(id);
            ++plan_.removals;
        }
        write.after.members.clear();
        say(Act::drop_name, name, "its mark", why);
        add(std::move(write));
    }

    void put_members(const DesiredSet& wanted, const ObservedSet& was, SetWrite& write) {
        for (const auto& [id, member] : wanted.records.members) {
            const auto known = was.members.find(id);
            if (known == was.members.end()) {
                say(Act::add, write.name, shown(id, member), "is in rotation");
            } else {
                const std::string what = difference(known->second, member, wanted.records.ttl);
                if (what.empty() && known->second.as_written) continue;
                if (known->second.member.address != member.address && !take_from_budget()) {
                    say(Act::hold, write.name, shown(id, member), enough_);
                    keep(id, known->second, wanted.records.ttl, write);
                    continue;
                }
                say(what.empty() ? Act::mend : Act::change,
                    write.name,
                    shown(id, member),
                    what.empty() ? "it is not as we write it" : what);
            }
            write.puts.insert(id);
            write.after.members.insert_or_assign(id, member);
        }
    }

    /// A record that stays for now has the TTL of its set.
    static void keep(const MemberId& id, const ObservedMember& known, Ttl ttl, SetWrite& write) {
        if (known.ttl != ttl || !known.as_written) write.puts.insert(id);
    }

    /// What shall have no traffic has as little as can be until its removal's turn comes.
    static void fade(const MemberId& id, const ObservedMember& known, SetWrite& write) {
        if (known.member.port == 0 || known.member.weight <= 1) return;
        write.puts.insert(id);
        write.after.members.at(id).weight = 1;
    }

    void remove_members(const DesiredSet& wanted, const ObservedSet& was, SetWrite& write) {
        auto newcomers = std::ranges::count_if(
            write.puts, [&](const MemberId& id) { return !was.members.contains(id); });
        for (const auto& [id, known] : was.members) {
            if (wanted.records.members.contains(id)) continue;
            const auto why = wanted.left_out.find(id);
            if (wanted.unproven.contains(id)) {
                say(Act::hold,
                    write.name,
                    shown(id, known.member),
                    "nothing says yet that it serves");
                keep(id, known, wanted.records.ttl, write);
                continue;
            }
            const bool turn = newcomers > 0 && wanted.resting.contains(id);
            if (turn) --newcomers;
            if (!(turn ? may_turn() : take_from_budget())) {
                say(Act::hold,
                    write.name,
                    shown(id, known.member),
                    "to be removed, but " + enough_);
                keep(id, known, wanted.records.ttl, write);
                if (wanted.resting.contains(id)) fade(id, known, write);
                continue;
            }
            say(Act::remove,
                write.name,
                shown(id, known.member),
                why == wanted.left_out.end() ? "is not known any more" : why->second);
            write.removals.insert(id);
            write.after.members.erase(id);
        }
    }

    void plan_orphan(const DnsName& name, const ObservedSet& set) {
        const auto seen = memory_.orphan_since.find(name);
        if (policy_.empty.contains(name)) {
            empty(name, set, "no fleet names it, and an operator says so");
            return;
        }
        if (policy_.keep_orphans) {
            if (seen != memory_.orphan_since.end()) plan_.memory.orphan_since.insert(*seen);
            say(Act::hold,
                name,
                "its records stay",
                fmt::format("no fleet names it; --empty {} removes it", name.str()));
            return;
        }
        if (!desired_.complete) {
            if (seen != memory_.orphan_since.end()) plan_.memory.orphan_since.insert(*seen);
            say(Act::hold, name, "its records stay", "not all fleets could be read");
            return;
        }
        const SteadyTime since = seen == memory_.orphan_since.end() ? now_ : seen->second;
        plan_.memory.orphan_since.emplace(name, since);
        const auto waited = std::chrono::floor<std::chrono::seconds>(now_ - since);
        if (waited < policy_.orphan_hold) {
            say(Act::hold,
                name,
                "its records stay",
                fmt::format("no fleet names it any more; removed in {} s",
                            (policy_.orphan_hold - waited).count()));
            return;
        }
        if (!policy_.hold_removals.empty()) {
            say(Act::hold, name, "its records stay", policy_.hold_removals);
            return;
        }
        SetWrite write = begin_write(name, set);
        for (const auto& [id, member] : set.members) {
            if (!take_from_budget()) continue;
            say(Act::remove, name, shown(id, member.member), "no fleet names it any more");
            write.removals.insert(id);
            write.after.members.erase(id);
        }
        if (write.after.members.empty()) {
            say(Act::drop_name, name, "its mark", "no fleet names it any more");
            plan_.memory.orphan_since.erase(name);
        } else if (write.removals.empty()) {
            return;
        }
        add(std::move(write));
    }

    const Desired& desired_;
    const Observed& observed_;
    const PlanMemory& memory_;
    const PlanPolicy& policy_;
    SteadyTime now_;
    int budget_ = 1;
    int counted_ = 0;  ///< against the budget
    std::string enough_ = "enough is removed in this round";
    std::map<DnsName, const Stray*> at_own_key_;
    std::map<DnsName, const Stray*> others_members_;
    std::map<DnsName, std::vector<const Stray*>> to_quarantine_;
    std::map<DnsName, std::vector<const Stray*>> to_adopt_;
    std::vector<SetWrite> without_puts_;
    Plan plan_;
};

}  // namespace

Plan plan(const Desired& desired,
          const Observed& observed,
          const PlanMemory& memory,
          const PlanPolicy& policy,
          SteadyTime now) {
    return Planner(desired, observed, memory, policy, now).run();
}

std::string_view to_string(PlanLine::Act act) {
    constexpr std::array<std::string_view, 9> words{
        "add", "change", "remove", "mend", "drop name", "quarantine", "adopt", "hold", "leave"};
    return words[static_cast<std::size_t>(act)];
}

}  // namespace muster::dnsupdate
