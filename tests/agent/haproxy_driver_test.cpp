#include "agent/haproxy_check.hpp"
#include "agent/haproxy_config.hpp"
#include "agent/haproxy_errc.hpp"
#include "tests/agent/haproxy_world.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

// The driver with Debian's HAProxy: configurations, refusals, stickiness, limits and size.
namespace muster::agent {
namespace {

using config::Algorithm;
using config::ListenMode;
using namespace std::chrono_literals;
using test::HaproxyWorld;
using test::Sites;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What `haproxy -c` says of it: nothing when all is well.
std::string complaint(HaproxyWorld& world, const LbState& state) {
    const auto made = render_haproxy(state, world.settings());
    if (!made) return made.error().message();
    const std::string file = world.directory().write("checked.cfg", made->text);
    const auto right = world.run(check_config(world.clock(), "/usr/sbin/haproxy", file, 60s));
    return right ? "" : right.error().message();
}

TEST(HaproxyCheck, PassesEveryAlgorithmInBothModesWithEveryStickiness) {
    HaproxyWorld world;
    for (int algorithm = 0; algorithm <= static_cast<int>(Algorithm::random_two_choices);
         ++algorithm) {
        LbState state;
        for (const ListenMode mode : {ListenMode::http, ListenMode::tcp}) {
            for (const std::string_view sticky : {"none", "cookie", "source"}) {
                const std::string name =
                    fmt::format("{}-{}", sticky, mode == ListenMode::http ? "http" : "tcp");
                Pool pool = test::pool(name, {test::server("[::1]:80", "::1"), test::server("b")});
                pool.lb.algorithm = Algorithm(algorithm);
                if (sticky == "cookie") pool.lb.sticky_cookie = "SRV";
                pool.lb.sticky_source = sticky == "source";
                config::Listener listener = test::listener(name, name);
                listener.mode = mode;
                listener.port = static_cast<std::uint16_t>(8'000 + state.listeners.size());
                state.listeners.push_back(listener);
                state.pools.push_back(pool);
            }
        }
        EXPECT_EQ(complaint(world, state), "") << algorithm;
    }
}

TEST(HaproxyCheck, PassesEveryOption) {
    HaproxyWorld world;
    const std::string pem = world.directory().write("a.pem", test::Authority().issue({}).both());
    world.settings().own_checks = OwnChecks();
    world.settings().stats_port = 9'101;
    world.settings().max_connections = 1'000;
    world.settings().log = "/dev/log";
    LbState state = world.web({test::server("a"), test::server("name", "localhost")});
    state.pools[0].servers[0].max_connections = 5;
    state.pools[0].servers[0].state = ServerState::maintenance;
    state.pools[0].lb.retries = 0;
    for (const std::string_view address : {"", "127.0.0.1", "::1"}) {
        for (const std::string_view version : {"1.0", "1.1", "1.2", "1.3"}) {
            config::Listener listener =
                test::listener("web", fmt::format("l{}", state.listeners.size()));
            listener.address = address;
            listener.port = static_cast<std::uint16_t>(8'000 + state.listeners.size());
            listener.tls = {.certificates = {pem, pem}, .minimum = std::string(version)};
            listener.limits = {
                .connections = 10, .connections_per_client = 2, .requests_per_client = 9};
            listener.routes = {
                {.host = "*.example.org", .group = GroupName("web")},
                {.host = "10.0.0.1", .path = "/-._~%!&()*+,:=@", .group = GroupName("none")}};
            state.listeners.push_back(listener);
        }
    }
    EXPECT_EQ(complaint(world, state), "");
}

TEST(HaproxyCheck, TellsWhatHaproxySays) {
    HaproxyWorld world;
    const std::string file = world.directory().write("bad.cfg", "global\n    nonsense\n");
    const auto wrong = world.run(check_config(world.clock(), "/usr/sbin/haproxy", file, 60s));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, HaproxyErrc::bad_config);
    EXPECT_THAT(wrong.error().context, HasSubstr("unknown keyword 'nonsense'"));
    EXPECT_EQ(world.run(check_config(world.clock(), "/no/program", file, 60s)).error().code,
              std::errc::no_such_file_or_directory);
}

TEST(HaproxyCheck, EndsAProgramThatDoesNot) {
    HaproxyWorld world;
    const std::string program = world.directory().write(
        "stuck", "#!/bin/sh\necho $$ > \"$3.pid\"\nexec tail -f /dev/null\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    const std::string file = world.directory() / "x.cfg";
    EXPECT_EQ(world.run(check_config(world.clock(), program, file, 1s)).error().code,
              std::errc::timed_out);
    const pid_t pid = std::stoi(test::read_file(file + ".pid"));
    EXPECT_GT(pid, 1);
    EXPECT_FALSE(test::is_alive(pid));
}

TEST(HaproxyDriver, WritesTheFileWhenThereIsNoHaproxy) {
    HaproxyWorld world;
    const auto applied = world.apply(world.web({test::server("a")}));
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, HaproxyErrc::no_process);
    EXPECT_THAT(test::read_file(world.settings().config_file), HasSubstr("server a 10.0.0.1:80"));
    EXPECT_EQ(world.check().error().code, HaproxyErrc::no_process);
}

TEST(HaproxyDriver, KeepsTheOldFileWhenHaproxyRejectsTheNewOneAndStillMovesServers) {
    const Sites sites(2);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(2));
    world.start(state);
    const int worker = world.worker();
    const std::string file = test::read_file(world.settings().config_file);
    state.listeners[0].tls.certificates = {world.directory() / "missing.pem"};
    state.pools[0].servers[0].state = ServerState::maintenance;
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto applied = world.apply(state);
        ASSERT_FALSE(applied);
        EXPECT_EQ(applied.error().code, HaproxyErrc::bad_config);
        EXPECT_THAT(applied.error().context, HasSubstr("missing.pem"));
    }
    EXPECT_EQ(test::read_file(world.settings().config_file), file);
    EXPECT_EQ(world.worker(), worker);
    EXPECT_EQ(world.get("/").body, "1");
    state.listeners[0].tls.certificates.clear();
    const auto mended = world.apply(state);
    ASSERT_TRUE(mended) << mended.error().message();
    EXPECT_FALSE(mended->reloaded);
}

TEST(HaproxyDriver, TakesTheOldFileBackWhenTheNewWorkerCanNotStart) {
    const Sites sites(1);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    const std::string file = test::read_file(world.settings().config_file);
    config::Listener taken = test::listener("web", "taken");
    taken.port = sites.port(0);
    state.listeners.push_back(taken);
    const auto applied = world.apply(state);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, HaproxyErrc::reload_failed) << applied.error().message();
    EXPECT_EQ(test::read_file(world.settings().config_file), file);
    EXPECT_EQ(world.get("/").body, "0");
    state.listeners[1].port = test::free_port();
    const auto mended = world.apply(state);
    ASSERT_TRUE(mended) << mended.error().message();
    EXPECT_TRUE(mended->reloaded);
    EXPECT_TRUE(world.check());
}

