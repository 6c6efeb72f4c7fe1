#include "ctl/tree.hpp"

#include "common/base/task_group.hpp"
#include "common/coordination/memory_store.hpp"
#include "common/znodes/payloads.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

namespace muster::ctl {
namespace {

using coordination::MemoryEnsemble;
using coordination::MemoryStore;

asio::awaitable<void> make(MemoryStore& store,
                           std::string cluster,
                           std::string uuid,
                           std::optional<Result<TreeMade>>& result) {
    result = co_await make_tree(store, znodes::Paths(cluster), std::move(uuid));
}

asio::awaitable<void> make_or_refuse(MemoryStore& store,
                                     std::string uuid,
                                     std::optional<Result<TreeMade>>& result) {
    result = co_await make_tree(
        store, znodes::Paths("test"), std::move(uuid), nullptr, OtherUuid::refuse);
}

asio::awaitable<void> look(MemoryStore& store,
                           std::optional<Result<std::vector<std::string>>>& doors) {
    doors = co_await find_open_doors(store, znodes::Paths("test"));
}

class Tree : public testing::Test {
 protected:
    Tree() {
        tasks_.spawn("first", first_.run());
        tasks_.spawn("second", second_.run());
    }
    ~Tree() override {
        tasks_.cancel();
        clock_.run_for(std::chrono::seconds(1));
    }

    Result<TreeMade> make(const std::string& uuid) {
        std::optional<Result<TreeMade>> result;
        tasks_.spawn("make", ctl::make(first_, "test", uuid, result));
        EXPECT_TRUE(clock_.run_for(std::chrono::minutes(1), [&] { return result.has_value(); }));
        return *result;
    }

    std::string cluster_in_control() {
        const auto* node = ensemble_.tree().find(paths_.control());
        if (!node) return {};
        return znodes::decode<znodes::Control>(node->data, "")->stamp.cluster;
    }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    MemoryEnsemble ensemble_{context_.get_executor(), clock_};
    MemoryStore first_{context_.get_executor(), clock_, ensemble_, {.client = "first"}};
    MemoryStore second_{context_.get_executor(), clock_, ensemble_, {.client = "second"}};
    TaskGroup tasks_{context_.get_executor()};
    znodes::Paths paths_{"test"};
};

TEST_F(Tree, IsMadeWithItsGuardAndItsUuid) {
    const auto made = make("uuid-1");
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(made->cluster, "uuid-1");
    EXPECT_GE(made->created, 15U);
    EXPECT_EQ(cluster_in_control(), "uuid-1");
    EXPECT_TRUE(ensemble_.tree().find(znodes::Paths::keep(paths_.epoch())));
}

TEST_F(Tree, IsLeftAsItIsBySecondInit) {
    ASSERT_TRUE(make("uuid-1"));
    const auto again = make("uuid-2");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->cluster, "uuid-1");
    EXPECT_EQ(again->created, 0U);
    EXPECT_EQ(cluster_in_control(), "uuid-1");
}

TEST_F(Tree, GetsWhatItLacks) {
    ASSERT_TRUE(make("uuid-1"));
    ensemble_.write({coordination::DeleteOp{.path = paths_.audit()}});
    const auto again = make("uuid-2");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->created, 1U);
    EXPECT_TRUE(ensemble_.tree().find(paths_.audit()));
}

TEST_F(Tree, OfABuildWithoutFleetsGetsThePlacesForThem) {
    ASSERT_TRUE(make("uuid-1"));
    const std::vector places = {paths_.heads(znodes::ConfigKind::fleet),
                                paths_.histories(znodes::ConfigKind::fleet)};
    for (const std::string& path : places) ensemble_.write({coordination::DeleteOp{.path = path}});
    const auto again = make("uuid-1");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->created, 2U);
    for (const std::string& path : places) EXPECT_TRUE(ensemble_.tree().find(path)) << path;
}

TEST_F(Tree, OfSomebodyElseIsRefused) {
    ensemble_.write({coordination::CreateOp{.path = "/muster"},
                     coordination::CreateOp{.path = paths_.root(), .data = "theirs"}});
    const auto made = make("uuid-1");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, TreeErrc::foreign_tree);
    EXPECT_FALSE(ensemble_.tree().find(paths_.epoch()));
}

