#include "orchestrator/collection_plan.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using coordination::CheckOp;
using coordination::DeleteOp;

const znodes::Paths paths("c");
const GroupName web("web");
constexpr SteadyTime start{1h};

/// What a plan deletes, below the root; each transaction begins with the epoch's check.
std::vector<std::string> deleted(const CollectionPlan& plan) {
    std::vector<std::string> names;
    for (const Transaction& transaction : plan.transactions) {
        const auto* guard = std::get_if<CheckOp>(&transaction.ops.front());
        EXPECT_TRUE(guard != nullptr && guard->path == paths.epoch() && guard->version == 7);
        for (const auto& op : transaction.ops) {
            if (const auto* victim = std::get_if<DeleteOp>(&op))
                names.push_back(victim->path.substr(paths.root().size() + 1));
        }
    }
    return names;
}

ConfigTraces group_at(std::int64_t generation, std::vector<std::string> chunks) {
    ConfigTraces group;
    group.head = {
        .version = 3, .readable = true, .generation = generation, .chunks = std::move(chunks)};
    group.has_history = true;
    group.has_layout = true;
    return group;
}

class Collecting : public testing::Test {
 protected:
    std::vector<std::string> look(SteadyTime now) {
        const CollectionPlan plan = plan_collection(paths, 7, inventory, memory, now, settings);
        memory = plan.memory;
        return deleted(plan);
    }
    /// Now, and again after the grace.
    std::vector<std::string> look_twice() {
        auto first = look(start);
        auto second = look(start + settings.grace);
        first.insert(first.end(), second.begin(), second.end());
        return first;
    }

    ConfigInventory inventory;
    CollectionMemory memory;
    CollectionSettings settings{.kept_generations = 3, .kept_audit = 4};
};

using Names = std::vector<std::string>;

TEST_F(Collecting, AChunkThatNobodyNamesGoesAfterTheGrace) {
    inventory.objects[web] = group_at(1, {"a"});
    inventory.chunks = {"a", "b"};
    EXPECT_EQ(look(start), Names{});
    EXPECT_EQ(look(start + 10min - 1ns), Names{});
    EXPECT_EQ(look(start + 10min), Names{"config/chunks/b"});
}

TEST_F(Collecting, AChunkThatWasNamedMeanwhileHasItsGraceAgain) {
    inventory.objects[web] = group_at(1, {"a"});
    inventory.chunks = {"a", "b"};
    EXPECT_EQ(look(start), Names{});
    inventory.objects[web].head->chunks = {"a", "b"};
    EXPECT_EQ(look(start + 5min), Names{});
    inventory.objects[web].head->chunks = {"a"};
    EXPECT_EQ(look(start + 10min), Names{});
    EXPECT_EQ(look(start + 20min), Names{"config/chunks/b"});
}

TEST_F(Collecting, DeletionsOfChunksNoticeEveryHeadWrittenMeanwhile) {
    inventory.heads_version = 41;
    inventory.chunks = {"b"};
    (void)look(start);
    const CollectionPlan plan =
        plan_collection(paths, 7, inventory, memory, start + 10min, settings);
    ASSERT_EQ(plan.transactions.size(), 1U);
    const auto& guard = std::get<CheckOp>(plan.transactions[0].ops.at(1));
    EXPECT_EQ(guard.path, paths.chunks());
    EXPECT_EQ(guard.version, 41);
}

TEST_F(Collecting, ChunksOfKeptHistoryStayAndThoseOfOlderGo) {
    ConfigTraces& group = inventory.objects[web] = group_at(5, {"e"});
    for (const auto& [generation, chunk] :
         std::vector<std::pair<int, std::string>>{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}, {5, "e"}})
        group.history[generation] = Names{chunk};
    inventory.chunks = {"a", "b", "c", "d", "e"};
    EXPECT_EQ(look(start), (Names{"config/history/group/web/1", "config/history/group/web/2"}));
    group.history.erase(1);
    group.history.erase(2);
    EXPECT_EQ(look(start + 10min), (Names{"config/chunks/a", "config/chunks/b"}));
}

TEST_F(Collecting, WhatARolloutNamesStaysWithItsChunksHoweverOldItIs) {
    ConfigTraces& group = inventory.objects[web] = group_at(5, {"e"});
    for (const auto& [generation, chunk] :
         std::vector<std::pair<int, std::string>>{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}, {5, "e"}})
        group.history[generation] = Names{chunk};
    group.has_rollout = true;
    group.held = {1, 5};
    inventory.chunks = {"a", "b", "c", "d", "e"};
    EXPECT_EQ(look(start), (Names{"config/history/group/web/2"}));
    group.history.erase(2);
    EXPECT_EQ(look(start + 10min), (Names{"config/chunks/b"}));
}

