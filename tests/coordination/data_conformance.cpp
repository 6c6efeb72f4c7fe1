// What Store promises about nodes: data, versions, children, sequence numbers, ephemerals.

#include "tests/coordination/store_world.hpp"

namespace muster::coordination {

class Data : public StoreTest {};

TEST_P(Data, NewNodeHasItsDataAndVersionZero) {
    const auto a = client();
    make(a->store(), "n", "hello");
    const Node node = read(a->store(), "n");
    EXPECT_EQ(node.data, "hello");
    EXPECT_EQ(node.stat.version, 0);
    EXPECT_EQ(node.stat.ephemeral_owner, 0);
}

TEST_P(Data, GetOfAnAbsentNodeSaysNoNode) {
    const auto a = client();
    const auto node = await(a->store().get(at("absent"), Watch::none));
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().code, Errc::no_node);
    EXPECT_NE(node.error().context.find("absent"), std::string::npos);
}

TEST_P(Data, SetRaisesTheVersionByOne) {
    const auto a = client();
    make(a->store(), "n");
    EXPECT_EQ(write(a->store(), "n", "one"), 1);
    EXPECT_EQ(write(a->store(), "n", "two"), 2);
    EXPECT_EQ(read(a->store(), "n").data, "two");
}

TEST_P(Data, SetWithTheNewestVersionIsApplied) {
    const auto a = client();
    make(a->store(), "n");
    write(a->store(), "n", "one");
    const auto done = await(set(a->store(), {.path = at("n"), .data = "two", .version = 1}));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->version, 2);
}