TEST(HaproxyDriver, BringsInAnotherCertificateInTheSameFile) {
    const Sites sites(1);
    HaproxyWorld world;
    const test::Authority authority;
    const std::string pem = world.directory().write("a.pem", authority.issue({}).both());
    LbState state = world.web(sites.servers(1));
    state.listeners[0].tls.certificates = {pem};
    world.start(state);
    EXPECT_EQ(world.apply(state), Applied());
    world.directory().write("a.pem", authority.issue({}).both());
    const auto applied = world.apply(state);
    ASSERT_TRUE(applied) << applied.error().message();
    EXPECT_EQ(*applied, Applied{.certificates = 1});
    // Not one that is none: a note tells.
    world.directory().write("a.pem", "none");
    const auto refused = world.apply(state);
    ASSERT_TRUE(refused) << refused.error().message();
    EXPECT_FALSE(refused->reloaded);
    EXPECT_THAT(refused->notes, ElementsAre(HasSubstr("has no certificate")));
}

TEST(HaproxyRoutes, GoByHostAndPathAndElseNowhere) {
    const Sites sites(2);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(1));
    Pool api = test::pool("api", {sites.server(1)});
    state.pools.insert(state.pools.begin(), api);
    state.listeners[0].group = {};
    state.listeners[0].routes = {{.path = "/api/", .group = GroupName("api")},
                                 {.host = "LOCALHOST", .group = GroupName("web")}};
    world.start(state);
    EXPECT_EQ(world.get("/api/x").body, "1");
    EXPECT_EQ(world.get("/x", {}, "localhost").body, "0");
    EXPECT_EQ(world.get("/x").status, 404);
    EXPECT_EQ(world.get("/apix").status, 404);
}