TEST_F(Tree, WithGarbageInControlIsRefused) {
    ASSERT_TRUE(make("uuid-1"));
    ensemble_.write({coordination::SetOp{.path = paths_.control(), .data = "{"}});
    const auto made = make("uuid-1");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, TreeErrc::foreign_tree);
}

TEST_F(Tree, SurvivesLostReplies) {
    ASSERT_TRUE(clock_.run_for(std::chrono::seconds(5), [&] {
        return first_.session().state == coordination::SessionState::connected;
    }));
    // The one to the creation of /muster, and the one to the transaction behind it.
    ensemble_.lose_next_reply("first");
    int lost = 1;
    ensemble_.on_commit([&](const MemoryEnsemble::Commit& commit) {
        if (commit.client != "first" || lost == 2) return;
        ++lost;
        ensemble_.lose_next_reply("first");
    });
    const auto made = make("uuid-1");
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(lost, 2);
    EXPECT_EQ(made->cluster, "uuid-1");
    EXPECT_EQ(cluster_in_control(), "uuid-1");
}

TEST_F(Tree, OfAnotherUuidCanBeRefused) {
    ASSERT_TRUE(make("uuid-1"));
    ensemble_.write({coordination::DeleteOp{.path = paths_.audit()}});
    std::optional<Result<TreeMade>> result;
    tasks_.spawn("make", make_or_refuse(first_, "uuid-2", result));
    ASSERT_TRUE(clock_.run_for(std::chrono::minutes(1), [&] { return result.has_value(); }));
    ASSERT_FALSE(*result);
    EXPECT_EQ(result->error().code, TreeErrc::other_cluster);
    EXPECT_FALSE(ensemble_.tree().find(paths_.audit())) << "nothing was added to it";
}

TEST_F(Tree, IsOpenWithoutAcls) {
    // The in-memory twin has no ACLs: whoever comes may do everything, and that is said.
    ASSERT_TRUE(make("uuid-1"));
    const auto size = ensemble_.tree().size();
    std::optional<Result<std::vector<std::string>>> doors;
    tasks_.spawn("look", look(second_, doors));
    ASSERT_TRUE(clock_.run_for(std::chrono::minutes(1), [&] { return doors.has_value(); }));
    ASSERT_TRUE(*doors);
    EXPECT_EQ((*doors)->size(), 12U) << testing::PrintToString(**doors);
    EXPECT_EQ(ensemble_.tree().size(), size);
    for (const std::string& path : {std::string("/muster"), paths_.root(), paths_.epoch()}) {
        EXPECT_EQ(ensemble_.tree().find(path)->stat.version, 0) << path << " was written";
    }
}

TEST_F(Tree, OfTwoInitsAtOnceHasOneUuid) {
    std::optional<Result<TreeMade>> one;
    std::optional<Result<TreeMade>> two;
    tasks_.spawn("one", ctl::make(first_, "test", "uuid-1", one));
    tasks_.spawn("two", ctl::make(second_, "test", "uuid-2", two));
    ASSERT_TRUE(clock_.run_for(std::chrono::minutes(1), [&] { return one && two; }));
    ASSERT_TRUE(*one && *two);
    EXPECT_EQ((*one)->cluster, (*two)->cluster);
    EXPECT_EQ(cluster_in_control(), (*one)->cluster);
}

TEST(TreeUsers, DigestIsThatOfZooKeeper) {
    // From ZooKeeper's own DigestAuthenticationProvider.generateDigest("super:test").
    EXPECT_EQ(digest_id({.name = "super", .password = "test"}),
              "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
}

TEST(TreeUsers, NodesMayAllAgentsAndReadersRead) {
    const znodes::Paths paths("test");
    const auto acl = acl_for(TreeUsers{}, paths, paths.root());
    ASSERT_EQ(acl.size(), 3U);
    EXPECT_EQ(acl[0].permissions, 31);
    EXPECT_EQ(acl[1].permissions, 1);
    EXPECT_EQ(acl[2].permissions, 1);
    for (const std::string& path : {paths.agents(), paths.evidence()})
        EXPECT_EQ(acl_for(TreeUsers{}, paths, path)[1].permissions, 31) << path;
}

TEST(Uuid, IsFreshEachTime) {
    const std::string one = fresh_uuid();
    EXPECT_THAT(one,
                testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                      "[0-9a-f]{12}"));
    EXPECT_NE(one, fresh_uuid());
}

}  // namespace
}  // namespace muster::ctl