TEST_P(Data, SetWithAnOldVersionIsRefusedAndChangesNothing) {
    const auto a = client();
    make(a->store(), "n", "zero");
    write(a->store(), "n", "one");
    const auto refused = await(set(a->store(), {.path = at("n"), .data = "x", .version = 0}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::bad_version);
    EXPECT_EQ(read(a->store(), "n").data, "one");
}

TEST_P(Data, SetOfAnAbsentNodeSaysNoNode) {
    const auto a = client();
    const auto refused = await(set(a->store(), {.path = at("absent"), .data = "x"}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::no_node);
}

TEST_P(Data, SetReturnsTheStatAfterIt) {
    const auto a = client();
    make(a->store(), "n");
    const auto stat = await(set(a->store(), {.path = at("n"), .data = "x"}));
    ASSERT_TRUE(stat);
    EXPECT_EQ(*stat, read(a->store(), "n").stat);
}

TEST_P(Data, EmptyDataStaysEmpty) {
    const auto a = client();
    make(a->store(), "n", "something");
    write(a->store(), "n", "");
    EXPECT_EQ(read(a->store(), "n").data, "");
}

TEST_P(Data, AnyByteIsKept) {
    const auto a = client();
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    make(a->store(), "n", bytes);
    EXPECT_EQ(read(a->store(), "n").data, bytes);
}

TEST_P(Data, LargeDataComesBackWhole) {
    const auto a = client();
    const std::string large(200 * 1024, 'x');
    make(a->store(), "n", large);
    EXPECT_TRUE(read(a->store(), "n").data == large);
}

TEST_P(Data, ZxidsOrderAllChanges) {
    const auto a = client();
    make(a->store(), "first");
    make(a->store(), "second");
    write(a->store(), "first", "x");
    const Stat first = read(a->store(), "first").stat;
    const Stat second = read(a->store(), "second").stat;
    EXPECT_LT(first.created_zxid, second.created_zxid);
    EXPECT_LT(second.created_zxid, first.modified_zxid);
    EXPECT_EQ(second.created_zxid, second.modified_zxid);
}

TEST_P(Data, AfterASyncAClientSeesWhatAnotherWrote) {
    const auto a = client("a");
    const auto b = client("b");
    make(a->store(), "n", "from a");
    ASSERT_TRUE(await(b->store().sync(root())));
    EXPECT_EQ(read(b->store(), "n").data, "from a");
}

TEST_P(Data, CreateOfAnExistingNodeIsRefused) {
    const auto a = client();
    make(a->store(), "n", "old");
    const auto refused = await(create(a->store(), {.path = at("n"), .data = "new"}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::node_exists);
    EXPECT_EQ(read(a->store(), "n").data, "old");
}

TEST_P(Data, CreateWithoutAParentSaysNoNode) {
    const auto a = client();
    const auto refused = await(create(a->store(), {.path = at("absent/n")}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::no_node);
}

TEST_P(Data, CreateReturnsThePath) {
    const auto a = client();
    EXPECT_EQ(make(a->store(), "n"), at("n"));
}

TEST_P(Data, ExistsTellsTheStatOrNothing) {
    const auto a = client();
    EXPECT_FALSE(there(a->store(), "n"));
    make(a->store(), "n", "x");
    const auto stat = await(a->store().exists(at("n"), Watch::none));
    ASSERT_TRUE(stat && stat->has_value());
    EXPECT_EQ(**stat, read(a->store(), "n").stat);
}

TEST_P(Data, DeletedNodeIsGone) {
    const auto a = client();
    make(a->store(), "n");
    ASSERT_TRUE(await(remove(a->store(), {.path = at("n")})));
    EXPECT_FALSE(there(a->store(), "n"));
}

TEST_P(Data, DeleteOfAnAbsentNodeSaysNoNode) {
    const auto a = client();
    const auto refused = await(remove(a->store(), {.path = at("absent")}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::no_node);
}

TEST_P(Data, DeleteWithAnOldVersionIsRefused) {
    const auto a = client();
    make(a->store(), "n");
    write(a->store(), "n", "x");
    const auto refused = await(remove(a->store(), {.path = at("n"), .version = 0}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::bad_version);
    EXPECT_TRUE(there(a->store(), "n"));
}

TEST_P(Data, DeleteOfANodeWithChildrenIsRefused) {
    const auto a = client();
    make(a->store(), "n");
    make(a->store(), "n/child");
    const auto refused = await(remove(a->store(), {.path = at("n")}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::not_empty);
}

TEST_P(Data, ARecreatedNodeStartsAtVersionZeroSoGuardsMustNotBeDeleted) {
    const auto a = client();
    make(a->store(), "n");
    write(a->store(), "n", "x");
    ASSERT_TRUE(await(remove(a->store(), {.path = at("n")})));
    make(a->store(), "n");
    EXPECT_EQ(read(a->store(), "n").stat.version, 0);
}

// --- children ------------------------------------------------------------------------------------

class ChildrenOf : public StoreTest {};

TEST_P(ChildrenOf, AreSortedNamesWithoutThePath) {
    const auto a = client();
    for (const char* name : {"c", "a", "b"}) make(a->store(), name);
    const auto children = await(a->store().children(root(), Watch::none));
    ASSERT_TRUE(children);
    EXPECT_EQ(children->names, (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(children->stat.children, 3);
}

TEST_P(ChildrenOf, AnAbsentNodeSaysNoNode) {
    const auto a = client();
    const auto children = await(a->store().children(at("absent"), Watch::none));
    ASSERT_FALSE(children);
    EXPECT_EQ(children.error().code, Errc::no_node);
}

TEST_P(ChildrenOf, ALeafAreNone) {
    const auto a = client();
    make(a->store(), "leaf");
    const auto children = await(a->store().children(at("leaf"), Watch::none));
    ASSERT_TRUE(children);
    EXPECT_TRUE(children->names.empty());
}

TEST_P(ChildrenOf, AreCountedInTheParentsChildrenVersionWhenMadeAndWhenDeleted) {
    const auto a = client();
    make(a->store(), "p");
    make(a->store(), "p/x");
    make(a->store(), "p/y");
    ASSERT_TRUE(await(remove(a->store(), {.path = at("p/x")})));
    const Stat parent = read(a->store(), "p").stat;
    EXPECT_EQ(parent.children_version, 3);
    EXPECT_EQ(parent.children, 1);
    EXPECT_EQ(parent.version, 0);
}

TEST_P(ChildrenOf, LeaveTheParentAloneWhenTheirDataChanges) {
    const auto a = client();
    make(a->store(), "p");
    make(a->store(), "p/x");
    const Stat before = read(a->store(), "p").stat;
    write(a->store(), "p/x", "new");
    EXPECT_EQ(read(a->store(), "p").stat, before);
}

// --- sequential ----------------------------------------------------------------------------------

class Sequential : public StoreTest {};

TEST_P(Sequential, NodesCountFromZeroWithTenDigits) {
    const auto a = client();
    make(a->store(), "p");
    const auto mode = CreateMode::persistent_sequential;
    EXPECT_EQ(make(a->store(), "p/n-", "", mode), at("p/n-0000000000"));
    EXPECT_EQ(make(a->store(), "p/n-", "", mode), at("p/n-0000000001"));
}

TEST_P(Sequential, NumbersAreUsedUpByEverySiblingThatIsMade) {
    const auto a = client();
    make(a->store(), "p");
    make(a->store(), "p/plain");
    EXPECT_EQ(make(a->store(), "p/n-", "", CreateMode::persistent_sequential),
              at("p/n-0000000001"));
}

TEST_P(Sequential, NumbersAreNotGivenTwice) {
    const auto a = client();
    make(a->store(), "p");
    const auto mode = CreateMode::persistent_sequential;
    ASSERT_TRUE(await(remove(a->store(), {.path = make(a->store(), "p/n-", "", mode)})));
    EXPECT_EQ(make(a->store(), "p/n-", "", mode), at("p/n-0000000001"));
}

TEST_P(Sequential, NamesMayBeTheNumberAlone) {
    const auto a = client();
    make(a->store(), "p");
    EXPECT_EQ(make(a->store(), "p/", "", CreateMode::persistent_sequential), at("p/0000000000"));
}

TEST_P(Sequential, NumbersAreOnePerParent) {
    const auto a = client();
    make(a->store(), "p");
    make(a->store(), "q");
    const auto mode = CreateMode::persistent_sequential;
    make(a->store(), "p/n-", "", mode);
    EXPECT_EQ(make(a->store(), "q/n-", "", mode), at("q/n-0000000000"));
}

TEST_P(Sequential, NumbersOfARefusedTransactionAreFreeAgain) {
    const auto a = client();
    make(a->store(), "p");
    std::vector<Op> ops;
    ops.emplace_back(
        CreateOp{.path = at("p/n-"), .data = "", .mode = CreateMode::persistent_sequential});
    ops.emplace_back(CheckOp{.path = at("absent")});
    EXPECT_FALSE(await(a->store().multi(std::move(ops))).ok());
    EXPECT_EQ(make(a->store(), "p/n-", "", CreateMode::persistent_sequential),
              at("p/n-0000000000"));
}

// --- ephemeral -----------------------------------------------------------------------------------

class Ephemeral : public StoreTest {};

TEST_P(Ephemeral, NodeNamesItsSession) {
    const auto a = client();
    make(a->store(), "e", "", CreateMode::ephemeral);
    EXPECT_EQ(read(a->store(), "e").stat.ephemeral_owner, a->store().session().id);
}

TEST_P(Ephemeral, NodeHasNoChildren) {
    const auto a = client();
    make(a->store(), "e", "", CreateMode::ephemeral);
    const auto refused = await(create(a->store(), {.path = at("e/child")}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(code_of(refused), Errc::no_children_for_ephemerals);
}

TEST_P(Ephemeral, SequentialNodeIsBoth) {
    const auto a = client();
    make(a->store(), "p");
    const auto path = make(a->store(), "p/e-", "", CreateMode::ephemeral_sequential);
    EXPECT_EQ(path, at("p/e-0000000000"));
    const auto node = await(a->store().get(path, Watch::none));
    ASSERT_TRUE(node);
    EXPECT_EQ(node->stat.ephemeral_owner, a->store().session().id);
}

TEST_P(Ephemeral, NodesGoAtOnceWithACleanClose) {
    const auto a = client("a");
    const auto b = client("b");
    make(a->store(), "e", "", CreateMode::ephemeral);
    make(a->store(), "p");
    await(a->close());
    settle(b->store());
    EXPECT_FALSE(there(b->store(), "e"));
    EXPECT_TRUE(there(b->store(), "p"));
}

TEST_P(Ephemeral, NodesGoWhenTheSessionOfACrashedClientExpires) {
    auto a = client("a");
    const auto b = client("b");
    make(a->store(), "e", "", CreateMode::ephemeral);
    settle(b->store());
    bool gone = false;
    const auto listener = b->store().listen(at("e"), [&](const auto&, WatchKind) { gone = true; });
    read(b->store(), "e", Watch::set);
    const SteadyTime crashed = world().clock().now();
    a->crash();
    EXPECT_TRUE(there(b->store(), "e"));
    EXPECT_TRUE(until([&] { return gone; }));
    EXPECT_GE(world().clock().now() - crashed, std::chrono::milliseconds(1'200));
    EXPECT_FALSE(there(b->store(), "e"));
}

TEST_P(Ephemeral, NodesOfOtherSessionsStay) {
    auto a = client("a");
    const auto b = client("b");
    make(a->store(), "of-a", "", CreateMode::ephemeral);
    make(b->store(), "of-b", "", CreateMode::ephemeral);
    await(a->close());
    settle(b->store());
    EXPECT_FALSE(there(b->store(), "of-a"));
    EXPECT_TRUE(there(b->store(), "of-b"));
}

TEST_P(Ephemeral, NodeMayBeDeletedByOthers) {
    const auto a = client("a");
    const auto b = client("b");
    make(a->store(), "e", "", CreateMode::ephemeral);
    EXPECT_TRUE(await(remove(b->store(), {.path = at("e")})));
    settle(a->store());
    EXPECT_FALSE(there(a->store(), "e"));
}

INSTANTIATE_TEST_SUITE_P(On, Data, testing::ValuesIn(services()), service_name);
INSTANTIATE_TEST_SUITE_P(On, ChildrenOf, testing::ValuesIn(services()), service_name);
INSTANTIATE_TEST_SUITE_P(On, Sequential, testing::ValuesIn(services()), service_name);
INSTANTIATE_TEST_SUITE_P(On, Ephemeral, testing::ValuesIn(services()), service_name);

}  // namespace muster::coordination