TEST(HaproxyLimits, AnswerAFlood) {
    const Sites sites(1);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(1));
    state.listeners[0].limits = {.requests_per_client = 5, .period = 60s};
    world.start(state);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(world.get("/").status, 200);
    EXPECT_EQ(world.get("/").status, 429);
}

TEST(HaproxyStickiness, ByCookieOutlastsAddedServersAndAReload) {
    const Sites sites(5);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(2));
    state.pools[0].lb.sticky_cookie = "SRV";
    world.start(state);
    std::map<std::string, std::string> cookies;
    const auto collect = [&] {
        for (int i = 0; i < 20; ++i) {
            const auto answer = world.get("/");
            const std::string cookie(answer.field("set-cookie").value_or("none"));
            const auto [at, fresh] =
                cookies.emplace(answer.body, cookie.substr(0, cookie.find(';')));
            EXPECT_EQ(at->second, cookie.substr(0, cookie.find(';'))) << "of " << answer.body;
        }
    };
    const auto expect_sticky = [&] {
        for (const auto& [site, cookie] : cookies) {
            for (int i = 0; i < 4; ++i)
                EXPECT_EQ(world.get("/", {{.name = "cookie", .value = cookie}}).body, site);
        }
    };
    collect();
    EXPECT_EQ(cookies.size(), 2U);
    for (const std::size_t added : {2U, 3U, 4U}) {
        state.pools[0].servers.push_back(sites.server(added));
        const auto applied = world.apply(state);
        ASSERT_TRUE(applied) << applied.error().message();
        EXPECT_FALSE(applied->reloaded);
        collect();
        EXPECT_EQ(cookies.size(), added + 1);
        expect_sticky();
    }
    // A client of one that drains stays; that of one in maintenance is sent elsewhere.
    state.pools[0].servers[0].state = ServerState::drain;
    ASSERT_TRUE(world.apply(state));
    expect_sticky();
    state.pools[0].lb.retries = 3;
    ASSERT_TRUE(world.apply(state).value().reloaded);
    expect_sticky();
    state.pools[0].servers[0].state = ServerState::maintenance;
    ASSERT_TRUE(world.apply(state));
    const auto moved = world.get("/", {{.name = "cookie", .value = cookies["0"]}});
    EXPECT_EQ(moved.status, 200);
    EXPECT_NE(moved.body, "0");
}

TEST(HaproxyStickiness, BySourceOutlastsAReload) {
    const Sites sites(3);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(3));
    state.pools[0].lb.sticky_source = true;
    world.start(state);
    const std::string site = world.get("/").body;
    // A worker teaches another once it has given up learning itself, 5 s after its start.
    EXPECT_TRUE(test::eventually(20s, [&] {
        const std::string info = world.tell("show info");
        return std::stoi(info.substr(info.find("Uptime_sec: ") + 12)) >= 7;
    }));
    for (int round = 0; round < 2; ++round) {
        state.pools[0].lb.retries = 3 + round;
        ASSERT_TRUE(world.apply(state).value().reloaded);
        // The old worker teaches the new one over the peers' socket, which takes a moment.
        EXPECT_TRUE(test::eventually(
            10s, [&] { return world.tell("show table web:http").contains("server_id="); }));
        EXPECT_EQ(world.get("/").body, site);
    }
}

/// A connection on which a request has been answered, and which stays open.
class Client {
 public:
    explicit Client(std::uint16_t port) : socket_(io_) {
        socket_.connect({asio::ip::address_v4::loopback(), port});
    }
    std::string get() {
        asio::write(socket_, asio::buffer(std::string("GET / HTTP/1.1\r\nhost: x\r\n\r\n")));
        std::string received;
        asio::read_until(socket_, asio::dynamic_buffer(received), "\r\n\r\n");
        return received.substr(0, received.find('\r'));
    }

 private:
    asio::io_context io_;
    asio::ip::tcp::socket socket_;
};

