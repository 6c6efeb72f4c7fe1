// ZooKeeperStore when servers die, hang or refuse, and what it offers beyond the Store interface.

#include "tests/coordination/zookeeper_fixture.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace muster::coordination {

using namespace std::chrono_literals;

namespace {

class ZooKeeperFaults : public ZooKeeperTest {
 protected:
    /// Which of the servers a client is connected to.
    std::size_t server_of(TestClient& client) {
        const auto secret = zookeeper(client).session_secret();
        const auto addresses = world().servers().addresses();
        const auto found = std::ranges::find(addresses, secret ? secret->server : "");
        EXPECT_NE(found, addresses.end()) << (secret ? secret->server : "no session");
        return static_cast<std::size_t>(found - addresses.begin());
    }
};

/// The longest time for which the loop did not come round.
struct LoopGap {
    std::chrono::nanoseconds longest{0};
    bool ended = false;
};

asio::awaitable<void> measure_gaps(Clock& clock, LoopGap& gap) {
    while (!gap.ended) {
        const SteadyTime before = clock.now();
        co_await clock.sleep_for(5ms);
        gap.longest = std::max(gap.longest, clock.now() - before - 5ms);
    }
}

std::vector<Acl> owner_only() {
    return {Acl{.scheme = "auth", .id = "", .permissions = 31}};
}

}  // namespace

TEST_F(ZooKeeperFaults, AKilledServersClientsGoOnAtAnother) {
    servers({.servers = 3});
    const auto a = client();
    const auto b = client();
    ASSERT_TRUE(await(create(a->store(), {.path = "/e", .mode = CreateMode::ephemeral})));
    ASSERT_TRUE(await(a->store().get("/e", Watch::set)));
    const auto id = a->store().session().id;
    const std::size_t used = server_of(*a);
    const test::Stopwatch watch;
    world().servers().kill(used);
    ASSERT_TRUE(until([&] { return !is_connected(*a); }));
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    fmt::print("connected to another server after {} ms\n", watch.elapsed() / 1ms);
    EXPECT_NE(server_of(*a), used);
    EXPECT_EQ(a->store().session().id, id);
    EXPECT_EQ(generation(*a), 1U);
    bool dirty = false;
    const auto listener = a->store().listen("/e", [&](const auto&, WatchKind) { dirty = true; });
    ASSERT_TRUE(until([&] { return is_connected(*b); }));
    ASSERT_TRUE(await(set(b->store(), {.path = "/e", .data = "x"})));
    EXPECT_TRUE(until([&] { return dirty; })) << "the watch did not move along";
}

TEST_F(ZooKeeperFaults, SessionsSurviveARestartOfTheOnlyServer) {
    servers({.durable = true});
    // From when the server is back, the session has its timeout to come back, too.
    ZooKeeperStore::Settings unhurried = settings();
    unhurried.session_timeout = 5s * test::slowdown();
    const auto a = client(unhurried);
    ASSERT_TRUE(await(create(a->store(), {.path = "/e", .mode = CreateMode::ephemeral})));
    const auto id = a->store().session().id;
    world().servers().kill(0);
    ASSERT_TRUE(until([&] { return state(*a) == SessionState::lost; }));
    world().servers().start(0);
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    EXPECT_EQ(a->store().session().id, id);
    EXPECT_EQ(generation(*a), 1U);
    EXPECT_TRUE(there(*a, "/e"));
}

TEST_F(ZooKeeperFaults, AHungServerIsLeftForAnother) {
    servers({.servers = 3});
    const auto a = client();
    const std::size_t used = server_of(*a);
    world().servers().pause(used);
    ASSERT_TRUE(until([&] { return !is_connected(*a); }));
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    EXPECT_NE(server_of(*a), used);
    EXPECT_TRUE(await(create(a->store(), {.path = "/n"})));
}

TEST_F(ZooKeeperFaults, ServersThatRefuseAreNotAskedInATightLoop) {
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    const auto a = client_through(proxy, settings());
    proxy.refuse(true);
    proxy.break_connections();
    ASSERT_TRUE(until([&] { return !is_connected(*a); }));
    const std::size_t before = proxy.accepted();
    (void)until([] { return false; }, 2s);
    const std::size_t attempts = proxy.accepted() - before;
    EXPECT_GE(attempts, 3U);
    EXPECT_LE(attempts, 60U * static_cast<std::size_t>(test::slowdown()));
    proxy.refuse(false);
    EXPECT_TRUE(until([&] { return is_connected(*a); }));
}

