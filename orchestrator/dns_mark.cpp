#include "orchestrator/dns_mark.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/text_rules.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace muster::orchestrator {

namespace {

bool is_fit(const std::string& id, const znodes::DnsRecordKept& record) {
    const bool is_address = config::is_ipv4(record.address) || config::is_ipv6(record.address);
    return is_address && config::is_destination(record.address) &&
           config::rules::published_label(id).empty();
}

bool can_be_read(const znodes::DnsState& state) {
    return znodes::decode<znodes::DnsState>(znodes::encode(state), state.stamp.cluster).has_value();
}

/// Of all names together.
std::size_t records(const znodes::DnsStore& store) {
    std::size_t sum = store.last_good.size();
    for (const auto& [name, set] : store.last_good) sum += set.members.size();
    return sum;
}

}  // namespace

dnsupdate::StoreMark mark_of(const znodes::DnsStore& kept) {
    dnsupdate::StoreMark mark{.born = kept.born,
                              .revision = kept.revision,
                              .term = kept.term,
                              .longest_ttl = dnsupdate::Ttl(kept.longest_ttl)};
    for (const auto& [name, set] : kept.last_good) {
        if (!config::rules::published_name(name).empty()) continue;
        dnsupdate::RecordSet records{.ttl = set.ttl};
        for (const auto& [id, record] : set.members) {
            if (!is_fit(id, record)) continue;
            records.members.emplace(
                dnsupdate::MemberId(id),
                dnsupdate::Member{.address = record.address,
                                  .port = static_cast<std::uint16_t>(record.port),
                                  .priority = record.priority,
                                  .weight = record.weight});
        }
        if (!records.members.empty())
            mark.last_good.emplace(dnsupdate::DnsName(name), std::move(records));
    }
    return mark;
}

dnsupdate::StoreMark mark_in(const znodes::DnsState& state,
                             const std::string& store,
                             const std::set<std::string>& views) {
    const auto found = state.stores.find(store);
    dnsupdate::StoreMark mark =
        found == state.stores.end() ? dnsupdate::StoreMark{} : mark_of(found->second);
    if (!views.contains(store)) return mark;
    for (const auto& [name, known] : state.stores) {
        if (!views.contains(name)) continue;
        mark.born = mark.born || known.born;
        if (known.revision <= mark.revision) continue;
        mark.revision = known.revision;
        mark.term = known.term;
    }
    return mark;
}

znodes::DnsStore kept_form(const dnsupdate::StoreMark& mark) {
    znodes::DnsStore kept{.born = mark.born,
                          .revision = mark.revision,
                          .term = mark.term,
                          .longest_ttl = mark.longest_ttl.count()};
    for (const auto& [name, records] : mark.last_good) {
        znodes::DnsSetKept& set = kept.last_good[name.str()];
        set.ttl = records.ttl;
        for (const auto& [id, member] : records.members)
            set.members.emplace(id.str(),
                                znodes::DnsRecordKept{.address = member.address,
                                                      .port = member.port,
                                                      .priority = member.priority,
                                                      .weight = member.weight});
    }
    return kept;
}

znodes::DnsState state_to_extend(const Result<znodes::DnsState>& read,
                                 const znodes::DnsState& known,
                                 const std::string& store) {
    if (read) return *read;
    znodes::DnsState state = known;
    state.stores.erase(store);
    return state;
}

std::optional<znodes::DnsState> with_mark(znodes::DnsState state,
                                          const std::string& store,
                                          const dnsupdate::StoreMark& mark,
                                          const std::set<std::string>& configured) {
    znodes::DnsStore kept = kept_form(mark);
    const auto known = state.stores.find(store);
    if (known != state.stores.end() && known->second == kept) return std::nullopt;
    state.stores.insert_or_assign(store, std::move(kept));
    const auto is_foreign = [&](const auto& one) {
        return one.first != store && !configured.contains(one.first);
    };
    while (!can_be_read(state)) {
        if (std::erase_if(state.stores, is_foreign) > 0) continue;
        const auto largest = std::ranges::max_element(
            state.stores, {}, [](const auto& one) { return records(one.second); });
        if (records(largest->second) == 0) break;
        largest->second.last_good.clear();
    }
    return state;
}

}  // namespace muster::orchestrator