TEST(HaproxyRemoval, WaitsForConnectionsAndEndsThemOnlyAfterItsTime) {
    const Sites sites(2);
    HaproxyWorld world;
    world.settings().removal_timeout = 300ms;
    LbState state = world.web(sites.servers(2));
    state.listeners[0].mode = ListenMode::tcp;
    world.start(state);
    Client first(world.port());
    Client second(world.port());
    EXPECT_EQ(first.get(), "HTTP/1.1 200 OK");
    EXPECT_EQ(second.get(), "HTTP/1.1 200 OK");
    state.pools[0].servers.pop_back();
    const auto applied = world.apply(state);
    ASSERT_TRUE(applied) << applied.error().message();
    EXPECT_THAT(applied->notes,
                ElementsAre("web:tcp/s1 is removed once its connections have ended"));
    EXPECT_EQ(first.get(), "HTTP/1.1 200 OK");
    EXPECT_EQ(second.get(), "HTTP/1.1 200 OK");
    EXPECT_TRUE(test::eventually(10s, [&] { return world.apply(state) == Applied(); }));
    EXPECT_THAT(world.tell("show servers state"), Not(HasSubstr(" s1 ")));
}

TEST(HaproxyLimitsOfServers, FollowWithoutAReload) {
    const Sites sites(2);
    HaproxyWorld world;
    LbState state = world.web(sites.servers(2));
    state.pools[0].servers[0].max_connections = 10;
    world.start(state);
    state.pools[0].servers[0].max_connections = 20;
    state.pools[0].servers[1].max_connections = 30;
    const auto applied = world.apply(state);
    ASSERT_TRUE(applied) << applied.error().message();
    EXPECT_EQ(*applied, (Applied{.commands = 2}));
    EXPECT_EQ(world.apply(state), Applied());
}

TEST(HaproxyOwnChecks, TakeOutWhatTheyFindDown) {
    const Sites sites(2);
    HaproxyWorld world;
    world.settings().own_checks = OwnChecks{.interval = 20ms, .rise = 1, .fall = 1};
    LbState state = world.web(sites.servers(1));
    world.start(state);
    Server dead = sites.server(1);
    dead.port = test::free_port();
    state.pools[0].servers.push_back(dead);
    ASSERT_TRUE(world.apply(state));
    EXPECT_TRUE(test::eventually(
        10s, [&] { return world.tell("show servers state").contains(" s1 127.0.0.1 0 0 "); }));
    EXPECT_EQ(world.apply(state), Applied()) << "it has reasons of its own";
}

TEST(HaproxyOfFiveThousandServers, IsToldInSecondsAndFlippedByOneCommand) {
    HaproxyWorld world;
    LbState state = world.web({});
    // What 5,000 have anyway, so that the structure stays.
    state.pools[0].lb.algorithm = Algorithm::least_connections;
    world.start(state);
    for (int i = 0; i < 5'000; ++i) {
        state.pools[0].servers.push_back(test::server(
            fmt::format("b{:04}", i), fmt::format("127.1.{}.{}", i / 250, 1 + i % 250)));
    }
    const auto print = [](std::string_view what, const test::Stopwatch& watch) {
        const std::chrono::duration<double, std::milli> spent = watch.elapsed();
        fmt::print("5,000 servers, {}: {:.0f} ms\n", what, spent.count());
    };
    const test::Stopwatch cold;
    EXPECT_EQ(world.apply(state), (Applied{.commands = 10'000}));
    print("added at run time", cold);
    EXPECT_LT(cold.elapsed(), 20s * test::slowdown());
    state.pools[0].lb.retries = 3;
    const test::Stopwatch reload;
    const auto reloaded = world.apply(state);
    ASSERT_TRUE(reloaded) << reloaded.error().message();
    EXPECT_TRUE(reloaded->reloaded);
    print("by a reload", reload);

    const int worker = world.worker();
    for (Server& server : state.pools[0].servers) server.state = ServerState::maintenance;
    const test::Stopwatch all;
    EXPECT_EQ(world.apply(state), (Applied{.commands = 5'000}));
    print("all of them flipped", all);
    state.pools[0].servers[77].state = ServerState::ready;
    const test::Stopwatch one;
    EXPECT_EQ(world.apply(state), (Applied{.commands = 1}));
    print("one flip", one);
    const test::Stopwatch none;
    EXPECT_EQ(world.apply(state), Applied());
    print("nothing to do", none);
    EXPECT_EQ(world.worker(), worker);
}

}  // namespace
}  // namespace muster::agent
