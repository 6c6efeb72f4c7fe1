#include "agent/haproxy_counters.hpp"
#include "agent/haproxy_errc.hpp"
#include "tests/agent/haproxy_world.hpp"
#include "tests/support/eventually.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>
#include <string>

// HAProxy under a steady load: what changes at run time, and what a reload leaves as it was.
namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using test::HaproxyWorld;
using test::Load;
using test::Sites;
using testing::HasSubstr;

void expect_no_failures(const Load& load) {
    const Load::Counts counts = load.counts();
    EXPECT_GT(counts.sent, 0);
    EXPECT_EQ(counts.failed, 0) << counts.first_failure;
}

/// Who answers the next requests.
std::map<std::string, int> answering(const Load& load) {
    load.wait_for(8);  // those under way
    const Load::Counts before = load.counts();
    load.wait_for(60);
    Load::Counts after = load.counts();
    for (const auto& [site, count] : before.answered) after.answered[site] -= count;
    std::erase_if(after.answered, [](const auto& entry) { return entry.second == 0; });
    return after.answered;
}

std::vector<std::string> names(const std::map<std::string, int>& answered) {
    std::vector<std::string> all;
    for (const auto& [site, _] : answered) all.push_back(site);
    return all;
}

TEST(HaproxyUnderLoad, ChangesAtRunTimeWithoutAReloadAndWithoutAFailedRequest) {
    const Sites sites(4);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(3));
    world.start(state);
    const int worker = world.worker();
    const Load load(world.port());
    EXPECT_EQ(names(answering(load)), (std::vector<std::string>{"0", "1", "2"}));

    std::vector<Server>& servers = state.pools[0].servers;
    struct Step {
        std::string_view name;
        std::function<void()> change;
        int commands;
        std::vector<std::string> answering;
    };
    const std::vector<Step> steps = {
        {"DOWN", [&] { servers[0].state = ServerState::maintenance; }, 1, {"1", "2"}},
        {"UP", [&] { servers[0].state = ServerState::ready; }, 1, {"0", "1", "2"}},
        {"drain", [&] { servers[1].state = ServerState::drain; }, 1, {"0", "2"}},
        {"back", [&] { servers[1].state = ServerState::ready; }, 1, {"0", "1", "2"}},
        {"weight", [&] { servers[1].weight = 1000; }, 1, {"0", "1", "2"}},
        {"add", [&] { servers.push_back(sites.server(3)); }, 2, {"0", "1", "2", "3"}},
        {"move", [&] { servers[0].port = sites.port(1); }, 1, {"1", "2", "3"}},
        {"remove", [&] { servers.erase(servers.begin() + 2); }, 2, {"1", "3"}},
    };
    for (const Step& step : steps) {
        step.change();
        const auto applied = world.apply(state);
        ASSERT_TRUE(applied) << step.name << ": " << applied.error().message();
        EXPECT_FALSE(applied->reloaded) << step.name;
        EXPECT_EQ(applied->commands, step.commands) << step.name;
        EXPECT_EQ(names(answering(load)), step.answering) << step.name;
    }
    // What was removed may have had connections: it goes when they have ended.
    EXPECT_TRUE(test::eventually(10s, [&] { return world.apply(state) == Applied(); }));
    EXPECT_EQ(world.worker(), worker);
    expect_no_failures(load);
}

/// As clients hold it that want another answer later.
class KeptConnection {
 public:
    explicit KeptConnection(std::uint16_t port) {
        socket_.connect({asio::ip::make_address("127.0.0.1"), port});
    }
    void send(const std::string& text) { asio::write(socket_, asio::buffer(text)); }
    /// The head of the answer, in lower case.
    std::string ask() {
        send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        std::string text;
        text.resize(asio::read_until(socket_, asio::dynamic_buffer(text), "\r\n\r\n"));
        std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
        return text;
    }

 private:
    asio::io_context context_;
    asio::ip::tcp::socket socket_{context_};
};

TEST(HaproxyConnections, AreCountedAlsoThoseOfWorkersFromBeforeAReload) {
    const Sites sites(1);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    HaproxyCounters counters(world.settings(), world.clock());
    const auto open = [&] {
        const auto counted = world.run(counters.count_connections(state.listeners));
        return counted ? *counted : -1;
    };
    // Its master may not answer yet.
    EXPECT_TRUE(test::eventually(10s, [&] { return open() == 0; })) << open();
    std::optional<KeptConnection> idle(world.port());
    (void)idle->ask();
    std::optional<KeptConnection> busy(world.port());
    busy->send("GET / HTTP/1.1\r\n");
    EXPECT_TRUE(test::eventually(10s, [&] { return open() == 2; })) << open();
    state.pools[0].lb.algorithm = config::Algorithm::least_connections;
    ASSERT_TRUE(world.apply(state));
    // The idle one was closed; the other one is held by the worker that was there.
    EXPECT_TRUE(test::eventually(10s, [&] { return open() == 1; })) << open();
    busy.reset();
    EXPECT_TRUE(test::eventually(10s, [&] { return open() == 0; })) << open();
    config::Listener other = state.listeners[0];
    other.name = "comes-with-the-next-reload";
    EXPECT_FALSE(world.run(counters.count_connections({other})));
    world.kill_process();
    EXPECT_EQ(open(), -1);
}

