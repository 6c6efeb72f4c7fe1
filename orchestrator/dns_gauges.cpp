#include "orchestrator/dns_gauges.hpp"

#include <chrono>
#include <utility>

namespace muster::orchestrator {

namespace {

/// Names and parties that come and go leave a series each.
constexpr std::size_t most_shift_series = 4'000;

std::size_t differing(const dnsupdate::Round& round) {
    std::size_t count = 0;
    for (const auto& [name, wanted] : round.desired.desired.sets) {
        std::map<dnsupdate::MemberId, dnsupdate::Member> there;
        const auto set = round.observed.sets.find(name);
        if (set != round.observed.sets.end()) {
            for (const auto& [id, member] : set->second.members) there.emplace(id, member.member);
        }
        if (there != wanted.records.members) ++count;
    }
    return count;
}

double value_of(bool flag) {
    return flag ? 1 : 0;
}

}  // namespace

DnsGauges::Store& DnsGauges::store_of(const std::string& name) {
    const auto known = stores_.find(name);
    if (known != stores_.end()) return known->second;
    const metrics::Labels labels{{"store", name}};
    const auto gauge = [&](const char* metric, const char* help) {
        return &registry_.gauge(metric, help, labels);
    };
    const auto counter = [&](const char* metric, const char* help) {
        return &registry_.counter(metric, help, labels);
    };
    return stores_
        .emplace(
            name,
            Store{.publishing = gauge("muster_dns_publishing",
                                      "1 on the master whose fence the store of records has taken"),
                  .trouble = gauge("muster_dns_trouble",
                                   "1 while the store of records can't be read or written"),
                  .names = gauge("muster_dns_names", "Names that are to be published"),
                  .differing =
                      gauge("muster_dns_names_differing", "Names whose records are not as wanted"),
                  .removals_held =
                      gauge("muster_dns_removals_held", "Records whose removal waits its turn"),
                  .strays = gauge("muster_dns_strays",
                                  "Keys in the store that are not ours or can't be served"),
                  .counters =
                      {{"rounds",
                        counter("muster_dns_rounds_total", "Readings of the store of records")},
                       {"added", counter("muster_dns_records_put_total", "Records written")},
                       {"removed", counter("muster_dns_records_removed_total", "Records removed")},
                       {"conflicts",
                        counter("muster_dns_conflicts_total",
                                "Writes refused because someone else had written")},
                       {"fenced",
                        counter("muster_dns_fenced_total",
                                "Writes refused because the fence was another's")},
                       {"failures",
                        counter("muster_dns_failures_total",
                                "Rounds given up: the store did not answer, or refused")}},
                  .counted = {}})
        .first->second;
}

void DnsGauges::count(Store& store, const std::string& what, std::uint64_t value) {
    std::uint64_t& before = store.counted[what];
    if (value < before) before = 0;  // another term of office
    if (value > before) store.counters.at(what)->Increment(static_cast<double>(value - before));
    before = value;
}

void DnsGauges::take_shifts(const Snapshot& snapshot) {
    // Told by the master alone; elsewhere, and of what was forgotten: nothing, 0.
    const bool master = !snapshot.dns->stores.empty();
    for (metrics::Gauge* const gauge : of_shifts_) gauge->Set(0);
    for (const auto& [name, shift] : snapshot.shifts) {
        if (!master) break;
        const auto set =
            [&](const char* metric, const char* help, metrics::Labels labels, double value) {
                if (of_shifts_.size() >= most_shift_series) return;
                labels.emplace("name", name);
                metrics::Gauge& gauge = registry_.gauge(metric, help, labels);
                gauge.Set(value);
                of_shifts_.insert(&gauge);
            };
        for (const auto& [party, percent] : shift.now)
            set("muster_dns_shift_percent",
                "Of a name's traffic, that a fleet or zone shall have",
                {{"party", party}},
                percent);
        set("muster_dns_shift_under_way",
            "1 while traffic of the name is being shifted",
            {},
            value_of(shift.is_under_way()));
        set("muster_dns_shift_held",
            "1 while something forbids the next step of the shift",
            {},
            value_of(shift.phase == znodes::ShiftPhase::held));
        set("muster_dns_shift_rolled_back",
            "1 if the last shift of the name was undone by itself",
            {},
            value_of(shift.phase == znodes::ShiftPhase::rolling_back ||
                     shift.phase == znodes::ShiftPhase::rolled_back));
    }
}

void DnsGauges::take(const Snapshot& snapshot) {
    if (!snapshot.dns) return;
    take_shifts(snapshot);
    for (auto& [name, store] : stores_) {
        for (metrics::Gauge* const gauge : {store.publishing,
                                            store.trouble,
                                            store.names,
                                            store.differing,
                                            store.removals_held,
                                            store.strays})
            gauge->Set(0);
        if (snapshot.dns->stores.empty()) store.counted.clear();
    }
    for (const dnsupdate::UpdaterStatus& status : snapshot.dns->stores) {
        Store& store = store_of(status.provider);
        store.publishing->Set(value_of(status.stage == dnsupdate::Stage::publishing));
        store.trouble->Set(value_of(!status.trouble.empty()));
        const dnsupdate::UpdaterCounters& counters = status.counters;
        count(store, "rounds", counters.rounds);
        count(store, "added", counters.added);
        count(store, "removed", counters.removed);
        count(store, "conflicts", counters.conflicts);
        count(store, "fenced", counters.fenced);
        count(store, "failures", counters.failures);
        for (const dnsupdate::ServerState& server : status.servers) {
            const metrics::Labels labels{{"server", server.address}, {"store", status.provider}};
            registry_
                .gauge("muster_dns_server_right",
                       "1 while the DNS server answers what the store holds",
                       labels)
                .Set(value_of(server.asked && server.wrong.empty()));
            if (server.canary.health != dnsupdate::CanaryState::Health::unknown)
                registry_
                    .gauge("muster_dns_server_up",
                           "1 while the DNS server answers the canary record",
                           labels)
                    .Set(value_of(server.canary.health == dnsupdate::CanaryState::Health::up));
            if (server.shown)
                registry_
                    .gauge("muster_dns_visible_seconds",
                           "What the last change took to be seen at the DNS server",
                           labels)
                    .Set(std::chrono::duration<double>(*server.shown).count());
        }
        if (!status.round) continue;
        const dnsupdate::Round& round = *status.round;
        store.names->Set(static_cast<double>(round.desired.desired.sets.size()));
        store.differing->Set(static_cast<double>(differing(round)));
        store.removals_held->Set(round.removals_held);
        store.strays->Set(static_cast<double>(round.observed.strays.size()));
    }
}

}  // namespace muster::orchestrator
