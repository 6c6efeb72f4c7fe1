#include "dnsupdate/last_good.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace muster::dnsupdate {

namespace {

// What JSON adds to the texts.
constexpr std::size_t around_a_name = 32;
constexpr std::size_t around_a_record = 40;
constexpr std::size_t max_bytes_of_all_stores = 128UZ << 10U;

std::size_t bytes_of(const DnsName& name, const RecordSet& set) {
    std::size_t bytes = name.str().size() + around_a_name;
    for (const auto& [id, member] : set.members)
        bytes += id.str().size() + member.address.size() + around_a_record;
    return bytes;
}

std::size_t bytes_of(const std::map<DnsName, RecordSet>& all) {
    std::size_t bytes = 0;
    for (const auto& [name, set] : all) bytes += bytes_of(name, set);
    return bytes;
}

void shrink(std::map<DnsName, RecordSet>& all, std::size_t max_bytes) {
    for (const std::size_t most : std::array<std::size_t, 4>{8, 4, 2, 1}) {
        if (bytes_of(all) <= max_bytes) return;
        for (auto& [name, set] : all) {
            while (set.members.size() > most) set.members.erase(std::prev(set.members.end()));
        }
    }
    for (std::size_t bytes = bytes_of(all); bytes > max_bytes;) {
        const auto last = std::prev(all.end());
        bytes -= bytes_of(last->first, last->second);
        all.erase(last);
    }
}

}  // namespace

std::size_t last_good_share(std::size_t stores) {
    return std::min(max_last_good_bytes, max_bytes_of_all_stores / std::max(stores, 1UZ));
}

std::map<DnsName, RecordSet> last_good(std::map<DnsName, RecordSet> before,
                                       const Desired& desired,
                                       const Observed& observed,
                                       std::size_t max_bytes) {
    if (desired.complete)
        std::erase_if(before, [&](const auto& one) { return !desired.sets.contains(one.first); });
    for (const auto& [name, wanted] : desired.sets) {
        const auto there = observed.sets.find(name);
        if (there == observed.sets.end()) continue;
        RecordSet proven{.ttl = wanted.records.ttl};
        for (const auto& [id, member] : wanted.records.members) {
            if (!wanted.unproven.contains(id) && there->second.members.contains(id))
                proven.members.emplace(id, member);
        }
        if (!proven.members.empty()) before.insert_or_assign(name, std::move(proven));
    }
    shrink(before, max_bytes);
    return before;
}

}  // namespace muster::dnsupdate
