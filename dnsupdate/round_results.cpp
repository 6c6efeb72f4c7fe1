#include "dnsupdate/round_results.hpp"

#include <algorithm>

namespace muster::dnsupdate {

void bring_in(const std::vector<SetWrite>& done, Observed& read) {
    for (const SetWrite& write : done) {
        for (const Stray& stray : write.quarantined) std::erase(read.strays, stray);
        ObservedSet& set = read.sets[write.name];
        set.members.clear();
        for (const auto& [id, member] : write.after.members)
            set.members.emplace(id, ObservedMember{.member = member, .ttl = write.after.ttl});
        if (set.members.empty()) read.sets.erase(write.name);
    }
}

Observed with_unknown(const Observed& there,
                      const Plan& made,
                      const std::vector<WriteResult>& results) {
    Observed perhaps = there;
    for (const WriteResult& result : results) {
        if (result.outcome != Outcome::unknown) continue;
        for (const SetWrite& write : made.writes) {
            if (write.name != result.name) continue;
            for (const MemberId& id : write.puts) {
                ObservedMember& member = perhaps.sets[write.name].members[id];
                member.member = write.after.members.at(id);
                member.ttl = std::max(member.ttl, write.after.ttl);
            }
        }
    }
    return perhaps;
}

std::map<DnsName, RecordSet> published(const Observed& read) {
    std::map<DnsName, RecordSet> all;
    for (const auto& [name, set] : read.sets) {
        if (set.members.empty()) continue;
        RecordSet& records = all[name];
        records.ttl = set.members.begin()->second.ttl;
        for (const auto& [id, member] : set.members) records.members.emplace(id, member.member);
    }
    return all;
}

}  // namespace muster::dnsupdate