TEST_F(Collecting, ARolloutThatCantBeReadMayNameAnyGenerationOfItsGroup) {
    ConfigTraces& group = inventory.objects[web] = group_at(5, {});
    for (int generation = 1; generation <= 5; ++generation) group.history[generation] = Names{};
    inventory.objects[GroupName("other")] = group;
    group.has_rollout = true;
    group.held = std::nullopt;
    EXPECT_EQ(look(start), (Names{"config/history/group/other/1", "config/history/group/other/2"}));
}

TEST_F(Collecting, ARolloutGoesWithTheTombstoneOfItsGroup) {
    ConfigTraces& group = inventory.objects[web] = group_at(2, {});
    group.head->deleted = true;
    group.has_layout = false;
    group.has_rollout = true;
    EXPECT_EQ(look_twice(),
              (Names{"config/group/web", "rollouts/web", "config/history/group/web"}));
}

TEST_F(Collecting, WhatCantBeReadMayNameAnything) {
    inventory.objects[web] = group_at(1, {"a"});
    inventory.chunks = {"a", "b"};
    inventory.objects[GroupName("garbled")].head = ReadHead{};
    EXPECT_EQ(look_twice(), Names{});
    inventory.objects.erase(GroupName("garbled"));
    inventory.objects[web].history[1] = std::nullopt;
    EXPECT_EQ(look_twice(), Names{});
}

TEST_F(Collecting, AGroupWithoutAReadableHeadKeepsItsHistoryAndWhatThatNames) {
    ConfigTraces& group = inventory.objects[web];
    group.has_history = true;
    for (int generation = 1; generation <= 5; ++generation)
        group.history[generation] = Names{std::to_string(generation)};
    inventory.chunks = {"3", "4", "5"};
    EXPECT_EQ(look_twice(), Names{});
    group.head = ReadHead{};
    EXPECT_EQ(look_twice(), Names{});
}

TEST_F(Collecting, ATombstoneGoesWithItsHistoryInOneTransactionOnceTheLayoutIsGone) {
    ConfigTraces& group = inventory.objects[web] = group_at(2, {});
    group.head->deleted = true;
    group.history[1] = Names{};
    group.history[2] = Names{};
    EXPECT_EQ(look_twice(), Names{});
    group.has_layout = false;
    EXPECT_EQ(look(start), Names{});
    const CollectionPlan plan =
        plan_collection(paths, 7, inventory, memory, start + 10min, settings);
    ASSERT_EQ(plan.transactions.size(), 1U);
    EXPECT_EQ(deleted(plan),
              (Names{"config/group/web",
                     "config/history/group/web/1",
                     "config/history/group/web/2",
                     "config/history/group/web"}));
    EXPECT_EQ(std::get<DeleteOp>(plan.transactions[0].ops.at(1)).version, 3);
}

TEST_F(Collecting, AFleetIsCollectedAsAGroupIsButHasNeitherChunksNorLayout) {
    ConfigTraces& fleet = inventory.objects[FleetName("edge")] = group_at(4, {});
    fleet.has_layout = false;
    for (int generation = 1; generation <= 4; ++generation) fleet.history[generation];
    EXPECT_EQ(look_twice(), (Names{"config/history/fleet/edge/1", "config/history/fleet/edge/1"}));
    fleet.history.erase(1);
    fleet.head->deleted = true;
    EXPECT_EQ(look_twice(),
              (Names{"config/fleet/edge",
                     "config/history/fleet/edge/2",
                     "config/history/fleet/edge/3",
                     "config/history/fleet/edge/4",
                     "config/history/fleet/edge"}));
}

TEST_F(Collecting, WhatAFleetHoldsNamesNoChunks) {
    inventory.objects[FleetName("edge")].head = ReadHead{};
    inventory.objects[FleetName("edge")].history[1] = std::nullopt;
    inventory.chunks = {"b"};
    EXPECT_EQ(look_twice(), Names{"config/chunks/b"});
}

TEST_F(Collecting, OfTheAuditTheNewestStay) {
    inventory.audit = {
        "e-0000000009", "e-0000000010", "e-0000000011", "e-0000000002", "e-0000000012", "foreign"};
    EXPECT_EQ(look(start), Names{"audit/e-0000000002"});
}

TEST_F(Collecting, ManyDeletionsAreSeveralTransactions) {
    for (int i = 0; i < 200; ++i) inventory.chunks.insert(fmt::format("{:03}", i));
    (void)look(start);
    const CollectionPlan plan =
        plan_collection(paths, 7, inventory, memory, start + 10min, settings);
    EXPECT_EQ(deleted(plan).size(), 200U);
    for (const Transaction& transaction : plan.transactions) EXPECT_LE(transaction.ops.size(), 66U);
}

TEST_F(Collecting, NothingToDoIsNoTransaction) {
    inventory.objects[web] = group_at(3, {"a"});
    for (int generation = 1; generation <= 3; ++generation)
        inventory.objects[web].history[generation] = Names{"a"};
    inventory.chunks = {"a"};
    EXPECT_EQ(look_twice(), Names{});
}

}  // namespace
}  // namespace muster::orchestrator
