#include "tests/sim/probing.hpp"

#include "common/znodes/payloads.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::sim {

using namespace std::chrono_literals;

namespace {

// A quiet moment: time enough to hear of an assignment, read the status and start.
constexpr std::chrono::nanoseconds take_over = 3s;
constexpr std::chrono::nanoseconds tolerance = 300ms;

std::chrono::nanoseconds longest_gap(const config::CheckSpec& check) {
    return std::max({check.interval,
                     check.fast_interval.value_or(check.interval),
                     check.down_interval.value_or(check.interval)}) *
               9 / 8 +
           tolerance;
}

double seconds(std::chrono::nanoseconds span) {
    return std::chrono::duration<double>(span).count();
}

}  // namespace

void Probing::on_members(const ShardId& id, const std::string* data) {
    Shard& shard = shards_[id];
    std::set<std::string> addresses;
    std::string group_uid;
    if (data != nullptr) {
        const auto decoded = znodes::decode<znodes::ShardMembers>(*data, World::cluster);
        if (!decoded) return;
        group_uid = decoded->group_uid;
        for (const znodes::Slot& slot : decoded->slots) {
            if (!slot.tombstone) addresses.insert(slot.address);
        }
    }
    // Another group's checks have another phase.
    if (shard.addresses == addresses && shard.group_uid == group_uid) return;
    shard.addresses = std::move(addresses);
    shard.group_uid = std::move(group_uid);
    shard.changed = world_.clock.now();
    shard.taken_by.clear();
}

void Probing::tick() {
    const SteadyTime now = world_.clock.now();
    for (const auto& [id, holder] : ownership_.holders()) {
        const auto wanted = world_.groups.find(id.group);
        const auto shard = shards_.find(id);
        if (shard == shards_.end() || wanted == world_.groups.end() || !wanted->second.spec)
            continue;
        const auto garbage = vandalised_.find(id.group);
        if (now - wanted->second.changed < 15s ||
            (garbage != vandalised_.end() && now - garbage->second < 60s)) {
            shard->second.taken_by.clear();
            continue;
        }
        check_holder(id, shard->second, holder);
        check_strangers(id, shard->second, holder);
    }
}

void Probing::check_holder(const ShardId& id, Shard& shard, const Ownership::Holder& holder) {
    const SteadyTime now = world_.clock.now();
    const auto host = world_.hosts.find(holder.node);
    SimNode* node = world_.find(holder.node);
    if (host == world_.hosts.end() || node == nullptr || holder.incarnation.empty() ||
        host->second.incarnation != holder.incarnation) {
        shard.taken_by.clear();
        return;
    }
    if (node->clock().frozen()) {
        shard.taken_by.clear();
        return;
    }
    if (shard.taken_by != holder.incarnation || shard.taken_at < holder.since) {
        const bool quiet = host->second.calm_for(take_over, now) && world_.serving() &&
                           now - holder.since >= take_over && now - shard.changed >= take_over;
        if (!quiet) return;
        shard.taken_by = holder.incarnation;
        shard.taken_at = now;
    }
    const auto gap = longest_gap(world_.groups.at(id.group).spec->check);
    for (const std::string& address : shard.addresses) {
        const Backend& backend = world_.backends.at(address);
        if (!backend.active) continue;
        const auto by_holder = backend.probed_by.find(holder.node);
        const SteadyTime last =
            std::max({by_holder != backend.probed_by.end() ? by_holder->second : SteadyTime{},
                      shard.taken_at,
                      backend.active_since + take_over});
        if (now - last <= gap) continue;
        wrong(fmt::format(
            "{} of {} has not been probed by its holder {} for {:.2f} s, held for {:.2f} s, wanted "
            "for {:.2f} s, longest gap {:.2f} s",
            address,
            id.str(),
            holder.node,
            seconds(now - last),
            seconds(now - holder.since),
            seconds(now - backend.active_since),
            seconds(gap)));
    }
}

void Probing::check_strangers(const ShardId& id,
                              const Shard& shard,
                              const Ownership::Holder& holder) const {
    const SteadyTime now = world_.clock.now();
    if (!world_.serving()) return;
    for (const std::string& address : shard.addresses) {
        for (const auto& [node, when] : world_.backends.at(address).probed_by) {
            if (now - when > 500ms || node == holder.node || node == holder.warm) continue;
            const auto host = world_.hosts.find(node);
            if (host == world_.hosts.end() || !host->second.calm_for(take_over + 5s, now)) continue;
            if (now - holder.since < take_over || now - shard.changed < take_over) continue;
            // It may have been getting ready for a move that was called off a moment ago.
            if (const auto* document = ownership_.document(node);
                document != nullptr && now - document->changed < take_over) {
                continue;
            }
            wrong(fmt::format(
                "{} probes {} of {}, which {} holds", node, address, id.str(), holder.node));
        }
    }
}

}  // namespace muster::sim
