#include "tests/sim/ownership.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::sim {

using namespace std::chrono_literals;
using znodes::Role;

namespace {

// Session timeout, two ticks, the new master's plan, and a second for slow links.
constexpr std::chrono::nanoseconds orphan_bound = 8s;
// How long a change of the configuration may take to reach every node's view.
constexpr std::chrono::nanoseconds config_lag = 10s;

}  // namespace

void Ownership::on_document(std::string_view node, const std::string& data, std::int32_t version) {
    Document& document = documents_[std::string(node)];
    document.version = version;
    document.changed = world_.clock.now();
    const auto decoded = znodes::decode<znodes::Assignment>(data, World::cluster);
    document.readable = decoded.has_value();
    document.incarnation = decoded ? decoded->incarnation : "";
    document.shards = decoded ? decoded->shards : std::vector<znodes::AssignedShard>{};
    changed_ = true;
}

void Ownership::on_index(const GroupName& group, const std::string* data) {
    const auto decoded = data != nullptr ? znodes::decode<znodes::GroupIndex>(*data, World::cluster)
                                         : Result<znodes::GroupIndex>(znodes::GroupIndex{});
    if (decoded) shards_[group] = decoded->shards;
}

int Ownership::shards_of(const GroupName& group) const {
    const auto known = shards_.find(group);
    return known == shards_.end() ? 0 : known->second;
}

bool Ownership::must_be_held(const ShardId& shard) const {
    const auto wanted = world_.groups.find(shard.group);
    return wanted != world_.groups.end() && wanted->second.spec &&
           world_.clock.now() - wanted->second.changed > config_lag &&
           shard.number < shards_of(shard.group);
}

void Ownership::settle(bool by_scene) {
    if (!std::exchange(changed_, false)) return;
    const SteadyTime now = world_.clock.now();
    std::map<ShardId, Holder> holders;
    std::map<ShardId, std::string> warm;
    for (const auto& [node, document] : documents_) {
        for (const znodes::AssignedShard& assigned : document.shards) {
            if (assigned.role == Role::warm) {
                warm[assigned.shard] = node;
                continue;
            }
            const Holder holder{.node = node,
                                .incarnation = document.incarnation,
                                .since = now,
                                .move = assigned.move};
            const auto [other, first] = holders.emplace(assigned.shard, holder);
            if (!first) {
                wrong(fmt::format(
                    "{} is held by {} and by {}", assigned.shard.str(), other->second.node, node));
            }
        }
    }
    for (auto& [shard, holder] : holders) {
        if (const auto next = warm.find(shard); next != warm.end()) holder.warm = next->second;
        const auto before = holders_.find(shard);
        if (before == holders_.end()) continue;
        if (before->second.node == holder.node &&
            before->second.incarnation == holder.incarnation) {
            holder.since = before->second.since;
        } else if (before->second.node != holder.node) {
            ++moves_;
            if (before->second.warm == holder.node && before->second.move != 0) ++planned_moves_;
        }
    }
    for (const auto& [shard, holder] : holders_) {
        if (holders.contains(shard) || by_scene || !must_be_held(shard)) continue;
        wrong(fmt::format("{} was taken from {} and given to nobody", shard.str(), holder.node));
    }
    holders_ = std::move(holders);
}

void Ownership::tick() {
    const SteadyTime now = world_.clock.now();
    const bool calm = world_.calm_for(orphan_bound);
    // Who leaves takes no office any more.
    const bool anyone = std::ranges::any_of(
        world_.nodes, [](const auto& item) { return !item.second->node().leaving(); });
    for (const auto& [group, wanted] : world_.groups) {
        for (int k = 0; k < shards_of(group); ++k) {
            const ShardId shard{.group = group, .number = k};
            const auto holder = holders_.find(shard);
            const bool alive = holder != holders_.end() && [&] {
                const auto host = world_.hosts.find(holder->second.node);
                return host != world_.hosts.end() &&
                       host->second.incarnation == holder->second.incarnation;
            }();
            if (alive || !must_be_held(shard) || !anyone) {
                orphaned_.erase(shard);
                continue;
            }
            const SteadyTime since = orphaned_.try_emplace(shard, now).first->second;
            if (calm && now - since > orphan_bound) {
                wrong(fmt::format("{} has had no living holder for {:.1f} s",
                                  shard.str(),
                                  std::chrono::duration<double>(now - since).count()));
            }
        }
    }
}

const Ownership::Document* Ownership::document(std::string_view node) const {
    const auto found = documents_.find(node);
    return found == documents_.end() ? nullptr : &found->second;
}

bool Ownership::holds(std::string_view node, const ShardId& shard) const {
    const auto holder = holders_.find(shard);
    return holder != holders_.end() && holder->second.node == node;
}

}  // namespace muster::sim
