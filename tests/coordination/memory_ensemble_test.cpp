// The faults that simulations order from a MemoryEnsemble, and what its observers see.

#include "common/coordination/memory_ensemble.hpp"

#include "tests/coordination/memory_world.hpp"

#include <algorithm>

namespace muster::coordination {

using namespace std::chrono_literals;

namespace {

class Faults : public testing::Test {
 protected:
    template <class T>
    Call<T> start(asio::awaitable<T> task) {
        return Call<T>(world_, std::move(task));
    }
    template <class T>
    T await(asio::awaitable<T> task) {
        return start(std::move(task)).wait();
    }
    std::unique_ptr<TestClient> client(const std::string& name = "a") {
        auto made = world_.start(ClientOptions{.name = name});
        EXPECT_TRUE(until([&] { return state(*made) == SessionState::connected; }));
        return made;
    }
    bool until(const std::function<bool()>& done, std::chrono::nanoseconds limit = patience) {
        return world_.drive(done, limit);
    }
    void pass(std::chrono::nanoseconds span) { world_.clock().run_for(span); }
    static SessionState state(TestClient& client) { return client.store().session().state; }
    std::string data(const std::string& path) { return ensemble().tree().find(path)->data; }
    MemoryEnsemble& ensemble() { return world_.ensemble(); }

