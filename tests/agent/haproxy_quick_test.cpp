#include "agent/haproxy_errc.hpp"
#include "tests/agent/haproxy_world.hpp"
#include "tests/agent/socket_tap.hpp"
#include "tests/support/ports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

// The driver's quick way with Debian's HAProxy: what a flip costs, and what is noticed afterwards.
namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using test::HaproxyWorld;
using test::SocketTap;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// So many servers, of which none is asked anything.
std::vector<Server> servers(int count) {
    std::vector<Server> all;
    for (int i = 0; i < count; ++i) {
        all.push_back(test::server(fmt::format("s{:04}", i),
                                   fmt::format("127.1.{}.{}", i / 250, 1 + i % 250)));
    }
    return all;
}

/// Two groups with a listener each: "api" and "web".
LbState two_groups(const HaproxyWorld& world, int count) {
    LbState state = world.web(servers(count));
    config::Listener second = test::listener("api", "second");
    second.port = test::free_port();
    state.listeners.push_back(second);
    state.pools.insert(state.pools.begin(), test::pool("api", servers(count)));
    return state;
}

TEST(HaproxyFlip, CostsOneCommandAndReadsNothingFirst) {
    HaproxyWorld world;
    LbState state = two_groups(world, 1'000);
    world.start(state);
    SocketTap tap(world.settings().stats_socket);
    state.pools[1].servers[7].state = ServerState::maintenance;
    EXPECT_EQ(world.change_quickly(state), (Applied{.commands = 1}));
    const SocketTap::Counts flip = tap.take();
    EXPECT_THAT(flip.commands, ElementsAre("prompt", "set server web:http/s0007 state maint"));
    EXPECT_LT(flip.bytes_answered, 100U);

    EXPECT_EQ(world.confirm(), Applied());
    const SocketTap::Counts readback = tap.take();
    EXPECT_THAT(readback.commands,
                ElementsAre("prompt", "show info", "show servers state web:http"));
    EXPECT_LT(readback.bytes_answered, 1'000U * 120U) << "of one of two backends";
    EXPECT_EQ(world.confirm(), Applied());
    const SocketTap::Counts idle = tap.take();
    EXPECT_THAT(idle.commands, ElementsAre("prompt", "show info"));
    EXPECT_LT(idle.bytes_answered, 10'000U);
    EXPECT_THAT(world.tell("show servers state web:http"), HasSubstr(" s0007 127.1.0.8 0 1 "));
}

TEST(HaproxyFlip, BackAndForthBeforeItIsReadBack) {
    HaproxyWorld world;
    LbState state = world.web(servers(3));
    world.start(state);
    for (const ServerState next : {ServerState::maintenance,
                                   ServerState::ready,
                                   ServerState::drain,
                                   ServerState::maintenance,
                                   ServerState::ready}) {
        state.pools[0].servers[1].state = next;
        EXPECT_EQ(world.change_quickly(state), (Applied{.commands = 1}));
    }
    state.pools[0].servers[0].weight = 500;
    EXPECT_EQ(world.change_quickly(state), (Applied{.commands = 1}));
    EXPECT_EQ(world.change_quickly(state), Applied());
    EXPECT_EQ(world.confirm(), Applied());
    EXPECT_EQ(world.apply(state), Applied());
}

TEST(HaproxyFlip, TakesTheLongWayForEverythingElse) {
    HaproxyWorld world;
    const LbState state = world.web(servers(3));
    EXPECT_EQ(world.change_quickly(state), std::nullopt) << "nothing is known yet";
    world.start(state);
    SocketTap tap(world.settings().stats_socket);
    const auto expect_none = [&](auto spoil) {
        LbState wanted = state;
        spoil(wanted);
        EXPECT_EQ(world.change_quickly(wanted), std::nullopt);
    };
    expect_none([](LbState& s) { s.pools[0].servers.push_back(test::server("t")); });
    expect_none([](LbState& s) { s.pools[0].servers.pop_back(); });
    expect_none([](LbState& s) { s.pools[0].servers[0].address = "localhost"; });
    expect_none([](LbState& s) { s.pools[0].servers[0].max_connections = 9; });
    expect_none([](LbState& s) { s.pools[0].servers[0].address = "1\n2"; });
    expect_none([](LbState& s) { s.pools[0].servers[0].weight = -1; });
    expect_none([](LbState& s) { s.pools[0].lb.retries = 5; });
    expect_none([](LbState& s) { s.listeners[0].client_timeout = 7s; });
    expect_none([](LbState& s) { s.pools.push_back(test::pool("x", {})); });
    EXPECT_THAT(tap.take().commands, IsEmpty());
    EXPECT_EQ(world.change_quickly(state), Applied()) << "and forgets nothing over it";
}

TEST(HaproxyFlip, OfAServerThatSomebodyHasRemovedIsMended) {
    HaproxyWorld world;
    LbState state = world.web(servers(3));
    world.start(state);
    (void)world.tell("set server web:http/s0001 state maint");
    ASSERT_EQ(world.tell("del server web:http/s0001"), "Server deleted.");
    state.pools[0].servers[1].state = ServerState::drain;
    EXPECT_EQ(world.change_quickly(state), std::nullopt);
    ASSERT_TRUE(world.apply(state));
    EXPECT_EQ(world.apply(state), Applied());
}

TEST(HaproxyConfirm, MendsWhatSomebodyDidToATouchedBackend) {
    HaproxyWorld world;
    LbState state = two_groups(world, 3);
    world.start(state);
    for (const std::string foreign : {"set server web:http/s0002 state maint",
                                      "set server web:http/s0002 weight 1",
                                      "set server web:http/s0002 health down",
                                      "set server web:http/s0000 state drain"}) {
        ServerState& flips = state.pools[1].servers[0].state;
        flips = flips == ServerState::ready ? ServerState::maintenance : ServerState::ready;
        ASSERT_TRUE(world.change_quickly(state));
        (void)world.tell(foreign);
        const auto mended = world.confirm();
        ASSERT_TRUE(mended) << foreign << ": " << mended.error().message();
        EXPECT_GE(mended->commands, 1) << foreign;
        EXPECT_EQ(world.apply(state), Applied()) << foreign;
    }
}

TEST(HaproxyConfirm, LeavesABackendThatWasNotTouchedToTheNextApply) {
    HaproxyWorld world;
    LbState state = two_groups(world, 3);
    world.start(state);
    (void)world.tell("set server api:http/s0001 state maint");
    state.pools[1].servers[0].state = ServerState::maintenance;
    EXPECT_EQ(world.change_quickly(state), (Applied{.commands = 1}));
    EXPECT_EQ(world.confirm(), Applied());
    EXPECT_EQ(world.apply(state), (Applied{.commands = 1}));
}

TEST(HaproxyConfirm, MendsAHaproxyThatWasRestartedBehindItsBack) {
    HaproxyWorld world;
    world.settings().file_interval = 1h;
    LbState state = two_groups(world, 3);
    world.start(state);
    state.pools[1].servers[0].state = ServerState::maintenance;
    ASSERT_TRUE(world.change_quickly(state));
    ASSERT_EQ(world.confirm(), Applied());
    state.pools[0].servers[2].state = ServerState::drain;
    ASSERT_TRUE(world.change_quickly(state));
    ASSERT_EQ(world.confirm(), Applied());
    world.kill_process();
    const auto gone = world.confirm();
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, HaproxyErrc::no_process);
    world.start_process();
    const auto mended = world.apply(state);
    ASSERT_TRUE(mended) << mended.error().message();

    world.kill_process();
    world.start_process();
    (void)world.tell("set server web:http/s0000 state ready");
    (void)world.tell("set server api:http/s0002 state ready");
    // No flip since; and one that comes before it is noticed does no harm.
    state.pools[1].servers[1].state = ServerState::drain;
    (void)world.change_quickly(state);
    const auto noticed = world.confirm();
    ASSERT_TRUE(noticed) << noticed.error().message();
    EXPECT_GE(noticed->commands, 2);
    EXPECT_EQ(world.apply(state), Applied());
}

TEST(HaproxyConfirm, LetsTheFileFollowWhenItIsTime) {
    HaproxyWorld world;
    world.settings().file_interval = 1ms;
    LbState state = world.web(servers(2));
    world.start(state);
    state.pools[0].servers[0].state = ServerState::maintenance;
    ASSERT_TRUE(world.change_quickly(state));
    const std::string line = "server s0000 127.1.0.1:80";
    const auto is_disabled = [&] {
        const std::string text = test::read_file(world.settings().config_file);
        const std::size_t at = text.find(line);
        return text.substr(at, text.find('\n', at) - at).ends_with(" disabled");
    };
    EXPECT_FALSE(is_disabled()) << "no disk in a flip's way";
    EXPECT_EQ(world.confirm(), Applied());
    EXPECT_TRUE(is_disabled());
}

}  // namespace
}  // namespace muster::agent
