#include "orchestrator/layout_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

namespace muster::orchestrator {
namespace {

config::Backend backend(int number) {
    return {
        .id = BackendId("b" + std::to_string(number)),
        .address = "10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1),
        .port = 80};
}

config::GroupSpec make_group(const std::set<int>& numbers, std::optional<int> shard_size = {}) {
    config::GroupSpec group{.name = GroupName("web"), .shard_size = shard_size};
    for (const int number : numbers) group.backends.push_back(backend(number));
    std::ranges::sort(group.backends, {}, &config::Backend::id);
    return group;
}

std::set<int> range(int first, int last) {
    std::set<int> numbers;
    for (int number = first; number <= last; ++number) numbers.insert(number);
    return numbers;
}

/// Shard and slot of each backend that is not a tombstone.
std::map<BackendId, std::pair<int, int>> places(const Layout& layout) {
    std::map<BackendId, std::pair<int, int>> places;
    for (int shard = 0; shard < std::ssize(layout.shards); ++shard) {
        for (int slot = 0; slot < std::ssize(layout.shards[shard]); ++slot) {
            const znodes::Slot& held = layout.shards[shard][slot];
            if (held.tombstone) continue;
            EXPECT_TRUE(places.emplace(held.backend, std::pair(shard, slot)).second)
                << held.backend.str() << " sits in two slots";
        }
    }
    return places;
}

std::vector<std::size_t> sizes(const Layout& layout) {
    std::vector<std::size_t> sizes;
    for (const auto& shard : layout.shards) sizes.push_back(shard.size());
    return sizes;
}

/// What must hold of any plan.
void expect_sound(const LayoutPlan& plan,
                  const config::GroupSpec& group,
                  const std::optional<Layout>& before) {
    const auto after = places(plan.next);
    ASSERT_EQ(after.size(), group.backends.size());
    for (const config::Backend& each : group.backends) {
        const auto place = after.find(each.id);
        ASSERT_NE(place, after.end());
        const auto [shard, slot] = place->second;
        EXPECT_EQ(plan.next.shards[shard][slot].address, each.address + ":80");
    }
    for (const auto& shard : plan.next.shards) {
        EXPECT_LE(std::ssize(shard), plan.next.shard_size);
        EXPECT_FALSE(shard.empty());
    }
    const LayoutPlan again = plan_layout(plan.next.group_uid, group, plan.next);
    EXPECT_EQ(again.next, plan.next);
    EXPECT_TRUE(again.changed.empty());
    EXPECT_FALSE(again.compacted);
    EXPECT_EQ(again.reason, "");
    if (!before) return;

    EXPECT_EQ(plan.next.shard_size, before->shard_size);
    EXPECT_EQ(plan.next.number, before->number + (plan.compacted ? 1 : 0));
    if (plan.compacted) {
        EXPECT_NE(plan.reason, "");
        EXPECT_EQ(plan.changed, range(0, static_cast<int>(plan.next.shards.size()) - 1));
        return;
    }
    EXPECT_EQ(plan.reason.empty(), plan.changed.empty());
    ASSERT_GE(plan.next.shards.size(), before->shards.size());
    for (int shard = 0; shard < std::ssize(before->shards); ++shard) {
        const auto& was = before->shards[shard];
        const auto& is = plan.next.shards[shard];
        ASSERT_GE(is.size(), was.size());
        for (std::size_t slot = 0; slot < was.size(); ++slot) {
            EXPECT_EQ(is[slot].backend, was[slot].backend) << "a slot has changed hands";
        }
        EXPECT_EQ(plan.changed.contains(shard), is != was) << shard;
    }
}

TEST(LayoutPlan, DefaultShardSizeGrowsWithTheGroup) {
    EXPECT_EQ(default_shard_size(0), 16);
    EXPECT_EQ(default_shard_size(256), 16);
    EXPECT_EQ(default_shard_size(257), 64);
    EXPECT_EQ(default_shard_size(10'000), 64);
    EXPECT_EQ(default_shard_size(10'001), 256);
    EXPECT_EQ(default_shard_size(100'000), 256);
    EXPECT_EQ(default_shard_size(100'001), 1'024);
}

TEST(LayoutPlan, ANewGroupIsSpreadEvenly) {
    const config::GroupSpec group = make_group(range(1, 20));
    const LayoutPlan plan = plan_layout("g1", group, {});
    expect_sound(plan, group, {});
    EXPECT_EQ(plan.next.group_uid, "g1");
    EXPECT_EQ(plan.next.number, 1);
    EXPECT_EQ(plan.next.shard_size, 16);
    EXPECT_EQ(sizes(plan.next), (std::vector<std::size_t>{10, 10}));
    EXPECT_EQ(plan.changed, (std::set<int>{0, 1}));
    EXPECT_FALSE(plan.compacted);
    EXPECT_EQ(plan.reason, "created: 20 backends in 2 shards of 16");
}

TEST(LayoutPlan, AGroupWithoutBackendsHasNoShards) {
    const LayoutPlan plan = plan_layout("g1", make_group({}), {});
    EXPECT_EQ(plan.next, (Layout{.group_uid = "g1", .number = 1, .shard_size = 16, .shards = {}}));
    EXPECT_TRUE(plan.changed.empty());
}

TEST(LayoutPlan, ShardSizeIsFixedAtCreation) {
    auto group = make_group(range(1, 20), 5);
    const LayoutPlan created = plan_layout("g1", group, {});
    EXPECT_EQ(created.next.shard_size, 5);
    group.shard_size = 100;
    const LayoutPlan later = plan_layout("g1", group, created.next);
    EXPECT_TRUE(later.changed.empty());
    EXPECT_EQ(later.next, created.next);
}

TEST(LayoutPlan, ShardSizeStaysWithinItsBounds) {
    EXPECT_EQ(plan_layout("g1", make_group(range(1, 3), 0), {}).next.shard_size, 1);
    EXPECT_EQ(plan_layout("g1", make_group(range(1, 3), 1'025), {}).next.shard_size, 1'024);
    const LayoutPlan one = plan_layout("g1", make_group(range(1, 3), 1), {});
    EXPECT_EQ(sizes(one.next), (std::vector<std::size_t>{1, 1, 1}));
}

TEST(LayoutPlan, ARecreatedGroupStartsAnew) {
    const LayoutPlan first = plan_layout("g1", make_group(range(1, 20)), {});
    const LayoutPlan second = plan_layout("g2", make_group(range(11, 20)), first.next);
    EXPECT_EQ(second.next, plan_layout("g2", make_group(range(11, 20)), {}).next);
}

TEST(LayoutPlan, NewBackendsFillTheEmptiestShardsThenOpenOthers) {
    // Two shards of 4 with 3 slots each.
    const LayoutPlan created = plan_layout("g1", make_group(range(1, 6), 4), {});
    const LayoutPlan one = plan_layout("g1", make_group(range(1, 7), 4), created.next);
    expect_sound(one, make_group(range(1, 7), 4), created.next);
    EXPECT_EQ(sizes(one.next), (std::vector<std::size_t>{4, 3}));
    EXPECT_EQ(one.changed, (std::set<int>{0}));
    EXPECT_EQ(one.reason, "1 added");
    const LayoutPlan more = plan_layout("g1", make_group(range(1, 13), 4), one.next);
    EXPECT_EQ(sizes(more.next), (std::vector<std::size_t>{4, 4, 3, 2}));
    EXPECT_EQ(more.changed, (std::set<int>{1, 2, 3}));
}

TEST(LayoutPlan, ARemovedBackendLeavesATombstoneAndTakesItsSlotBack) {
    const LayoutPlan created = plan_layout("g1", make_group(range(1, 6), 4), {});
    const auto at = places(created.next).at(BackendId("b3"));
    auto rest = range(1, 6);
    rest.erase(3);
    const LayoutPlan removed = plan_layout("g1", make_group(rest, 4), created.next);
    EXPECT_TRUE(removed.next.shards[at.first][at.second].tombstone);
    EXPECT_EQ(removed.changed, (std::set<int>{at.first}));
    EXPECT_EQ(removed.reason, "1 removed");
    // Another one comes first: it doesn't get that slot.
    auto others = rest;
    others.insert(100);
    const LayoutPlan added = plan_layout("g1", make_group(others, 4), removed.next);
    EXPECT_NE(places(added.next).at(BackendId("b100")), at);
    others.insert(3);
    const LayoutPlan returned = plan_layout("g1", make_group(others, 4), added.next);
    EXPECT_EQ(places(returned.next).at(BackendId("b3")), at);
    EXPECT_EQ(returned.reason, "1 returned");
}

TEST(LayoutPlan, AChangedAddressKeepsItsSlot) {
    auto group = make_group(range(1, 6), 4);
    const LayoutPlan created = plan_layout("g1", group, {});
    group.backends[2].address = "2001:db8::7";
    group.backends[2].port = 8'080;
    const LayoutPlan plan = plan_layout("g1", group, created.next);
    const auto [shard, slot] = places(created.next).at(group.backends[2].id);
    EXPECT_EQ(plan.next.shards[shard][slot],
              (znodes::Slot{.backend = group.backends[2].id, .address = "[2001:db8::7]:8080"}));
    EXPECT_EQ(plan.changed, (std::set<int>{shard}));
    EXPECT_EQ(plan.reason, "1 with another address");
}

TEST(LayoutPlan, CompactsOnlyWhenMoreThanHalfAndTwoShardsWorthAreTombstones) {
    struct Row {
        const char* name;
        int total;
        int kept;
        bool compacted;
    };
    const Row rows[] = {
        {"exactly half", 16, 8, false},
        {"more than half, two shards' worth", 16, 7, true},
        {"more than half, but less than two shards' worth", 8, 1, false},
        {"all of two shards", 8, 0, true},
    };
    for (const Row& row : rows) {
        const LayoutPlan created = plan_layout("g1", make_group(range(1, row.total), 4), {});
        const auto group = make_group(range(1, row.kept), 4);
        const LayoutPlan plan = plan_layout("g1", group, created.next);
        EXPECT_EQ(plan.compacted, row.compacted) << row.name;
        expect_sound(plan, group, created.next);
    }
}

TEST(LayoutPlan, ACompactionKeepsTheOrderAndHasNoTombstones) {
    const LayoutPlan created = plan_layout("g1", make_group(range(1, 16), 4), {});
    const auto group = make_group({2, 5, 9, 13, 100}, 4);
    const LayoutPlan plan = plan_layout("g1", group, created.next);
    EXPECT_TRUE(plan.compacted);
    EXPECT_EQ(plan.next.number, 2);
    EXPECT_EQ(plan.reason, "compacted: 12 of 16 slots were tombstones");
    EXPECT_EQ(sizes(plan.next), (std::vector<std::size_t>{3, 2}));
    EXPECT_EQ(plan.changed, (std::set<int>{0, 1}));
    expect_sound(plan, group, created.next);
}

TEST(LayoutPlan, GarbageInTheTreeIsPutRight) {
    const auto group = make_group(range(1, 3), 4);
    const auto slot = [](int number, bool tombstone) {
        const config::Backend from = backend(number);
        return znodes::Slot{
            .backend = from.id, .address = from.address + ":80", .tombstone = tombstone};
    };
    // A backend three times over, more slots than a shard may have, a size out of bounds.
    const Layout garbage{.group_uid = "g1",
                         .number = 7,
                         .shard_size = 0,
                         .shards = {{slot(1, true), slot(1, false), slot(1, false)},
                                    {slot(9, false), slot(2, false)}}};
    const LayoutPlan plan = plan_layout("g1", group, garbage);
    EXPECT_EQ(plan.next.shard_size, 4);
    EXPECT_EQ(plan.next.number, 7);
    const auto where = places(plan.next);
    EXPECT_EQ(where.at(BackendId("b1")), std::pair(0, 1));
    EXPECT_EQ(where.at(BackendId("b2")), std::pair(1, 1));
    EXPECT_EQ(where.size(), 3U);
    EXPECT_TRUE(plan_layout("g1", group, plan.next).changed.empty());
}

TEST(LayoutPlan, BackendsKeepTheirPlaceThroughAnyHistory) {
    int compactions = 0;
    for (unsigned seed = 1; seed <= 12; ++seed) {
        std::mt19937 random(seed);
        const auto number = [&](int least, int most) {
            return std::uniform_int_distribution(least, most)(random);
        };
        const int shard_size = number(1, 20);
        std::optional<Layout> current;
        std::set<int> members = range(1, number(0, 60));
        // For life: as long as no compaction comes between.
        std::map<BackendId, std::pair<int, int>> home;
        for (int step = 0; step < 60; ++step) {
            const auto group = make_group(members, shard_size);
            const LayoutPlan plan = plan_layout("g1", group, current);
            expect_sound(plan, group, current);
            if (::testing::Test::HasFailure()) FAIL() << "seed " << seed << " step " << step;
            if (plan.compacted) {
                ++compactions;
                home.clear();
            }
            for (const auto& [id, place] : places(plan.next)) {
                EXPECT_EQ(home.try_emplace(id, place).first->second, place) << id.str();
            }
            current = plan.next;
            for (int n = number(0, 12); n > 0; --n) members.insert(number(1, 200));
            for (int n = number(0, 12); n > 0 && !members.empty(); --n) {
                members.erase(
                    std::next(members.begin(), number(0, static_cast<int>(members.size()) - 1)));
            }
        }
    }
    EXPECT_GT(compactions, 10);
}

TEST(LayoutPlan, TheOrderOfTheBackendsInARolloutCostsOnlyTheirShards) {
    // A rolling replacement, one backend at a time, writes one or two shards a step.
    auto members = range(1, 64);
    auto current = plan_layout("g1", make_group(members), {}).next;
    for (int step = 1; step <= 64; ++step) {
        members.erase(step);
        members.insert(1'000 + step);
        const auto group = make_group(members);
        const LayoutPlan plan = plan_layout("g1", group, current);
        if (!plan.compacted) EXPECT_LE(plan.changed.size(), 2U);
        current = plan.next;
    }
}

TEST(LayoutPlan, AHundredThousandBackendsArePlanned) {
    auto members = range(1, 100'000);
    const auto group = make_group(members);
    const LayoutPlan created = plan_layout("g1", group, {});
    EXPECT_EQ(created.next.shards.size(), 391U);
    for (const std::size_t size : sizes(created.next)) {
        EXPECT_GE(size, 255U);
        EXPECT_LE(size, 256U);
    }
    members.insert(100'001);
    const LayoutPlan grown = plan_layout("g1", make_group(members), created.next);
    EXPECT_EQ(grown.changed.size(), 1U);
}

}  // namespace
}  // namespace muster::orchestrator
