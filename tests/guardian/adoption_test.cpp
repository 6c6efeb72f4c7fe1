#include "common/base/file_descriptor.hpp"
#include "orchestrator/guardian_adoption.hpp"
#include "tests/guardian/guarded.hpp"
#include "tests/guardian/raw_session.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"
#include "tests/support/zookeeper_server.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <sys/timerfd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using orchestrator::Adoption;
using orchestrator::GuardedSession;

/// Long, so that what goes away within seconds was closed and did not expire.
constexpr std::string_view long_timeout = "30000";
constexpr auto far_below_timeout = 3s;

std::string servers_of(const ZooKeeperServers& zookeeper) {
    return fmt::format("{}", fmt::join(zookeeper.addresses(), ","));
}

std::string milliseconds(std::chrono::nanoseconds span) {
    return fmt::format("{:.1f} ms", std::chrono::duration<double, std::milli>(span).count());
}

/// A node is seen by `witness` only after its server has heard of it.
void wait_until_there(RawSession& witness, const std::string& path) {
    ASSERT_TRUE(eventually(10s, [&] { return witness.exists(path); }));
}

bool goes_within(std::chrono::nanoseconds limit, RawSession& witness, const std::string& path) {
    return eventually(limit, [&] { return !witness.exists(path); });
}

std::vector<std::string> session(const ZooKeeperServers& zookeeper,
                                 std::string_view timeout,
                                 const std::vector<std::string>& paths) {
    std::vector<std::string> arguments{"session", servers_of(zookeeper), std::string(timeout)};
    arguments.insert(arguments.end(), paths.begin(), paths.end());
    return arguments;
}

TEST(Adoption, EndsTheSessionsOfAKilledChildLongBeforeTheirTimeout) {
    ZooKeeperServers zookeeper({.servers = 3});
    RawSession witness(servers_of(zookeeper), 30s);
    std::vector<std::chrono::nanoseconds> times;
    for (int round = 0; round < 20; ++round) {
        const std::string path = "/node-" + std::to_string(round);
        Guarded guarded(session(zookeeper, long_timeout, {path}));
        const pid_t child = guarded.ready_child();
        wait_until_there(witness, path);
        const Stopwatch watch;
        kill_checked(child, SIGKILL);
        ASSERT_TRUE(goes_within(far_below_timeout, witness, path)) << guarded.guardian().output();
        times.push_back(watch.elapsed());
        EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 128 + SIGKILL, .signal = 0}));
    }
    std::ranges::sort(times);
    fmt::print("killed to gone: median {}, longest {} of {}\n",
               milliseconds(times[times.size() / 2]),
               milliseconds(times.back()),
               times.size());
}

TEST(Adoption, EndsEverySessionThatIsStillRegistered) {
    ZooKeeperServers zookeeper;
    RawSession witness(servers_of(zookeeper), 30s);
    Guarded guarded(session(zookeeper, long_timeout, {"/first", "/second"}));
    const pid_t child = guarded.ready_child();
    wait_until_there(witness, "/first");
    wait_until_there(witness, "/second");
    kill_checked(child, SIGKILL);
    EXPECT_TRUE(goes_within(far_below_timeout, witness, "/first"));
    EXPECT_TRUE(goes_within(far_below_timeout, witness, "/second"));
}

TEST(Adoption, IsNotNeededWhenTheChildHasClosedItsSessions) {
    ZooKeeperServers zookeeper;
    RawSession witness(servers_of(zookeeper), 30s);
    Guarded guarded(session(zookeeper, long_timeout, {"/node"}));
    (void)guarded.ready_child();
    guarded.guardian().signal(SIGTERM);
    EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 5, .signal = 0}));
    EXPECT_FALSE(guarded.guardian().output().contains("session_adopted"));
    EXPECT_TRUE(goes_within(far_below_timeout, witness, "/node"));
}