TEST_F(ZooKeeperFaults, ADeadProcessesSessionIsClosedWithItsSecret) {
    servers();
    const auto b = client();
    for (int round = 0; round < 5; ++round) {
        auto a = client();
        ASSERT_TRUE(await(create(a->store(), {.path = "/e", .mode = CreateMode::ephemeral})));
        const auto secret = zookeeper(*a).session_secret();
        ASSERT_TRUE(secret);
        EXPECT_EQ(secret->id, a->store().session().id);
        EXPECT_EQ(secret->timeout, 2s);
        EXPECT_EQ(secret->server, world().servers().addresses().front());
        a->crash();
        EXPECT_TRUE(there(*b, "/e"));
        const test::Stopwatch watch;
        EXPECT_TRUE(adopt_and_close(*secret, secret->server));
        EXPECT_FALSE(there(*b, "/e"));
        EXPECT_LT(watch.elapsed(), 1s * test::slowdown());
        fmt::print("closed in {} us\n", watch.elapsed() / 1us);
    }
}

TEST_F(ZooKeeperFaults, ThereIsNoSecretBeforeThereIsASession) {
    servers();
    ZooKeeperStore::Settings nowhere = settings();
    nowhere.servers = {"127.0.0.1:1"};
    const auto a = world().start_with(nowhere);
    EXPECT_FALSE(zookeeper(*a).session_secret());
}

TEST_F(ZooKeeperFaults, AStoreThatIsNotAliveLetsItsSessionDie) {
    servers();
    bool alive = true;
    ZooKeeperStore::Settings tied = settings();
    tied.alive = [&alive] { return alive; };
    const auto a = client(tied);
    const auto b = client();
    ASSERT_TRUE(await(create(a->store(), {.path = "/e", .mode = CreateMode::ephemeral})));
    bool gone = false;
    const auto listener = b->store().listen("/e", [&](const auto&, WatchKind) { gone = true; });
    ASSERT_TRUE(await(b->store().sync("/")));
    ASSERT_TRUE(await(b->store().exists("/e", Watch::set)));
    alive = false;
    auto write = start(create(a->store(), {.path = "/n"}));
    EXPECT_TRUE(until([&] { return gone; }, 5s));
    EXPECT_EQ(state(*a), SessionState::lost);
    EXPECT_FALSE(write.wait());
    EXPECT_FALSE(there(*b, "/n"));
    alive = true;
    EXPECT_TRUE(until([&] { return is_connected(*a) && generation(*a) == 2; }));
}

TEST_F(ZooKeeperFaults, ClosingAtAHungServerNeitherHangsNorBlocksTheLoop) {
    servers();
    const auto a = client();
    ASSERT_TRUE(await(create(a->store(), {.path = "/n"})));
    LoopGap gap;
    asio::co_spawn(world().context(), measure_gaps(world().clock(), gap), test::rethrow);
    world().servers().pause(0);
    const test::Stopwatch watch;
    EXPECT_TRUE(await(close(*a)));
    EXPECT_LT(watch.elapsed(), 3s * test::slowdown());
    gap.ended = true;
    fmt::print("close took {} ms, the loop stood still for {} ms at most\n",
               watch.elapsed() / 1ms,
               gap.longest / 1ms);
    EXPECT_LT(gap.longest, 300ms * test::slowdown());
    (void)until([] { return false; }, 20ms);
    world().servers().resume(0);
}

TEST_F(ZooKeeperFaults, WhatACredentialProtectsOthersCannotTouch) {
    servers();
    ZooKeeperStore::Settings owning = settings();
    owning.digest = "muster:right";
    owning.default_acl = owner_only();
    const auto owner = client(owning);
    ASSERT_TRUE(await(create(owner->store(), {.path = "/secret", .data = "x"})));
    ZooKeeperStore::Settings wrong = settings();
    wrong.digest = "muster:wrong";
    for (const auto& other : {settings(), wrong}) {
        const auto intruder = client(other);
        ASSERT_TRUE(await(intruder->store().sync("/")));
        EXPECT_EQ(code_of(await(intruder->store().get("/secret", Watch::none))), Errc::no_auth);
        EXPECT_EQ(code_of(await(set(intruder->store(), {.path = "/secret"}))), Errc::no_auth);
        EXPECT_EQ(code_of(await(create(intruder->store(), {.path = "/secret/n"}))), Errc::no_auth);
    }
    EXPECT_TRUE(await(owner->store().get("/secret", Watch::none)));
    const auto again = client(owning);
    ASSERT_TRUE(await(again->store().sync("/")));
    EXPECT_TRUE(await(again->store().get("/secret", Watch::none)));
}