TEST(HaproxyThatLeaves, TellsClientsSoWithoutAReload) {
    const Sites sites(1);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    const int worker = world.worker();
    const auto tells = [&] {
        return KeptConnection(world.port()).ask().contains("connection: close");
    };
    EXPECT_FALSE(tells());
    for (const bool leaves : {true, true, false, true}) {
        state.leaving = leaves;
        const auto applied = world.apply(state);
        ASSERT_TRUE(applied) << applied.error().message();
        EXPECT_FALSE(applied->reloaded);
        EXPECT_EQ(tells(), leaves);
        EXPECT_EQ(world.apply(state), Applied());
    }
    EXPECT_EQ(world.worker(), worker);
    // So it is after a reload, and after a restart without an agent.
    state.pools[0].lb.algorithm = config::Algorithm::least_connections;
    const auto reloaded = world.apply(state);
    ASSERT_TRUE(reloaded) << reloaded.error().message();
    EXPECT_TRUE(reloaded->reloaded);
    EXPECT_TRUE(tells());
    world.kill_process();
    world.start_process();
    EXPECT_TRUE(tells());
}

TEST(HaproxyUnderLoad, SendsByWeight) {
    const Sites sites(2);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(2));
    world.start(state);
    state.pools[0].servers[0].weight = 900;
    ASSERT_TRUE(world.apply(state));
    const Load load(world.port());
    auto answered = answering(load);
    EXPECT_GT(answered["0"], 4 * answered["1"]);
}

TEST(HaproxyUnderLoad, ReloadsOnceForAnotherStructureAndKeepsItsStates) {
    const Sites sites(4);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(3));
    state.pools[0].servers[0].state = ServerState::maintenance;
    world.start(state);
    // Made at run time, so a reload alone would lose it; so would it an address of the file.
    state.pools[0].servers.push_back(sites.server(3));
    state.pools[0].servers[1].port = sites.port(0);
    ASSERT_TRUE(world.apply(state));
    const int worker = world.worker();
    const Load load(world.port());
    EXPECT_EQ(names(answering(load)), (std::vector<std::string>{"0", "2", "3"}));

    state.pools[0].lb.algorithm = config::Algorithm::least_connections;
    const auto applied = world.apply(state);
    ASSERT_TRUE(applied) << applied.error().message();
    EXPECT_TRUE(applied->reloaded);
    const int second = world.worker();
    EXPECT_NE(second, worker);
    EXPECT_EQ(names(answering(load)), (std::vector<std::string>{"0", "2", "3"}));
    const auto again = world.apply(state);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, Applied());
    EXPECT_EQ(world.worker(), second);
    expect_no_failures(load);
}

TEST(HaproxyUnderLoad, ReloadsAgainAndAgainWithoutAFailedRequest) {
    const Sites sites(2);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(2));
    world.start(state);
    const Load load(world.port());
    for (int round = 1; round <= 5; ++round) {
        state.pools[0].lb.retries = round + 2;
        const auto applied = world.apply(state);
        ASSERT_TRUE(applied) << applied.error().message();
        EXPECT_TRUE(applied->reloaded);
        load.wait_for(50);
    }
    expect_no_failures(load);
}

TEST(HaproxyDrift, OfEveryKindIsMended) {
    const Sites sites(3);
    HaproxyWorld world;
    const LbState state = world.web(sites.servers(3));
    world.start(state);
    const int worker = world.worker();
    for (const std::string& foreign : {"set server web:http/s0 state maint",
                                       "set server web:http/s0 state drain",
                                       "set server web:http/s1 weight 1",
                                       "set server web:http/s1 addr 127.0.0.9 port 9",
                                       "set server web:http/s2 health down",
                                       "set server web:http/s2 health stopping",
                                       "add server web:http/alien 127.0.0.1:9 weight 5",
                                       "disable server web:http/s1"}) {
        (void)world.tell(foreign);
        const std::string spoilt = world.tell("show servers state");
        const auto applied = world.apply(state);
        ASSERT_TRUE(applied) << foreign << ": " << applied.error().message();
        EXPECT_GE(applied->commands, 1) << foreign;
        EXPECT_EQ(world.apply(state), Applied()) << foreign;
    }
    (void)world.tell("set server web:http/s0 state maint");
    EXPECT_EQ(world.tell("del server web:http/s0"), "Server deleted.");
    ASSERT_TRUE(world.apply(state));
    EXPECT_THAT(world.tell("show servers state"), HasSubstr(" s0 127.0.0.1 2 0 "));
    EXPECT_EQ(world.worker(), worker);
}

TEST(HaproxyThatComesBack, DoesWhatIsWantedAndDidSoFromItsStart) {
    const Sites sites(4);
    HaproxyWorld world;
    world.settings().file_interval = 1ms;
    LbState state = world.web(sites.servers(3));
    world.start(state);
    state.pools[0].servers[0].state = ServerState::maintenance;
    state.pools[0].servers[1].state = ServerState::drain;
    state.pools[0].servers.push_back(sites.server(3));
    ASSERT_TRUE(world.apply(state));
    world.kill_process();
    const auto gone = world.apply(state);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, HaproxyErrc::no_process);
    EXPECT_FALSE(world.check());

    world.start_process();
    {
        const Load load(world.port());
        EXPECT_EQ(names(answering(load)), (std::vector<std::string>{"2", "3"}))
            << "from the file alone";
        expect_no_failures(load);
    }
    state.pools[0].servers[0].state = ServerState::ready;
    const auto back = world.apply(state);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_FALSE(back->reloaded);
    EXPECT_TRUE(world.check());
    const Load load(world.port());
    EXPECT_EQ(names(answering(load)), (std::vector<std::string>{"0", "2", "3"}));
    EXPECT_EQ(world.apply(state), Applied());
}

TEST(HaproxyAgentThatComesBack, FindsNothingToDo) {
    const Sites sites(2);
    HaproxyWorld world;
    const LbState state = world.web(sites.servers(2));
    world.start(state);
    world.forget_driver();
    EXPECT_EQ(world.apply(state), Applied());
}

}  // namespace
}  // namespace muster::agent