    MemoryWorld world_;
    const std::string root_ = world_.new_root();
};

}  // namespace

TEST_F(Faults, ALostReplyIsAnUnknownOutcomeOfAWriteThatWasApplied) {
    const auto a = client();
    ensemble().lose_next_reply("a");
    const auto made = await(create(a->store(), {.path = "/n", .data = "x"}));
    EXPECT_EQ(code_of(made), Errc::unknown_outcome);
    EXPECT_EQ(data("/n"), "x");
    EXPECT_TRUE(until([&] { return state(*a) == SessionState::connected; }));
    EXPECT_EQ(a->store().session().generation, 1U);
}

TEST_F(Faults, ACutThatIsShortOnlyDelays) {
    const auto a = client();
    ensemble().cut("a", 1s);
    auto writing = start(create(a->store(), {.path = "/n"}));
    pass(500ms);
    EXPECT_FALSE(writing.ended());
    EXPECT_EQ(ensemble().tree().find("/n"), nullptr);
    ensemble().heal("a");
    EXPECT_TRUE(writing.wait());
    EXPECT_EQ(state(*a), SessionState::connected);
}

TEST_F(Faults, ACutThatIsNoticedMakesTheOutcomeUnknownAndTheSessionGoesOn) {
    const auto a = client();
    ensemble().cut("a", 700ms);
    auto writing = start(create(a->store(), {.path = "/n"}));
    EXPECT_EQ(code_of(writing.wait()), Errc::unknown_outcome);
    EXPECT_EQ(state(*a), SessionState::connecting);
    ensemble().heal("a");
    EXPECT_TRUE(until([&] { return state(*a) == SessionState::connected; }));
    EXPECT_EQ(a->store().session().generation, 1U);
}

TEST_F(Faults, AWriteHeldByTheNetworkMayBeAppliedAfterItsClientGaveItUp) {
    const auto a = client();
    ensemble().cut("a", 700ms);
    EXPECT_EQ(code_of(await(create(a->store(), {.path = "/n"}))), Errc::unknown_outcome);
    EXPECT_EQ(ensemble().tree().find("/n"), nullptr);
    ensemble().heal("a");
    pass(100ms);
    EXPECT_NE(ensemble().tree().find("/n"), nullptr);
}

TEST_F(Faults, AWriteHeldByTheNetworkIsNeverAppliedOnceItsSessionHasEnded) {
    const auto a = client();
    ensemble().cut("a", 700ms);
    EXPECT_EQ(code_of(await(create(a->store(), {.path = "/n"}))), Errc::unknown_outcome);
    ensemble().expire("a");
    ensemble().heal("a");
    pass(1s);
    EXPECT_EQ(ensemble().tree().find("/n"), nullptr);
    EXPECT_EQ(a->store().session().generation, 2U);
}

TEST_F(Faults, ALongCutTurnsTheSessionLostByOurOwnClockBeforeTheServersSaySo) {
    const auto a = client();
    const SteadyTime cut_at = world_.clock().now();
    ensemble().cut("a", 700ms);
    ASSERT_TRUE(until([&] { return state(*a) == SessionState::lost; }));
    EXPECT_LE(world_.clock().now() - cut_at, 2s);
    EXPECT_EQ(world_.clock().now(), surely_over(a->store().session()));
    EXPECT_EQ(a->store().session().generation, 1U);
    pass(2s);
    EXPECT_TRUE(ensemble().sessions().empty());
    ensemble().heal("a");
    EXPECT_TRUE(until([&] { return a->store().session().generation == 2; }));
    EXPECT_EQ(state(*a), SessionState::connected);
}

TEST_F(Faults, ASessionThatWasLostHereButLivesThereComesBackWithItsGeneration) {
    const auto a = client();
    ASSERT_TRUE(await(create(a->store(), {.path = "/e", .mode = CreateMode::ephemeral})));
    ASSERT_TRUE(await(a->store().get("/e", Watch::set)));
    ensemble().stop_serving();  // servers that are down count no time
    ASSERT_TRUE(until([&] { return state(*a) == SessionState::lost; }));
    pass(20s);
    ensemble().serve();
    EXPECT_TRUE(until([&] { return state(*a) == SessionState::connected; }));
    EXPECT_EQ(a->store().session().generation, 1U);
    EXPECT_NE(ensemble().tree().find("/e"), nullptr);
    EXPECT_EQ(a->watches(), 1U);
}

TEST_F(Faults, WhatIsQueuedWhenTheSessionIsLostFailsWithIt) {
    ClientLimits patient;
    patient.request_deadline = 60s;
    const auto a = world_.start({.limits = patient});
    ASSERT_TRUE(until([&] { return state(*a) == SessionState::connected; }));
    ensemble().cut("a", 100ms);
    ASSERT_TRUE(until([&] { return state(*a) == SessionState::connecting; }));
    auto writing = start(create(a->store(), {.path = "/n"}));
    EXPECT_EQ(code_of(writing.wait()), Errc::session_lost);
    EXPECT_EQ(state(*a), SessionState::lost);
}

TEST_F(Faults, APausedClientSendsNothingUntilItResumes) {
    const auto a = client();
    ensemble().pause("a");
    auto writing = start(create(a->store(), {.path = "/n"}));
    pass(500ms);
    EXPECT_EQ(ensemble().tree().find("/n"), nullptr);
    ensemble().resume("a");
    EXPECT_TRUE(writing.wait());
}

TEST_F(Faults, APausedClientHearsNothingUntilItResumes) {
    const auto a = client();
    ASSERT_TRUE(await(a->store().get(root_, Watch::set)));
    int dirty = 0;
    const auto listener = a->store().listen("/", [&](const auto&, WatchKind) { ++dirty; });
    ensemble().pause("a");
    ensemble().write({SetOp{.path = root_, .data = "x"}});
    pass(500ms);
    EXPECT_EQ(dirty, 0);
    ensemble().resume("a");
    pass(1ms);
    EXPECT_EQ(dirty, 1);
}

TEST_F(Faults, AClientPausedForTooLongFindsItsSessionExpiredWhenItResumes) {
    const auto a = client();
    ensemble().pause("a");
    pass(5s);
    EXPECT_TRUE(ensemble().sessions().empty());
    EXPECT_EQ(state(*a), SessionState::connected) << "how could it know";
    auto late = start(create(a->store(), {.path = "/late"}));
    ensemble().resume("a");
    EXPECT_TRUE(until([&] { return a->store().session().generation == 2; }));
    EXPECT_FALSE(late.wait());
    EXPECT_EQ(ensemble().tree().find("/late"), nullptr);
}

TEST_F(Faults, ADisconnectedClientMissesNoWatch) {
    const auto a = client();
    ensemble().write({CreateOp{.path = "/gone"}});
    ASSERT_TRUE(await(a->store().get(root_, Watch::set)));
    ASSERT_TRUE(await(a->store().children(root_, Watch::set)));
    ASSERT_TRUE(await(a->store().exists("/absent", Watch::set)));
    ASSERT_TRUE(await(a->store().get("/gone", Watch::set)));
    ASSERT_TRUE(await(a->store().get("/", Watch::set)));
    std::vector<std::string> dirty;
    const auto listener = a->store().listen("/", [&](const std::string& path, WatchKind kind) {
        dirty.push_back(path + (kind == WatchKind::data ? " data" : " children"));
    });
    ensemble().cut("a", 0s);
    pass(10ms);
    ensemble().write({SetOp{.path = root_, .data = "x"},
                      CreateOp{.path = root_ + "/child"},
                      CreateOp{.path = "/absent"},
                      DeleteOp{.path = "/gone"}});
    ensemble().heal("a");
    ASSERT_TRUE(until([&] { return state(*a) == SessionState::connected; }));
    pass(1ms);
    std::ranges::sort(dirty);
    EXPECT_EQ(dirty,
              (std::vector<std::string>{
                  "/absent data", root_ + " children", root_ + " data", "/gone data"}));
    EXPECT_EQ(a->watches(), 1U);
    ensemble().write({SetOp{.path = "/", .data = "x"}});
    pass(1ms);
    EXPECT_EQ(dirty.back(), "/ data") << "armed again";
}

TEST_F(Faults, LatencyIsPaidBothWaysAndKeepsTheOrder) {
    const auto a = client();
    int call = 0;
    // Later messages are faster: they must not overtake.
    ensemble().set_latency("a", [&] { return std::chrono::milliseconds(call++ < 1 ? 50 : 10); });
    const SteadyTime begin = world_.clock().now();
    auto first = start(create(a->store(), {.path = "/n"}));
    auto second = start(set(a->store(), {.path = "/n", .data = "x"}));
    EXPECT_TRUE(second.wait());
    EXPECT_TRUE(first.ended());
    EXPECT_TRUE(first.wait());
    EXPECT_EQ(world_.clock().now() - begin, 60ms);
}

TEST_F(Faults, NothingIsDeliveredInline) {
    const auto a = client();
    auto writing = start(create(a->store(), {.path = "/n"}));
    EXPECT_FALSE(writing.ended());
    EXPECT_EQ(ensemble().tree().find("/n"), nullptr);
    EXPECT_TRUE(writing.wait());
}

TEST_F(Faults, ObserversSeeEachCommitWithItsSessionAndOps) {
    std::vector<std::string> commits;
    ensemble().on_commit([&](const MemoryEnsemble::Commit& commit) {
        std::string line = std::string(commit.client);
        for (const OpOutcome& outcome : commit.outcomes) line += " " + outcome.path;
        commits.push_back(line);
        EXPECT_EQ(commit.zxid, ensemble().tree().zxid());
    });
    const auto a = client();
    ASSERT_TRUE(await(create(a->store(), {.path = "/e", .mode = CreateMode::ephemeral})));
    EXPECT_FALSE(await(create(a->store(), {.path = "/e"})));
    ASSERT_TRUE(await(a->store().multi({CheckOp{.path = "/e"}, CreateOp{.path = "/n"}})).ok());
    ensemble().expire("a");
    EXPECT_EQ(commits, (std::vector<std::string>{"a /e", "a /e /n", "a /e"}));
}

TEST_F(Faults, SessionsExpireAtATickAfterTheirTimeoutSinceTheyWereLastHeardOf) {
    auto a = client();
    pass(5s);
    a->crash();
    const auto heard = ensemble().sessions().front();
    EXPECT_EQ(heard.client, "a");
    EXPECT_GT(heard.expires, world_.clock().now() + heard.timeout * 5 / 6 - 1ms);
    EXPECT_EQ(heard.expires.time_since_epoch() % 200ms, 0ns);
    world_.clock().run_until(heard.expires - 1ns);
    EXPECT_EQ(ensemble().sessions().size(), 1U);
    world_.clock().run_until(heard.expires);
    EXPECT_TRUE(ensemble().sessions().empty());
}

TEST_F(Faults, HistoriesOfEqualRunsAreEqual) {
    const auto history = [] {
        MemoryWorld world;
        std::string lines;
        world.ensemble().on_commit([&](const MemoryEnsemble::Commit& commit) {
            lines += std::to_string(commit.zxid) + " " + std::string(commit.client) + " " +
                     std::to_string(world.clock().now().time_since_epoch().count()) + "\n";
        });
        (void)world.new_root();
        std::vector<std::unique_ptr<TestClient>> clients;
        int tick = 0;
        for (const char* name : {"a", "b", "c"}) {
            world.ensemble().set_latency(
                name, [&tick] { return std::chrono::microseconds(100 + tick++ * 7919 % 900); });
            clients.push_back(world.start({.name = name}));
        }
        std::vector<Call<Result<std::string>>> calls;
        for (int i = 0; i < 60; ++i) {
            for (const auto& c : clients) {
                calls.emplace_back(
                    world,
                    create(c->store(),
                           {.path = "/case/n-", .mode = CreateMode::ephemeral_sequential}));
            }
            if (i % 20 == 7) world.ensemble().cut("b", 300ms);
            if (i % 20 == 15) world.ensemble().heal("b");
            world.clock().run_for(100ms);
        }
        world.clock().run_for(10s);
        return lines;
    };
    const std::string first = history();
    EXPECT_GT(std::ranges::count(first, '\n'), 100);
    EXPECT_EQ(first, history());
}

}  // namespace muster::coordination