TEST_F(ZooKeeperFaults, TheCredentialIsGivenAgainAfterAReconnectionAndToANewSession) {
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    ZooKeeperStore::Settings owning = settings();
    owning.digest = "muster:right";
    owning.default_acl = owner_only();
    const auto a = client_through(proxy, owning);
    ASSERT_TRUE(await(create(a->store(), {.path = "/secret"})));
    proxy.break_connections();
    ASSERT_TRUE(until([&] { return !is_connected(*a); }));
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    EXPECT_TRUE(await(set(a->store(), {.path = "/secret", .data = "1"})));
    a->expire_session();
    ASSERT_TRUE(until([&] { return generation(*a) == 2; }));
    EXPECT_TRUE(await(set(a->store(), {.path = "/secret", .data = "2"})));
}

TEST_F(ZooKeeperFaults, AnOpsOwnAclGoesBeforeTheDefault) {
    servers();
    ZooKeeperStore::Settings owning = settings();
    owning.digest = "muster:right";
    owning.default_acl = owner_only();
    const auto owner = client(owning);
    ASSERT_TRUE(await(create(owner->store(),
                             {.path = "/public",
                              .data = "x",
                              .acl = {{.scheme = "world", .id = "anyone", .permissions = 1}}})));
    const auto other = client();
    ASSERT_TRUE(await(other->store().sync("/")));
    EXPECT_TRUE(await(other->store().get("/public", Watch::none)));
    EXPECT_EQ(code_of(await(set(other->store(), {.path = "/public"}))), Errc::no_auth);
}

TEST_F(ZooKeeperFaults, WhatIsCreatedGetsTheAclOfTheTree) {
    servers();
    ZooKeeperStore::Settings owning = settings();
    owning.digest = "muster:right";
    owning.default_acl = owner_only();
    owning.acl_from = "/tree";
    const auto early = client(owning);  // before there is a tree
    ASSERT_TRUE(await(create(early->store(), {.path = "/before"})));

    ZooKeeperStore::Settings making = owning;
    making.acl_from = "";
    const auto maker = client(making);
    std::vector<Acl> of_tree = owner_only();
    of_tree.push_back(
        {.scheme = "digest", .id = "reader:rg2poWjr7j1Zs8Z7tlNDncWf9a4=", .permissions = 1});
    ASSERT_TRUE(await(create(maker->store(), {.path = "/tree", .acl = of_tree})));

    ZooKeeperStore::Settings reading = settings();
    reading.digest = "reader:word";
    const auto reader = client(reading);
    const auto late = client(owning);
    ASSERT_TRUE(await(create(late->store(), {.path = "/tree/late"})));
    const auto may_read = [&](const std::string& path) {
        EXPECT_TRUE(await(reader->store().sync("/")));
        return await(reader->store().get(path, Watch::none)).has_value();
    };
    EXPECT_TRUE(may_read("/tree/late"));
    EXPECT_EQ(code_of(await(set(reader->store(), {.path = "/tree/late"}))), Errc::no_auth);
    EXPECT_EQ(code_of(await(client()->store().get("/tree/late", Watch::none))), Errc::no_auth);
    EXPECT_FALSE(may_read("/before"));
    // The early one hears of it within a few heartbeats.
    int made = 0;
    EXPECT_TRUE(until([&] {
        const std::string path = "/tree/early" + std::to_string(++made);
        EXPECT_TRUE(await(create(early->store(), {.path = path})));
        return may_read(path);
    }));
    EXPECT_TRUE(await(set(early->store(), {.path = "/tree/early1", .data = "its own"})));
}

TEST_F(ZooKeeperFaults, TheStoreRefusesServersThatAreNone) {
    servers();
    ZooKeeperStore::Settings none = settings();
    none.servers = {};
    EXPECT_THROW((void)world().start_with(none), std::invalid_argument);
    none.servers = {"127.0.0.1:2181/chroot"};
    EXPECT_THROW((void)world().start_with(none), std::invalid_argument);
}

}  // namespace muster::coordination
