// What Store promises about sessions: generations, confirmation, expiry, closing.

#include "tests/coordination/store_world.hpp"

#include <vector>

namespace muster::coordination {

using namespace std::chrono_literals;

class Sessions : public StoreTest {};

TEST_P(Sessions, BeginWithGenerationOne) {
    const auto a = client();
    const SessionStatus status = a->store().session();
    EXPECT_EQ(status.state, SessionState::connected);
    EXPECT_EQ(status.generation, 1U);
    EXPECT_NE(status.id, 0);
    EXPECT_EQ(status.timeout, 2s);
}

TEST_P(Sessions, HaveTheTimeoutThatTheServersAllow) {
    const auto a = client(ClientOptions{.session_timeout = 10ms});
    EXPECT_EQ(a->store().session().timeout, 400ms);
}

TEST_P(Sessions, AreConnectingUntilTheServersAreThere) {
    const auto a = client(ClientOptions{.reachable = false});
    EXPECT_FALSE(until([&] { return a->store().session() != SessionStatus{}; }, 1s));
}

TEST_P(Sessions, AreConfirmedAgainAndAgain) {
    const auto a = client();
    const SteadyTime first = a->store().session().confirmed;
    EXPECT_LE(first, world().clock().now());
    EXPECT_TRUE(until([&] { return a->store().session().confirmed >= first + 1s; }, 3s));
    EXPECT_GT(lease_until(a->store().session(), 200ms), world().clock().now());
}

TEST_P(Sessions, TellTheirListenersOfStateAndConfirmation) {
    const auto a = client(ClientOptions{.reachable = true});
    int confirmations = 0;
    const auto listener = a->store().listen_session([&](const SessionStatus& status) {
        EXPECT_EQ(status.state, SessionState::connected);
        ++confirmations;
    });
    EXPECT_TRUE(until([&] { return confirmations >= 3; }, 3s));
}

TEST_P(Sessions, StayAliveWhileTheirClientIsIdle) {
    const auto a = client(ClientOptions{.session_timeout = 1s});
    make(a->store(), "e", "", CreateMode::ephemeral);
    EXPECT_FALSE(until([&] { return !is_connected(a->store()); }, 4s));
    EXPECT_EQ(a->store().session().generation, 1U);
    EXPECT_TRUE(there(a->store(), "e"));
}

TEST_P(Sessions, ThatExpireAreLostAndThenReplaced) {
    const auto a = client();
    const SessionStatus before = a->store().session();
    std::vector<SessionState> states;
    const auto listener = a->store().listen_session([&](const SessionStatus& status) {
        if (states.empty() || states.back() != status.state) states.push_back(status.state);
    });
    a->expire_session();
    EXPECT_TRUE(until([&] { return a->store().session().generation == 2; }));
    const SessionStatus after = a->store().session();
    EXPECT_NE(after.id, before.id);
    EXPECT_EQ(after.state, SessionState::connected);
    EXPECT_GE(after.confirmed, before.confirmed);
    ASSERT_GE(states.size(), 2U);
    EXPECT_EQ(states[states.size() - 2], SessionState::lost);
    EXPECT_EQ(states.back(), SessionState::connected);
}

TEST_P(Sessions, ThatExpireTakeTheirEphemeralsAlong) {
    const auto a = client();
    make(a->store(), "e", "", CreateMode::ephemeral);
    a->expire_session();
    ASSERT_TRUE(until([&] { return a->store().session().generation == 2; }));
    EXPECT_FALSE(there(a->store(), "e"));
}

TEST_P(Sessions, ThatExpireTakeTheirWatchesAlong) {
    const auto a = client("a");
    const auto b = client("b");
    make(a->store(), "n");
    settle(a->store());
    read(a->store(), "n", Watch::set);
    EXPECT_EQ(a->watches(), 1U);
    a->expire_session();
    ASSERT_TRUE(until([&] { return a->store().session().generation == 2; }));
    int dirty = 0;
    const auto listener = a->store().listen("/", [&](const auto&, WatchKind) { ++dirty; });
    EXPECT_EQ(a->watches(), 0U);
    write(b->store(), "n", "x");
    settle(a->store());
    EXPECT_EQ(dirty, 0);
}

TEST_P(Sessions, AreReplacedAsOftenAsTheyExpire) {
    const auto a = client();
    for (std::uint64_t generation = 2; generation <= 4; ++generation) {
        a->expire_session();
        ASSERT_TRUE(until([&] {
            return a->store().session().generation == generation && is_connected(a->store());
        }));
        make(a->store(), "e", "", CreateMode::ephemeral);
    }
}

TEST_P(Sessions, OfDifferentClientsDiffer) {
    const auto a = client("a");
    const auto b = client("b");
    EXPECT_NE(a->store().session().id, b->store().session().id);
}

TEST_P(Sessions, ThatAreClosedAreLostAndRefuseCalls) {
    const auto a = client();
    make(a->store(), "n");
    await(a->close());
    EXPECT_EQ(a->store().session().state, SessionState::lost);
    EXPECT_EQ(code_of(await(a->store().get(at("n"), Watch::none))), Errc::closed);
    EXPECT_EQ(code_of(await(a->store().exists(at("n"), Watch::none))), Errc::closed);
    EXPECT_EQ(code_of(await(a->store().children(at("n"), Watch::none))), Errc::closed);
    EXPECT_EQ(code_of(await(a->store().sync(at("n")))), Errc::closed);
    EXPECT_EQ(code_of(await(set(a->store(), {.path = at("n")}))), Errc::closed);
}

TEST_P(Sessions, MayBeClosedTwice) {
    const auto a = client();
    await(a->close());
    await(a->close());
    EXPECT_EQ(a->store().session().state, SessionState::lost);
}

TEST_P(Sessions, MayBeClosedBeforeTheyBegan) {
    const auto a = client(ClientOptions{.reachable = false});
    await(a->close());
    EXPECT_EQ(code_of(await(a->store().sync("/"))), Errc::closed);
}

INSTANTIATE_TEST_SUITE_P(On, Sessions, testing::ValuesIn(services()), service_name);

}  // namespace muster::coordination
