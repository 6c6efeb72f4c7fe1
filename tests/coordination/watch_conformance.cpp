// What Store promises about watches: one-shot, armed by a successful read, told before what
// follows.

#include "tests/coordination/store_world.hpp"

#include <utility>
#include <vector>

namespace muster::coordination {

class Watches : public StoreTest {
 protected:
    using Events = std::vector<std::pair<std::string, WatchKind>>;

    /// What a listener at `under` has been told.
    struct Heard {
        Events events;
        Subscription subscription;
    };
    std::unique_ptr<Heard> listen(Store& store, const std::string& under) {
        auto heard = std::make_unique<Heard>();
        heard->subscription =
            store.listen(under, [events = &heard->events](const std::string& path, WatchKind kind) {
                events->emplace_back(path, kind);
            });
        return heard;
    }
    std::vector<std::string> children(Store& store, const std::string& name, Watch watch) {
        const auto listed = await(store.children(at(name), watch));
        EXPECT_TRUE(listed.has_value());
        return listed ? listed->names : std::vector<std::string>{};
    }
};

TEST_P(Watches, OfDataFireWhenItChanges) {
    const auto a = client("a");
    const auto b = client("b");
    make(a->store(), "n");
    settle(b->store());
    const auto heard = listen(b->store(), root());
    read(b->store(), "n", Watch::set);
    write(a->store(), "n", "x");
    EXPECT_TRUE(until([&] { return !heard->events.empty(); }));
    EXPECT_EQ(heard->events, (Events{{at("n"), WatchKind::data}}));
}

TEST_P(Watches, FireOnce) {
    const auto a = client();
    make(a->store(), "n");
    const auto heard = listen(a->store(), root());
    read(a->store(), "n", Watch::set);
    write(a->store(), "n", "x");
    write(a->store(), "n", "y");
    settle(a->store());
    EXPECT_EQ(heard->events.size(), 1U);
}

TEST_P(Watches, AreArmedAgainByTheNextRead) {
    const auto a = client();
    make(a->store(), "n");
    const auto heard = listen(a->store(), root());
    for (int i = 0; i < 3; ++i) {
        read(a->store(), "n", Watch::set);
        write(a->store(), "n", "x");
    }
    settle(a->store());
    EXPECT_EQ(heard->events.size(), 3U);
}

TEST_P(Watches, SetTwiceFireOnce) {
    const auto a = client();
    make(a->store(), "n");
    const auto heard = listen(a->store(), root());
    read(a->store(), "n", Watch::set);
    read(a->store(), "n", Watch::set);
    write(a->store(), "n", "x");
    settle(a->store());
    EXPECT_EQ(heard->events.size(), 1U);
}

TEST_P(Watches, AreNotArmedByAPlainRead) {
    const auto a = client();
    make(a->store(), "n");
    const auto heard = listen(a->store(), root());
    read(a->store(), "n");
    children(a->store(), "n", Watch::none);
    write(a->store(), "n", "x");
    make(a->store(), "n/child");
    settle(a->store());
    EXPECT_TRUE(heard->events.empty());
}

TEST_P(Watches, OfDataFireWhenTheNodeIsDeleted) {
    const auto a = client();
    make(a->store(), "n");
    const auto heard = listen(a->store(), root());
    read(a->store(), "n", Watch::set);
    ASSERT_TRUE(await(remove(a->store(), {.path = at("n")})));
    settle(a->store());
    EXPECT_EQ(heard->events, (Events{{at("n"), WatchKind::data}}));
}

TEST_P(Watches, OfAnAbsentNodeFireWhenItIsMade) {
    const auto a = client();
    const auto heard = listen(a->store(), root());
    ASSERT_TRUE(await(a->store().exists(at("n"), Watch::set)));
    make(a->store(), "n");
    settle(a->store());
    EXPECT_EQ(heard->events, (Events{{at("n"), WatchKind::data}}));
}

TEST_P(Watches, OfExistsFireWhenTheDataChanges) {
    const auto a = client();
    make(a->store(), "n");
    const auto heard = listen(a->store(), root());
    ASSERT_TRUE(await(a->store().exists(at("n"), Watch::set)));
    write(a->store(), "n", "x");
    settle(a->store());
    EXPECT_EQ(heard->events, (Events{{at("n"), WatchKind::data}}));
}

TEST_P(Watches, AreNotArmedByAGetThatFails) {
    const auto a = client();
    const auto heard = listen(a->store(), root());
    EXPECT_FALSE(await(a->store().get(at("n"), Watch::set)));
    EXPECT_FALSE(await(a->store().children(at("n"), Watch::set)));
    EXPECT_EQ(a->watches(), 0U);
    make(a->store(), "n");
    settle(a->store());
    EXPECT_TRUE(heard->events.empty());
}

TEST_P(Watches, OfChildrenFireWhenOneIsMade) {
    const auto a = client();
    make(a->store(), "p");
    const auto heard = listen(a->store(), root());
    children(a->store(), "p", Watch::set);
    make(a->store(), "p/x");
    settle(a->store());
    EXPECT_EQ(heard->events, (Events{{at("p"), WatchKind::children}}));
}

TEST_P(Watches, OfChildrenFireWhenOneIsDeleted) {
    const auto a = client();
    make(a->store(), "p");
    make(a->store(), "p/x");
    const auto heard = listen(a->store(), root());
    children(a->store(), "p", Watch::set);
    ASSERT_TRUE(await(remove(a->store(), {.path = at("p/x")})));
    settle(a->store());
    EXPECT_EQ(heard->events, (Events{{at("p"), WatchKind::children}}));
}

TEST_P(Watches, OfChildrenIgnoreData) {
    const auto a = client();
    make(a->store(), "p");
    make(a->store(), "p/x");
    const auto heard = listen(a->store(), root());
    children(a->store(), "p", Watch::set);
    write(a->store(), "p", "new");
    write(a->store(), "p/x", "new");
    settle(a->store());
    EXPECT_TRUE(heard->events.empty());
}

TEST_P(Watches, OfDataIgnoreChildren) {
    const auto a = client();
    make(a->store(), "p");
    const auto heard = listen(a->store(), root());
    read(a->store(), "p", Watch::set);
    make(a->store(), "p/x");
    settle(a->store());
    EXPECT_TRUE(heard->events.empty());
}

TEST_P(Watches, OfChildrenFireWhenTheParentGoes) {
    const auto a = client();
    make(a->store(), "p");
    const auto heard = listen(a->store(), root());
    children(a->store(), "p", Watch::set);
    ASSERT_TRUE(await(remove(a->store(), {.path = at("p")})));
    settle(a->store());
    EXPECT_EQ(heard->events, (Events{{at("p"), WatchKind::children}}));
}

TEST_P(Watches, OfBothKindsFireBothWhenTheNodeGoes) {
    const auto a = client();
    make(a->store(), "p");
    const auto heard = listen(a->store(), root());
    read(a->store(), "p", Watch::set);
    children(a->store(), "p", Watch::set);
    ASSERT_TRUE(await(remove(a->store(), {.path = at("p")})));
    settle(a->store());
    EXPECT_EQ(heard->events, (Events{{at("p"), WatchKind::data}, {at("p"), WatchKind::children}}));
    EXPECT_EQ(a->watches(), 0U);
}

TEST_P(Watches, AreToldBeforeAReadThatShowsTheChange) {
    const auto a = client("a");
    const auto b = client("b");
    make(a->store(), "n", "0");
    settle(b->store());
    const auto heard = listen(b->store(), root());
    for (int i = 1; i <= 20; ++i) {
        read(b->store(), "n", Watch::set);
        heard->events.clear();
        auto writing = start(set(a->store(), {.path = at("n"), .data = std::to_string(i)}));
        // Reading all the time: whichever read first shows the change, the event came earlier.
        while (read(b->store(), "n").data != std::to_string(i)) {
        }
        EXPECT_EQ(heard->events.size(), 1U) << "round " << i;
        ASSERT_TRUE(writing.wait());
    }
}

TEST_P(Watches, OfOneTransactionAreToldInTheOrderOfItsOps) {
    const auto a = client();
    for (const char* name : {"x", "y", "z"}) make(a->store(), name);
    const auto heard = listen(a->store(), root());
    for (const char* name : {"x", "y", "z"}) read(a->store(), name, Watch::set);
    ASSERT_TRUE(await(a->store().multi({SetOp{.path = at("z"), .data = "1"},
                                        SetOp{.path = at("x"), .data = "1"},
                                        DeleteOp{.path = at("y")}}))
                    .ok());
    settle(a->store());
    EXPECT_EQ(
        heard->events,
        (Events{
            {at("z"), WatchKind::data}, {at("x"), WatchKind::data}, {at("y"), WatchKind::data}}));
}

TEST_P(Watches, OfARefusedTransactionDoNotFire) {
    const auto a = client();
    make(a->store(), "n");
    const auto heard = listen(a->store(), root());
    read(a->store(), "n", Watch::set);
    EXPECT_FALSE(await(a->store().multi(
                           {SetOp{.path = at("n"), .data = "x"}, CheckOp{.path = at("absent")}}))
                     .ok());
    settle(a->store());
    EXPECT_TRUE(heard->events.empty());
}

TEST_P(Watches, AreToldToEveryListenerAboveThePath) {
    const auto a = client();
    make(a->store(), "p");
    make(a->store(), "p/n");
    make(a->store(), "pq");
    const auto at_top = listen(a->store(), "/");
    const auto at_parent = listen(a->store(), at("p"));
    const auto at_node = listen(a->store(), at("p/n"));
    const auto at_sibling = listen(a->store(), at("pq"));
    read(a->store(), "p/n", Watch::set);
    read(a->store(), "pq", Watch::set);
    write(a->store(), "p/n", "x");
    settle(a->store());
    EXPECT_EQ(at_top->events.size(), 1U);
    EXPECT_EQ(at_parent->events.size(), 1U);
    EXPECT_EQ(at_node->events.size(), 1U);
    EXPECT_TRUE(at_sibling->events.empty());
}

TEST_P(Watches, AreNotToldToAListenerThatHasEnded) {
    const auto a = client();
    make(a->store(), "n");
    auto heard = listen(a->store(), root());
    read(a->store(), "n", Watch::set);
    heard->subscription = {};
    write(a->store(), "n", "x");
    settle(a->store());
    EXPECT_TRUE(heard->events.empty());
}

TEST_P(Watches, MayBeListenedToAnewFromInsideAListener) {
    const auto a = client();
    make(a->store(), "n");
    int first = 0;
    int second = 0;
    Subscription inner;
    Subscription outer;
    outer = a->store().listen(root(), [&](const auto&, WatchKind) {
        ++first;
        inner = a->store().listen(root(), [&](const auto&, WatchKind) { ++second; });
        outer = {};
    });
    for (int i = 0; i < 2; ++i) {
        read(a->store(), "n", Watch::set);
        write(a->store(), "n", "x");
    }
    settle(a->store());
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 1);
}

INSTANTIATE_TEST_SUITE_P(On, Watches, testing::ValuesIn(services()), service_name);

}  // namespace muster::coordination
