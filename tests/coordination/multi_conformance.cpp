// What Store promises about transactions, and how their errors are told apart.

#include "tests/coordination/store_world.hpp"

namespace muster::coordination {

class Multi : public StoreTest {
 protected:
    MultiOutcome multi(Store& store, std::vector<Op> ops) {
        return await(store.multi(std::move(ops)));
    }
};

TEST_P(Multi, AppliesAllOps) {
    const auto a = client();
    make(a->store(), "guard");
    make(a->store(), "old");
    const MultiOutcome done = multi(a->store(),
                                    {CheckOp{.path = at("guard"), .version = 0},
                                     CreateOp{.path = at("new"), .data = "made"},
                                     SetOp{.path = at("guard"), .data = "set"},
                                     DeleteOp{.path = at("old")}});
    ASSERT_TRUE(done.ok()) << done.error.message() << done.context;
    EXPECT_EQ(read(a->store(), "new").data, "made");
    EXPECT_EQ(read(a->store(), "guard").data, "set");
    EXPECT_FALSE(there(a->store(), "old"));
}

TEST_P(Multi, TellsWhatEachOpDid) {
    const auto a = client();
    make(a->store(), "p");
    const MultiOutcome done =
        multi(a->store(),
              {CheckOp{.path = at("p")},
               CreateOp{.path = at("p/n-"), .data = "", .mode = CreateMode::persistent_sequential},
               SetOp{.path = at("p"), .data = "x"}});
    ASSERT_TRUE(done.ok());
    ASSERT_EQ(done.ops.size(), 3U);
    EXPECT_EQ(done.ops[0].path, at("p"));
    EXPECT_EQ(done.ops[1].path, at("p/n-0000000000"));
    EXPECT_EQ(done.ops[2].path, at("p"));
    EXPECT_EQ(done.ops[2].stat.version, 1);
    EXPECT_TRUE(done.op_errors.empty());
    EXPECT_FALSE(done.fenced_off());
    EXPECT_FALSE(done.unknown());
}

TEST_P(Multi, AppliesNothingWhenOneOpFails) {
    const auto a = client();
    make(a->store(), "n", "before");
    make(a->store(), "victim");
    const MultiOutcome refused = multi(a->store(),
                                       {SetOp{.path = at("n"), .data = "after"},
                                        CreateOp{.path = at("new")},
                                        DeleteOp{.path = at("victim")},
                                        SetOp{.path = at("absent"), .data = "x"}});
    EXPECT_EQ(refused.error, Errc::no_node);
    EXPECT_EQ(refused.context, at("absent"));
    EXPECT_EQ(read(a->store(), "n").data, "before");
    EXPECT_EQ(read(a->store(), "n").stat.version, 0);
    EXPECT_FALSE(there(a->store(), "new"));
    EXPECT_TRUE(there(a->store(), "victim"));
}

TEST_P(Multi, LeavesNoTraceInStatsWhenRefused) {
    const auto a = client();
    make(a->store(), "p");
    make(a->store(), "p/x", "data");
    const Stat parent = read(a->store(), "p").stat;
    const Stat child = read(a->store(), "p/x").stat;
    EXPECT_FALSE(multi(a->store(),
                       {CreateOp{.path = at("p/y")},
                        SetOp{.path = at("p/x"), .data = "one"},
                        SetOp{.path = at("p/x"), .data = "two"},
                        DeleteOp{.path = at("p/x")},
                        CheckOp{.path = at("absent")}})
                     .ok());
    EXPECT_EQ(read(a->store(), "p").stat, parent);
    EXPECT_EQ(read(a->store(), "p/x").stat, child);
    EXPECT_EQ(read(a->store(), "p/x").data, "data");
}

TEST_P(Multi, WithAStaleGuardIsFencedOff) {
    const auto a = client();
    make(a->store(), "epoch");
    make(a->store(), "n");
    write(a->store(), "epoch", "newer");
    const MultiOutcome refused =
        multi(a->store(),
              {CheckOp{.path = at("epoch"), .version = 0}, SetOp{.path = at("n"), .data = "x"}});
    EXPECT_EQ(refused.error, Errc::bad_version);
    EXPECT_TRUE(refused.fenced_off());
    EXPECT_EQ(refused.op_errors,
              (std::vector<std::error_code>{Errc::bad_version, Errc::rolled_back}));
    EXPECT_EQ(read(a->store(), "n").stat.version, 0);
}

TEST_P(Multi, WhoseGuardIsGoneIsFencedOff) {
    const auto a = client();
    make(a->store(), "n");
    const MultiOutcome refused =
        multi(a->store(), {CheckOp{.path = at("gone")}, SetOp{.path = at("n"), .data = "x"}});
    EXPECT_EQ(refused.error, Errc::no_node);
    EXPECT_TRUE(refused.fenced_off());
}

TEST_P(Multi, ThatLosesARaceBehindItsGuardIsNotFencedOff) {
    const auto a = client();
    make(a->store(), "epoch");
    make(a->store(), "n");
    write(a->store(), "n", "by another");
    const MultiOutcome refused = multi(a->store(),
                                       {CheckOp{.path = at("epoch"), .version = 0},
                                        SetOp{.path = at("n"), .data = "x", .version = 0}});
    EXPECT_EQ(refused.error, Errc::bad_version);
    EXPECT_EQ(refused.context, at("n"));
    EXPECT_FALSE(refused.fenced_off());
    EXPECT_EQ(refused.op_errors,
              (std::vector<std::error_code>{Errc::rolled_back, Errc::bad_version}));
}

TEST_P(Multi, NamesTheOneOpThatFailed) {
    const auto a = client();
    make(a->store(), "exists");
    const MultiOutcome refused = multi(
        a->store(),
        {CreateOp{.path = at("x")}, CreateOp{.path = at("exists")}, CreateOp{.path = at("y")}});
    EXPECT_EQ(refused.error, Errc::node_exists);
    EXPECT_EQ(
        refused.op_errors,
        (std::vector<std::error_code>{Errc::rolled_back, Errc::node_exists, Errc::rolled_back}));
}

TEST_P(Multi, TellsEachKindOfRefusal) {
    const auto a = client();
    make(a->store(), "exists");
    make(a->store(), "full");
    make(a->store(), "full/child");
    make(a->store(), "brief", "", CreateMode::ephemeral);
    struct Row {
        Op op;
        Errc expected;
    };
    const std::vector<Row> rows{
        {CheckOp{.path = at("absent")}, Errc::no_node},
        {CheckOp{.path = at("exists"), .version = 7}, Errc::bad_version},
        {CreateOp{.path = at("exists")}, Errc::node_exists},
        {CreateOp{.path = at("absent/x")}, Errc::no_node},
        {CreateOp{.path = at("brief/x")}, Errc::no_children_for_ephemerals},
        {SetOp{.path = at("absent")}, Errc::no_node},
        {SetOp{.path = at("exists"), .data = "", .version = 7}, Errc::bad_version},
        {DeleteOp{.path = at("absent")}, Errc::no_node},
        {DeleteOp{.path = at("exists"), .version = 7}, Errc::bad_version},
        {DeleteOp{.path = at("full")}, Errc::not_empty},
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const MultiOutcome refused = multi(a->store(), {CheckOp{.path = root()}, rows[i].op});
        EXPECT_EQ(refused.error, rows[i].expected) << "row " << i << refused.error.message();
        EXPECT_FALSE(refused.fenced_off()) << "row " << i;
    }
}

TEST_P(Multi, SeesItsOwnEarlierOps) {
    const auto a = client();
    const MultiOutcome done = multi(a->store(),
                                    {CreateOp{.path = at("p")},
                                     CreateOp{.path = at("p/c")},
                                     SetOp{.path = at("p"), .data = "x", .version = 0},
                                     CheckOp{.path = at("p"), .version = 1}});
    EXPECT_TRUE(done.ok()) << done.error.message() << " " << done.context;
    EXPECT_TRUE(there(a->store(), "p/c"));
}

TEST_P(Multi, MayDeleteAndRecreateANode) {
    const auto a = client();
    make(a->store(), "n", "old");
    write(a->store(), "n", "older");
    const MultiOutcome done =
        multi(a->store(), {DeleteOp{.path = at("n")}, CreateOp{.path = at("n"), .data = "new"}});
    ASSERT_TRUE(done.ok());
    EXPECT_EQ(read(a->store(), "n").data, "new");
    EXPECT_EQ(read(a->store(), "n").stat.version, 0);
}

TEST_P(Multi, IsOneZxid) {
    const auto a = client();
    ASSERT_TRUE(multi(a->store(), {CreateOp{.path = at("x")}, CreateOp{.path = at("y")}}).ok());
    EXPECT_EQ(read(a->store(), "x").stat.created_zxid, read(a->store(), "y").stat.created_zxid);
}

TEST_P(Multi, OfChecksAloneAsksWithoutWriting) {
    const auto a = client();
    make(a->store(), "n");
    EXPECT_TRUE(multi(a->store(), {CheckOp{.path = at("n"), .version = 0}}).ok());
    EXPECT_TRUE(multi(a->store(), {CheckOp{.path = at("n"), .version = 1}}).fenced_off());
    EXPECT_EQ(read(a->store(), "n").stat.version, 0);
}

TEST_P(Multi, OfManyOpsIsApplied) {
    const auto a = client();
    std::vector<Op> ops;
    for (int i = 0; i < 500; ++i)
        ops.emplace_back(CreateOp{.path = at("n" + std::to_string(i)), .data = "x"});
    const MultiOutcome done = multi(a->store(), std::move(ops));
    ASSERT_TRUE(done.ok()) << done.error.message();
    EXPECT_EQ(done.ops.size(), 500U);
    EXPECT_EQ(await(a->store().children(root(), Watch::none))->names.size(), 500U);
}

TEST_P(Multi, MakesEphemeralsOfItsSession) {
    const auto a = client();
    ASSERT_TRUE(multi(a->store(),
                      {CheckOp{.path = root()},
                       CreateOp{.path = at("e"), .data = "", .mode = CreateMode::ephemeral}})
                    .ok());
    EXPECT_EQ(read(a->store(), "e").stat.ephemeral_owner, a->store().session().id);
}

INSTANTIATE_TEST_SUITE_P(On, Multi, testing::ValuesIn(services()), service_name);

}  // namespace muster::coordination
