#include "orchestrator/layout_plan.hpp"

#include "common/config/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <utility>

namespace muster::orchestrator {

namespace {

constexpr int largest_shard = 1'024;

struct Place {
    int shard = 0;
    int slot = 0;
};

znodes::Slot slot_for(const config::Backend& backend) {
    return {.backend = backend.id,
            .address = config::to_string({.host = backend.address, .port = backend.port}),
            .tombstone = false,
            .listed = backend.listed};
}

std::size_t shards_for(std::size_t backends, int shard_size) {
    const auto size = static_cast<std::size_t>(shard_size);
    return (backends + size - 1) / size;
}

/// Builds the next layout from the current one, in the order: removals, then those that stay or
/// return, then new ones.
class LayoutPlanner {
 public:
    explicit LayoutPlanner(Layout current) : plan_{.next = std::move(current), .changed = {}} {}

    LayoutPlan run(const config::GroupSpec& group) {
        std::unordered_map<BackendId, Place> places = find_places();
        std::vector<znodes::Slot> added;
        std::vector<std::vector<bool>> wanted;
        for (const auto& shard : plan_.next.shards) wanted.emplace_back(shard.size());
        for (const config::Backend& backend : group.backends) {
            const auto place = places.find(backend.id);
            if (place == places.end()) {
                added.push_back(slot_for(backend));
                continue;
            }
            wanted[place->second.shard][place->second.slot] = true;
            settle(place->second, slot_for(backend));
        }
        bury(wanted);
        if (should_compact()) return compact(added);
        append(added);
        explain(added.size());
        return std::move(plan_);
    }

 private:
    /// Where each backend sits or, if it has left, sat.
    [[nodiscard]] std::unordered_map<BackendId, Place> find_places() const {
        std::unordered_map<BackendId, Place> places;
        const auto& shards = plan_.next.shards;
        for (int shard = 0; shard < std::ssize(shards); ++shard) {
            for (int slot = 0; slot < std::ssize(shards[shard]); ++slot) {
                const znodes::Slot& held = shards[shard][slot];
                const auto [known, fresh] =
                    places.try_emplace(held.backend, Place{.shard = shard, .slot = slot});
                // Twice in the tree is none of our doing, but must not make it probed twice: a
                // live slot wins over a tombstone, else the first; bury() removes the other.
                if (!fresh && !held.tombstone &&
                    shards[known->second.shard][known->second.slot].tombstone) {
                    known->second = {.shard = shard, .slot = slot};
                }
            }
        }
        return places;
    }

    void settle(Place place, const znodes::Slot& wanted) {
        znodes::Slot& held = plan_.next.shards[place.shard][place.slot];
        if (held == wanted) return;
        ++(held.tombstone ? returned_ : readdressed_);
        held = wanted;
        plan_.changed.insert(place.shard);
    }

    void bury(const std::vector<std::vector<bool>>& wanted) {
        for (int shard = 0; shard < std::ssize(wanted); ++shard) {
            for (int slot = 0; slot < std::ssize(wanted[shard]); ++slot) {
                znodes::Slot& held = plan_.next.shards[shard][slot];
                ++slots_;
                if (wanted[shard][slot]) continue;
                ++tombstones_;
                if (held.tombstone) continue;
                ++removed_;
                held.tombstone = true;
                plan_.changed.insert(shard);
            }
        }
    }

    [[nodiscard]] bool should_compact() const {
        return 2 * tombstones_ > slots_ && tombstones_ >= 2 * plan_.next.shard_size;
    }

    LayoutPlan compact(const std::vector<znodes::Slot>& added) {
        std::vector<znodes::Slot> live;
        for (auto& shard : plan_.next.shards) {
            std::ranges::copy_if(
                shard, std::back_inserter(live), [](const auto& slot) { return !slot.tombstone; });
        }
        live.insert(live.end(), added.begin(), added.end());
        plan_.next.shards.clear();
        plan_.changed.clear();
        append(live);
        ++plan_.next.number;
        plan_.compacted = true;
        plan_.reason =
            fmt::format("compacted: {} of {} slots were tombstones", tombstones_, slots_);
        return std::move(plan_);
    }

    /// Into the emptiest of the shards that have room; what is left, evenly into new ones.
    void append(const std::vector<znodes::Slot>& added) {
        const std::size_t old_shards = plan_.next.shards.size();
        const std::size_t placed = fill(0, added, 0);
        plan_.next.shards.resize(old_shards +
                                 shards_for(added.size() - placed, plan_.next.shard_size));
        fill(old_shards, added, placed);
    }

    /// Returns how many of `added` are placed when every shard from `first_shard` on is full.
    std::size_t fill(std::size_t first_shard,
                     const std::vector<znodes::Slot>& added,
                     std::size_t placed) {
        using Fill = std::pair<std::size_t, int>;  // slots used, shard
        std::priority_queue<Fill, std::vector<Fill>, std::greater<>> room;
        const auto size = static_cast<std::size_t>(plan_.next.shard_size);
        auto& shards = plan_.next.shards;
        for (std::size_t shard = first_shard; shard < shards.size(); ++shard) {
            if (shards[shard].size() < size)
                room.emplace(shards[shard].size(), static_cast<int>(shard));
        }
        for (; placed < added.size() && !room.empty(); ++placed) {
            const int shard = room.top().second;
            room.pop();
            shards[shard].push_back(added[placed]);
            plan_.changed.insert(shard);
            if (shards[shard].size() < size) room.emplace(shards[shard].size(), shard);
        }
        return placed;
    }

    void explain(std::size_t added) {
        const auto say = [&](auto count, std::string_view what) {
            if (count == 0) return;
            plan_.reason += fmt::format("{}{} {}", plan_.reason.empty() ? "" : ", ", count, what);
        };
        say(added, "added");
        say(returned_, "returned");
        say(removed_, "removed");
        say(readdressed_, "with another address");
    }

    LayoutPlan plan_;
    int slots_ = 0;
    int tombstones_ = 0;
    int removed_ = 0;
    int returned_ = 0;
    int readdressed_ = 0;
};

int size_of_new_shards(const config::GroupSpec& group) {
    return std::clamp(
        group.shard_size.value_or(default_shard_size(group.backends.size())), 1, largest_shard);
}

}  // namespace

int default_shard_size(std::size_t backends) {
    if (backends <= 256) return 16;
    if (backends <= 10'000) return 64;
    if (backends <= 100'000) return 256;
    return largest_shard;
}

LayoutPlan plan_layout(const std::string& group_uid,
                       const config::GroupSpec& group,
                       std::optional<Layout> current) {
    if (current && current->group_uid == group_uid) {
        // What the tree says of it counts, not what the group says today; but it may be garbage.
        if (current->shard_size < 1 || current->shard_size > largest_shard) {
            current->shard_size = size_of_new_shards(group);
        }
        return LayoutPlanner(std::move(*current)).run(group);
    }
    LayoutPlan plan = LayoutPlanner({.group_uid = group_uid,
                                     .number = 1,
                                     .shard_size = size_of_new_shards(group),
                                     .shards = {}})
                          .run(group);
    plan.reason = fmt::format("created: {} backends in {} shards of {}",
                              group.backends.size(),
                              plan.next.shards.size(),
                              plan.next.shard_size);
    return plan;
}

}  // namespace muster::orchestrator
