// Each trap of ZooKeeper's C client and servers that we know of, as a regression test on the real
// thing. G1 to G11 are the numbers in the notes on coordination.

#include "common/coordination/zookeeper_servers.hpp"
#include "tests/coordination/zookeeper_fixture.hpp"

#include <fmt/format.h>

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <set>
#include <vector>

namespace {

std::atomic<int> lookups{0};

}  // namespace

// Stands before the C library's: counts who resolves names, us and the C client alike.
extern "C" int getaddrinfo(const char* node,
                           const char* service,
                           const addrinfo* hints,
                           addrinfo** result) {
    using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
    ++lookups;
    return real(node, service, hints, result);
}

// The client itself loses the 24 bytes of an empty input buffer when a session that still has
// requests under way expires (G2 below, once a round). Read by LeakSanitizer only.
extern "C" const char* __lsan_default_suppressions() {
    return "leak:libzookeeper_st";
}

namespace muster::coordination {

using namespace std::chrono_literals;

namespace {

class Trap : public ZooKeeperTest {};

std::string long_path(int number) {
    return fmt::format("/{:0>150}", number);
}

}  // namespace

TEST_F(Trap, G1WatchesAreBoundedSoThatArmingThemAgainFitsOnePacket) {
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    ZooKeeperStore::Settings many = settings();
    many.session_timeout = 10s;
    many.limits.request_deadline = 60s;
    const auto a = client_through(proxy, many);
    std::vector<Call<Result<std::optional<Stat>>>> calls;
    for (int i = 0; i < 4'001; ++i)
        calls.push_back(start(a->store().exists(long_path(i), Watch::set)));
    int armed = 0;
    for (auto& call : calls) armed += call.wait() ? 1 : 0;
    EXPECT_EQ(armed, 4'000);
    EXPECT_EQ(code_of(calls.back().wait()), Errc::too_many);

    const test::Stopwatch watch;
    proxy.break_connections();
    ASSERT_TRUE(until([&] { return !is_connected(*a); }));
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    // G6: one pair of function and context, so a session event does not cost a pass per watch.
    EXPECT_LT(watch.elapsed(), 2s * test::slowdown());
    const std::size_t connections = proxy.accepted();
    std::string dirty;
    const auto listener =
        a->store().listen("/", [&](const auto& path, WatchKind) { dirty = path; });
    const auto b = client();
    ASSERT_TRUE(await(create(b->store(), {.path = long_path(3'999)})));
    EXPECT_TRUE(until([&] { return dirty == long_path(3'999); }));
    EXPECT_EQ(proxy.accepted(), connections) << "the server dropped the packet";
    EXPECT_EQ(generation(*a), 1U);
}

TEST_F(Trap, G1TenThousandWatchesOutliveABrokenConnection) {
    constexpr int many = 10'000;
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    ZooKeeperStore::Settings patient = settings();
    patient.servers = {proxy.address()};
    patient.session_timeout = 10s;
    patient.limits.request_deadline = 60s;
    patient.limits.max_queued = 20'000;
    const auto a = world().start_carried(patient, WatchLimits{});
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    std::vector<Call<Result<std::optional<Stat>>>> calls;
    for (int i = 0; i < many; ++i)
        calls.push_back(start(a->store().exists(long_path(i), Watch::set)));
    int armed = 0;
    for (auto& call : calls) armed += call.wait() ? 1 : 0;
    EXPECT_EQ(armed, many);
    EXPECT_EQ(a->watches(), static_cast<std::size_t>(many));
    const std::size_t connections = proxy.accepted();
    EXPECT_GT(connections, 2U);

    std::set<std::string> dirty;
    const auto listener =
        a->store().listen("/", [&](const auto& path, WatchKind) { dirty.insert(path); });
    proxy.break_connections();
    ASSERT_TRUE(until([&] { return !is_connected(*a); }));
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    const auto b = client();
    constexpr int step = 10;
    std::vector<Call<Result<std::string>>> writes;
    for (int i = 0; i < many; i += step)
        writes.push_back(start(create(b->store(), {.path = long_path(i)})));
    for (auto& write : writes) ASSERT_TRUE(write.wait());
    EXPECT_TRUE(until([&] { return dirty.size() == many / step; })) << dirty.size();
    EXPECT_EQ(a->watches(), static_cast<std::size_t>(many - many / step));
    EXPECT_EQ(generation(*a), 1U);
    EXPECT_LE(proxy.accepted(), 2 * connections) << "a server dropped the packet";
}

TEST_F(Trap, G1LongPathsOfWatchesAreBoundedByTheirBytes) {
    servers();
    ZooKeeperStore::Settings few = settings();
    few.limits.max_watch_bytes = 1'000;
    const auto a = client(few);
    int armed = 0;
    for (int i = 0; i < 10; ++i)
        armed += await(a->store().exists(long_path(i), Watch::set)) ? 1 : 0;
    EXPECT_EQ(armed, 6);
}

TEST_F(Trap, G2TransactionsOnASessionThatExpiredUnnoticedAreHarmless) {
    servers();
    const auto a = client();
    const auto b = client();
    ASSERT_TRUE(await(create(b->store(), {.path = "/guard"})));
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t before = generation(*a);
        const auto ephemeral = fmt::format("/e{}", round);
        ASSERT_TRUE(await(create(a->store(), {.path = ephemeral, .mode = CreateMode::ephemeral})));
        a->expire_session();
        // The zombie wakes up and writes as if nothing had happened, before its client reads.
        std::vector<Call<MultiOutcome>> writes;
        for (int i = 0; i < 50; ++i) {
            writes.push_back(start(a->store().multi({CheckOp{.path = ephemeral, .version = 0},
                                                     SetOp{.path = "/guard", .data = "zombie"},
                                                     SetOp{.path = "/guard", .data = "again"}})));
        }
        for (auto& write : writes) EXPECT_FALSE(write.wait().ok());
        ASSERT_TRUE(until([&] { return generation(*a) > before && is_connected(*a); }));
        EXPECT_EQ(await(b->store().get("/guard", Watch::none))->stat.version, 0);
    }
}

TEST_F(Trap, G2NeitherAChrootNorABadPathReachesTheClient) {
    EXPECT_FALSE(check_servers({"127.0.0.1:2181/chroot"}));
    servers();
    const auto a = client();
    for (int i = 0; i < 20; ++i) {
        const MultiOutcome refused = await(a->store().multi({CreateOp{.path = "/ok"},
                                                             SetOp{.path = "no-slash", .data = "x"},
                                                             DeleteOp{.path = "/a//b"}}));
        EXPECT_EQ(refused.error, Errc::invalid_argument);
    }
    EXPECT_FALSE(there(*a, "/ok"));
}

TEST_F(Trap, G3ADeepQueueOfReadsDoesNotExpireTheSession) {
    servers();
    ZooKeeperStore::Settings deep = settings();
    deep.session_timeout = 2s * test::slowdown();
    deep.limits.max_queued = 100'000;
    deep.limits.request_deadline = 120s;
    const auto a = client(deep);
    ASSERT_TRUE(await(create(a->store(), {.path = "/n", .data = std::string(100, 'x')})));
    ASSERT_TRUE(await(create(a->store(), {.path = "/e", .mode = CreateMode::ephemeral})));
    std::vector<Call<Result<Node>>> calls;
    calls.reserve(60'000);
    const test::Stopwatch watch;
    while (calls.size() < 60'000) {
        for (int i = 0; i < 2'000; ++i) calls.push_back(start(a->store().get("/n", Watch::none)));
        // Not all in one go: a loop that does not come round for T is meant to lose its session.
        for (int i = 0; i < 2'500 && world().context().poll_one() > 0; ++i) {
        }
    }
    EXPECT_GT(a->primary().queued(), 10'000U);
    ASSERT_TRUE(until([&] { return calls.back().ended(); }, 100s));
    const auto took = watch.elapsed();
    int good = 0;
    for (auto& call : calls) good += call.wait() ? 1 : 0;
    EXPECT_EQ(good, 60'000);
    EXPECT_EQ(generation(*a), 1U);
    EXPECT_TRUE(there(*a, "/e"));
    fmt::print("60,000 reads took {} ms at T = {} ms\n", took / 1ms, deep.session_timeout / 1ms);
}

TEST_F(Trap, G4WhatIsTooLargeIsRefusedAndWhatIsNotIsTaken) {
    servers();
    const auto a = client();
    ASSERT_TRUE(await(create(a->store(), {.path = "/n"})));
    const std::size_t limit = ClientLimits{}.max_request_bytes;
    EXPECT_TRUE(await(set(a->store(), {.path = "/n", .data = std::string(limit - 200, 'x')})));
    EXPECT_EQ(code_of(await(set(a->store(), {.path = "/n", .data = std::string(limit, 'x')}))),
              Errc::too_large);
    EXPECT_EQ(code_of(await(set(a->store(), {.path = "/n", .data = std::string(2'000'000, 'x')}))),
              Errc::too_large);
    EXPECT_TRUE(is_connected(*a));
}

TEST_F(Trap, G5NoNameIsLookedUpOnceTheSessionStands) {
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    const auto a = client_through(proxy, settings());
    ASSERT_TRUE(await(create(a->store(), {.path = "/n"})));
    lookups = 0;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(await(a->store().get("/n", Watch::none)));
    EXPECT_EQ(lookups, 0);
}

TEST_F(Trap, G5NamesAreResolvedByUsAndTheClientGetsAddresses) {
    servers();
    const auto resolved = await(
        resolve_servers({"localhost:2181", "127.0.0.9:1", "[::1]:5", "no-such-host.invalid:3"}));
    ASSERT_TRUE(resolved) << resolved.error().message();
    EXPECT_NE(resolved->find("127.0.0.1:2181"), std::string::npos) << *resolved;
    EXPECT_NE(resolved->find("127.0.0.9:1"), std::string::npos) << *resolved;
    EXPECT_NE(resolved->find("::1:5"), std::string::npos) << *resolved;
    EXPECT_EQ(resolved->find("host"), std::string::npos) << *resolved;
    EXPECT_EQ(code_of(await(resolve_servers({"no-such-host.invalid:3"}))), Errc::not_connected);
    ZooKeeperStore::Settings named = settings();
    named.servers = {fmt::format("localhost:{}", world().servers().port(0))};
    EXPECT_TRUE(is_connected(*client(named)));
}

TEST_F(Trap, G7ANewSocketWithAnOldNumberIsNoticed) {
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    const auto a = client_through(proxy, settings());
    ASSERT_TRUE(await(create(a->store(), {.path = "/n"})));
    for (int round = 0; round < 30; ++round) {
        proxy.break_connections();
        ASSERT_TRUE(until([&] { return !is_connected(*a); })) << "round " << round;
        ASSERT_TRUE(until([&] { return is_connected(*a); })) << "round " << round;
        ASSERT_TRUE(await(a->store().get("/n", Watch::none))) << "round " << round;
    }
    EXPECT_EQ(generation(*a), 1U);
}

TEST_F(Trap, G8ASessionIsLostByOurOwnClockWhileNoServerAnswers) {
    servers();
    const auto a = client();
    world().servers().pause(0);
    const SessionStatus last = a->store().session();
    ASSERT_TRUE(until([&] { return state(*a) == SessionState::lost; }));
    const SteadyTime now = world().clock().now();
    const SessionStatus lost = a->store().session();
    EXPECT_GE(now, surely_over(lost));
    EXPECT_LT(now, surely_over(lost) + 300ms * test::slowdown());
    EXPECT_LE(lost.confirmed, last.confirmed + 400ms * test::slowdown());
    world().servers().resume(0);
    EXPECT_TRUE(until([&] { return is_connected(*a); }));
}

TEST_F(Trap, G9ALostReplyIsAnUnknownOutcome) {
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    const auto a = client_through(proxy, settings());
    const auto b = client();
    proxy.drop_replies(true);
    auto making = start(create(a->store(), {.path = "/made", .data = "x"}));
    bool applied = false;
    const auto listener =
        b->store().listen("/made", [&](const auto&, WatchKind) { applied = true; });
    const auto before = await(b->store().exists("/made", Watch::set));
    ASSERT_TRUE(until([&] { return applied || before->has_value(); }));
    proxy.drop_replies(false);
    proxy.break_connections();
    EXPECT_EQ(code_of(making.wait()), Errc::unknown_outcome);
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    EXPECT_TRUE(there(*a, "/made"));
    EXPECT_EQ(generation(*a), 1U);
}

TEST_F(Trap, G9ASilentServerIsAnUnknownOutcomeToo) {
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    const auto a = client_through(proxy, settings());
    proxy.drop_requests(true);
    auto making = start(create(a->store(), {.path = "/never"}));
    auto reading = start(a->store().get("/", Watch::set));
    EXPECT_EQ(code_of(making.wait()), Errc::unknown_outcome);
    EXPECT_EQ(code_of(reading.wait()), Errc::not_connected);
    // G10: nor has that read armed its watch.
    EXPECT_EQ(a->watches(), 0U);
    proxy.drop_requests(false);
    ASSERT_TRUE(until([&] { return is_connected(*a); }));
    EXPECT_FALSE(there(*a, "/never"));
}

TEST_F(Trap, G9ClosingMakesOpenOutcomesUnknown) {
    test::LossyProxy proxy((servers(), world().context()), world().servers().port(0));
    const auto a = client_through(proxy, settings());
    proxy.drop_replies(true);
    auto making = start(create(a->store(), {.path = "/n"}));
    ASSERT_TRUE(until([&] { return a->primary().in_flight() > 0; }));
    auto closing = start(close(*a));
    EXPECT_EQ(code_of(making.wait()), Errc::unknown_outcome);
    EXPECT_TRUE(closing.wait());
}

TEST_F(Trap, G11TheTimeoutInForceIsTheServersNotOurs) {
    servers({.min_session_timeout = 3'000ms, .max_session_timeout = 5'000ms});
    ZooKeeperStore::Settings asked = settings();
    asked.session_timeout = 1s;
    EXPECT_EQ(client(asked)->store().session().timeout, 3s);
    asked.session_timeout = 20s;
    EXPECT_EQ(client(asked)->store().session().timeout, 5s);
}

}  // namespace muster::coordination
