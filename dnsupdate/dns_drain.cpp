#include "dnsupdate/dns_drain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::dnsupdate {

namespace {

std::chrono::nanoseconds later(const OutOfDns& one, const OutOfDns& other) {
    return std::max(one.left, other.left);
}

/// Does this record lead to the member? An SRV record names it, the others have its address.
bool leads_to(const DnsRecord& record,
              const DnsName& name,
              const MemberId& member,
              const std::string& address) {
    if (record.type == "SRV")
        return record.data.ends_with(" " + member.str() + "." + name.str() + ".");
    return !address.empty() && record.data == address;
}

}  // namespace

DnsDrain::DnsDrain(DrainPolicy policy, Ttl before)
    : policy_(std::move(policy)), before_(std::clamp(before, Ttl(0), longest_possible)) {
    for (const std::string& server : policy_.servers) servers_[server];
}

void DnsDrain::read(const Observed& store, SteadyTime now) {
    const bool first = !first_;
    if (first) {
        first_ = now;
        for (auto& [address, server] : servers_) {
            for (const auto& [name, set] : store.sets) server.unseen.insert(name);
            server.seen = now;
        }
    }
    for (auto& [name, known] : names_) {
        const auto set = store.sets.find(name);
        for (auto it = known.present.begin(); it != known.present.end();) {
            const bool there = set != store.sets.end() && set->second.members.contains(it->first);
            if (!there)
                known.leaving.insert_or_assign(it->first,
                                               Leaving{.gone = now,
                                                       .longest = it->second.longest,
                                                       .address = it->second.address,
                                                       .shown = {}});
            it = there ? std::next(it) : known.present.erase(it);
        }
        std::erase_if(known.leaving, [&](const auto& one) { return is_past(one.second, now); });
    }
    std::erase_if(names_, [](const auto& one) {
        return one.second.present.empty() && one.second.leaving.empty();
    });
    for (const auto& [name, set] : store.sets) {
        Name& known = names_[name];
        for (const auto& [id, member] : set.members) {
            Present& present = known.present[id];
            present.address = member.member.address;
            present.longest = std::max(present.longest, member.ttl);
            // It has come back.
            const auto left = known.leaving.find(id);
            if (left == known.leaving.end()) continue;
            present.longest = std::max(present.longest, left->second.longest);
            known.leaving.erase(left);
        }
    }
}

void DnsDrain::answered(const std::string& server,
                        const DnsName& name,
                        const std::vector<DnsRecord>& records,
                        SteadyTime asked) {
    const auto who = servers_.find(server);
    if (who == servers_.end() || !first_) return;
    if (asked >= *first_ && who->second.unseen.erase(name) > 0)
        who->second.seen = std::max(who->second.seen, asked);
    const auto known = names_.find(name);
    if (known == names_.end()) return;
    for (auto& [id, one] : known->second.leaving) {
        // An address that another member has now tells nothing.
        const bool another = std::ranges::any_of(known->second.present, [&](const auto& present) {
            return present.second.address == one.address;
        });
        const std::string& address = another ? std::string() : one.address;
        const bool there = std::ranges::any_of(
            records, [&](const DnsRecord& record) { return leads_to(record, name, id, address); });
        if (there) {
            one.shown.erase(server);
        } else if (asked >= one.gone) {
            one.shown.emplace(server, asked);
        }
    }
}

void DnsDrain::note_server(const std::string& server, bool fails, SteadyTime now) {
    const auto who = servers_.find(server);
    if (who == servers_.end()) return;
    // Until it answers right it may have answered stale.
    if (fails || who->second.fails) who->second.failed = now;
    who->second.fails = fails;
}

std::set<DnsName> DnsDrain::open(const std::string& server) const {
    const auto who = servers_.find(server);
    if (who == servers_.end()) return {};
    std::set<DnsName> names = who->second.unseen;
    for (const auto& [name, known] : names_) {
        const bool is_open = std::ranges::any_of(
            known.leaving, [&](const auto& one) { return !one.second.shown.contains(server); });
        if (is_open) names.insert(name);
    }
    return names;
}

/// The caches' time, from when the last server had dropped it.
OutOfDns DnsDrain::after(SteadyTime dropped, Ttl longest, SteadyTime now) const {
    SteadyTime until = dropped + longest + policy_.cache_floor;
    if (policy_.stale_always) until += policy_.stale_window;
    if (now < until)
        return {.why = fmt::format("caches may hold it for another {} s",
                                   std::chrono::ceil<std::chrono::seconds>(until - now).count()),
                .left = until - now};
    for (const auto& [address, server] : servers_) {
        const bool stale =
            server.fails || (server.failed && now < *server.failed + policy_.cache_floor);
        if (stale && now < until + policy_.stale_window)
            return {.why = fmt::format("{} does not answer from its store, and may answer stale",
                                       address)};
    }
    return {.out = true, .why = {}};
}

OutOfDns DnsDrain::judge(const Leaving& one, SteadyTime now) const {
    SteadyTime dropped = one.gone;
    for (const auto& [address, server] : servers_) {
        const auto shown = one.shown.find(address);
        if (shown == one.shown.end())
            return {.why = fmt::format("{} has not answered without it yet", address)};
        dropped = std::max(dropped, shown->second);
    }
    return after(dropped, one.longest, now);
}

OutOfDns DnsDrain::judge_unknown(SteadyTime now) const {
    if (!first_) return {.why = "the store has not been read yet"};
    SteadyTime dropped = *first_;
    for (const auto& [address, server] : servers_) {
        if (!server.unseen.empty())
            return {.why = fmt::format("{} has not been asked for all names yet", address)};
        dropped = std::max(dropped, server.seen);
    }
    return after(dropped, before_, now);
}

bool DnsDrain::is_past(const Leaving& one, SteadyTime now) const {
    return judge(one, now).out &&
           now >= one.gone + 2 * (one.longest + policy_.cache_floor) + policy_.stale_window;
}

OutOfDns DnsDrain::out(const MemberId& member, SteadyTime now) const {
    // What another master has removed isn't known by name.
    OutOfDns result = judge_unknown(now);
    if (!first_) return result;
    for (const auto& [name, known] : names_) {
        OutOfDns here{.out = true, .why = {}};
        if (known.present.contains(member)) {
            here = {.why = fmt::format("{} has its record", name.str()), .published = true};
        } else if (const auto one = known.leaving.find(member); one != known.leaving.end()) {
            here = judge(one->second, now);
            if (!here.out) here.why = name.str() + ": " + here.why;
        }
        if (here.out) continue;
        here.left = later(here, result);
        here.published = here.published || result.published;
        result = std::move(here);
    }
    return result;
}

std::map<MemberId, OutOfDns> DnsDrain::leaving(SteadyTime now, std::size_t most) const {
    std::map<MemberId, OutOfDns> all;
    const bool all_known = judge_unknown(now).out;
    for (const auto& [name, known] : names_) {
        for (const auto& [id, one] : known.leaving) {
            if (all.size() == most) return all;
            if (all.contains(id) || (all_known && judge(one, now).out)) continue;
            OutOfDns result = out(id, now);
            if (!result.out) all.emplace(id, std::move(result));
        }
    }
    return all;
}

Ttl DnsDrain::longest(SteadyTime now) const {
    Ttl longest = judge_unknown(now).out ? Ttl(0) : before_;
    for (const auto& [name, known] : names_) {
        for (const auto& [id, one] : known.present) longest = std::max(longest, one.longest);
        for (const auto& [id, one] : known.leaving) longest = std::max(longest, one.longest);
    }
    return longest;
}

}  // namespace muster::dnsupdate