TEST(Adoption, ComesForAHungChildOnlyAfterItWasKilled) {
    ZooKeeperServers zookeeper;
    RawSession witness(servers_of(zookeeper), 30s);
    Guarded guarded(session(zookeeper, long_timeout, {"/node"}), 1'500ms);
    const pid_t child = guarded.ready_child();
    wait_until_there(witness, "/node");
    const Stopwatch watch;
    kill_checked(child, SIGSTOP);
    ASSERT_TRUE(goes_within(1'500ms + far_below_timeout, witness, "/node"));
    EXPECT_GE(watch.elapsed(), 1'500ms * 11 / 12 - 50ms);
    EXPECT_FALSE(is_alive(child));
    EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 128 + SIGKILL, .signal = 0}));
}

TEST(Adoption, GoesToAnotherServerWhenTheSessionsOwnIsDead) {
    ZooKeeperServers zookeeper({.servers = 3});
    Guarded guarded(session(zookeeper, long_timeout, {"/node"}));
    const pid_t child = guarded.ready_child();
    const std::string server = guarded.word_after("server");
    const std::vector<std::string> addresses = zookeeper.addresses();
    const auto place = std::ranges::find(addresses, server);
    ASSERT_NE(place, addresses.end()) << server;
    const auto number = static_cast<std::size_t>(place - addresses.begin());
    const std::string kind = zookeeper.mode(number);

    RawSession witness(addresses[(number + 1) % addresses.size()], 30s);
    wait_until_there(witness, "/node");
    const Stopwatch watch;
    zookeeper.kill(number);
    kill_checked(child, SIGKILL);
    // Had it been the leader, the others must elect one first.
    ASSERT_TRUE(goes_within(2 * far_below_timeout, witness, "/node"))
        << guarded.guardian().output();
    fmt::print("killed together with its server, a {}: {}\n", kind, milliseconds(watch.elapsed()));
    EXPECT_TRUE(guarded.says("result=closed"));
}

TEST(Adoption, IsGivenUpInTimeWhenNoServerAnswers) {
    ZooKeeperServers zookeeper;
    Guarded guarded(session(zookeeper, long_timeout, {"/node"}));
    const pid_t child = guarded.ready_child();
    zookeeper.kill(0);
    kill_checked(child, SIGKILL);
    EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 128 + SIGKILL, .signal = 0}));
    EXPECT_TRUE(guarded.says("result=unreachable"));
}

TEST(Adoption, IsGivenUpInTimeWhenServersAcceptAndSayNothing) {
    ZooKeeperServers zookeeper;
    Guarded guarded(session(zookeeper, long_timeout, {"/node"}));
    const pid_t child = guarded.ready_child();
    zookeeper.pause(0);
    kill_checked(child, SIGKILL);
    EXPECT_EQ(guarded.guardian().wait(15s), (ExitStatus{.code = 128 + SIGKILL, .signal = 0}));
    EXPECT_TRUE(guarded.says("result=unreachable"));
}

TEST(Adoption, LeavesALostHostToTheSessionTimeout) {
    ZooKeeperServers zookeeper;
    RawSession witness(servers_of(zookeeper), 30s);
    Guarded guarded(session(zookeeper, "2000", {"/node"}));
    const pid_t child = guarded.ready_child();
    wait_until_there(witness, "/node");
    const Stopwatch watch;
    guarded.guardian().signal(SIGKILL);
    ASSERT_TRUE(eventually(10s, [&] { return !is_alive(child); }));
    EXPECT_TRUE(goes_within(10s, witness, "/node"));
    fmt::print("host lost, timeout 2 s: {}\n", milliseconds(watch.elapsed()));
    EXPECT_GT(watch.elapsed(), 500ms) << "something closed the session, though nobody was left";
}

/// Readable after five seconds, as the guardian's.
FileDescriptor five_seconds() {
    FileDescriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    const itimerspec when{.it_interval = {}, .it_value = {.tv_sec = 5, .tv_nsec = 0}};
    EXPECT_EQ(::timerfd_settime(timer.get(), 0, &when, nullptr), 0);
    return timer;
}

TEST(Adoption, FindsThatTheServersHaveEndedASession) {
    ZooKeeperServers zookeeper;
    RawSession closed(servers_of(zookeeper), 30s);
    const GuardedSession credentials = closed.credentials();
    closed.close();
    EXPECT_EQ(orchestrator::adopt_and_close(credentials, five_seconds().get()),
              Adoption::already_ended);
}

TEST(Adoption, LeavesASessionAloneWhosePasswordItDoesNotKnow) {
    ZooKeeperServers zookeeper;
    RawSession other(servers_of(zookeeper), 30s);
    other.create_ephemeral("/node");
    GuardedSession credentials = other.credentials();
    credentials.password.fill('x');
    EXPECT_EQ(orchestrator::adopt_and_close(credentials, five_seconds().get()),
              Adoption::already_ended);
    EXPECT_TRUE(other.exists("/node"));
}

}  // namespace
}  // namespace muster::test
