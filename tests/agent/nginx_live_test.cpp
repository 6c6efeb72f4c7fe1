#include "agent/nginx_errc.hpp"
#include "common/base/with_timeout.hpp"
#include "tests/agent/lb_traffic.hpp"
#include "tests/agent/nginx_world.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

// Debian's nginx under its driver: what a change costs, and what happens when it can't be had.
namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using test::Load;
using test::NginxWorld;
using test::Sites;
using testing::HasSubstr;
using Names = std::vector<std::string>;

void expect_no_failures(const Load& load) {
    const Load::Counts counts = load.counts();
    EXPECT_GT(counts.sent, 0);
    EXPECT_EQ(counts.failed, 0) << counts.first_failure;
}

TEST(NginxUnderLoad, ChangesByReloadsWithoutAFailedRequest) {
    const Sites sites(4);
    NginxWorld world;
    LbState state = world.web(sites.servers(3));
    world.start(state);
    const Load load(world.port());
    EXPECT_EQ(load.answering(), (Names{"0", "1", "2"}));

    std::vector<Server>& servers = state.pools[0].servers;
    struct Step {
        std::string_view name;
        std::function<void()> change;
        Names answering;
    };
    const std::vector<Step> steps = {
        {"DOWN", [&] { servers[0].state = ServerState::maintenance; }, {"1", "2"}},
        {"UP", [&] { servers[0].state = ServerState::ready; }, {"0", "1", "2"}},
        {"drain", [&] { servers[1].state = ServerState::drain; }, {"0", "2"}},
        {"back", [&] { servers[1].state = ServerState::ready; }, {"0", "1", "2"}},
        {"weight", [&] { servers[1].weight = 300; }, {"0", "1", "2"}},
        {"add", [&] { servers.push_back(sites.server(3)); }, {"0", "1", "2", "3"}},
        {"remove", [&] { servers.erase(servers.begin()); }, {"1", "2", "3"}},
        {"algorithm",
         [&] { state.pools[0].lb.algorithm = config::Algorithm::random_two_choices; },
         {"1", "2", "3"}},
    };
    for (const Step& step : steps) {
        step.change();
        const auto applied = world.apply(state);
        ASSERT_TRUE(applied) << step.name << ": " << applied.error().message();
        EXPECT_EQ(*applied, (Applied{.reloaded = true})) << step.name;
        EXPECT_EQ(load.answering(), step.answering) << step.name;
        EXPECT_EQ(world.apply(state), Applied()) << step.name;
    }
    EXPECT_EQ(world.reloads(), std::ssize(steps));
    EXPECT_TRUE(world.check());
    expect_no_failures(load);
    std::printf("%d requests, %d failed, %d reloads\n",
                load.counts().sent,
                load.counts().failed,
                world.reloads());
}

TEST(NginxReloads, ComeAtOnceAndThenNoOftenerThanTheSettingsSay) {
    const Sites sites(1);
    NginxWorld world;
    world.settings().reload_interval = 1s;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    const test::Stopwatch time;
    for (int weight = 1; weight <= 4; ++weight) {
        state.pools[0].servers[0].weight = weight;
        ASSERT_TRUE(world.apply(state));
        if (weight == 1) EXPECT_LT(time.elapsed(), 900ms * test::slowdown());
    }
    EXPECT_GE(time.elapsed(), 3s);
    EXPECT_EQ(world.reloads(), 4);
}

TEST(NginxReloads, ThatWaitForTheirTurnCanBeCalledOff) {
    const Sites sites(1);
    NginxWorld world;
    world.settings().reload_interval = 1h;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    state.pools[0].servers[0].weight = 1;
    ASSERT_TRUE(world.apply(state));
    const std::string file = world.http_file();
    state.pools[0].servers[0].weight = 2;
    const auto waited = world.run(with_timeout(world.clock(), 100ms, world.driver().apply(state)));
    EXPECT_EQ(waited.error().code, std::errc::timed_out);
    EXPECT_EQ(world.http_file(), file);
    EXPECT_EQ(world.reloads(), 1);
}

TEST(NginxDriver, KeepsWhatWasThereWhenNginxRefusesTheNew) {
    const Sites sites(2);
    NginxWorld world;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    const Load load(world.port());
    const std::string file = world.http_file();

    LbState bad = world.web(sites.servers(2));
    bad.listeners[0].tls.certificates = {world.directory() / "none.pem"};
    const auto refused = world.apply(bad);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, NginxErrc::bad_config);
    EXPECT_THAT(refused.error().context, HasSubstr("[emerg]"));
    EXPECT_THAT(refused.error().context, HasSubstr("none.pem"));
    EXPECT_EQ(world.http_file(), file);
    EXPECT_EQ(world.apply(bad), refused) << "without asking again";
    EXPECT_EQ(world.apply(state), Applied());
    EXPECT_EQ(world.reloads(), 0);
    EXPECT_EQ(load.answering(), Names{"0"});
    ASSERT_TRUE(world.apply(world.web(sites.servers(2))));
    EXPECT_EQ(load.answering(), (Names{"0", "1"}));
    expect_no_failures(load);
}

TEST(NginxDriver, KeepsWhatWasThereWhenAPortIsTaken) {
    const Sites sites(2);
    NginxWorld world;
    world.settings().reload_timeout = 4s;  // nginx tries to bind for 2.5 s
    LbState state = world.web(sites.servers(1));
    world.start(state);
    const std::string file = world.http_file();
    LbState moved = world.web(sites.servers(1));
    moved.listeners[0].port = sites.port(1);
    const auto refused = world.apply(moved);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, NginxErrc::reload_failed);
    EXPECT_EQ(world.http_file(), file);
    EXPECT_EQ(world.get("/").body, "0");
    EXPECT_EQ(world.apply(state), Applied());
}

TEST(NginxDriver, MakesTheFilesWithoutNginx) {
    const Sites sites(1);
    NginxWorld world;
    const LbState state = world.web(sites.servers(1));
    EXPECT_EQ(world.apply(state).error().code, NginxErrc::no_process);
    EXPECT_EQ(world.check().error().code, NginxErrc::no_process);
    world.start_process();
    EXPECT_EQ(world.get("/").body, "0");
    EXPECT_EQ(world.apply(state), Applied());
    EXPECT_EQ(world.reloads(), 0);
}

TEST(NginxDriver, FindsANginxThatWasRestartedBehindItsBack) {
    const Sites sites(2);
    NginxWorld world;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    world.kill_process();
    EXPECT_EQ(world.check().error().code, NginxErrc::no_process);
    EXPECT_EQ(world.apply(state).error().code, NginxErrc::no_process);
    world.start_process();
    EXPECT_EQ(world.apply(state), Applied());
    EXPECT_EQ(world.get("/").body, "0");
    state.pools[0].servers = {sites.server(1)};
    EXPECT_EQ(world.apply(state), (Applied{.reloaded = true}));
    EXPECT_EQ(world.get("/").body, "1");
}

TEST(NginxDriver, SignalsNobodyButNginx) {
    const Sites sites(1);
    NginxWorld world;
    const LbState state = world.web(sites.servers(1));
    // SIGHUP would end this test.
    for (const std::string& pid : {std::to_string(::getpid()),
                                   std::string("1"),
                                   std::string("0"),
                                   std::string("-1"),
                                   std::string("x"),
                                   std::string()}) {
        world.directory().write("nginx.pid", pid + "\n");
        world.forget_driver();
        std::filesystem::remove(world.settings().http_file);
        EXPECT_EQ(world.apply(state).error().code, NginxErrc::no_process) << pid;
    }
}

TEST(NginxDriver, TakesUpWhatAnotherAgentHadBegun) {
    const Sites sites(2);
    NginxWorld world;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    const std::string good = world.http_file();
    const NginxFiles files(world.settings());

    ASSERT_TRUE(files.change({.http = "neither tested nor loaded"}));
    world.forget_driver();
    EXPECT_EQ(world.apply(state), (Applied{.reloaded = true}));
    EXPECT_EQ(world.http_file(), good);

    ASSERT_TRUE(files.change({.http = "neither tested nor loaded"}));
    world.forget_driver();
    LbState bad = state;
    bad.listeners[0].tls.certificates = {world.directory() / "none.pem"};
    EXPECT_EQ(world.apply(bad).error().code, NginxErrc::bad_config);
    EXPECT_EQ(world.http_file(), good);
    EXPECT_FALSE(std::filesystem::exists(world.settings().http_file + ".before"));
}

TEST(NginxDriver, LooksNamesUpAndDoesNotLetOneStopTheOthers) {
    const Sites sites(2);
    NginxWorld world;
    LbState state = world.web(sites.servers(2));
    state.pools[0].servers[0].address = "localhost";
    state.pools[0].servers[1].address = "no-such-name.invalid";
    (void)world.apply(state);
    world.start_process();
    const auto applied = world.apply(state);
    ASSERT_TRUE(applied);
    EXPECT_THAT(applied->notes, testing::ElementsAre(HasSubstr("no-such-name.invalid")));
    EXPECT_THAT(world.http_file(), testing::ContainsRegex("server (127.0.0.1|\\[::1\\]):.*# s0"));
}

TEST(NginxCheck, SaysWhichListenerDoesNotAccept) {
    const Sites sites(1);
    NginxWorld world;
    LbState state = world.web(sites.servers(1));
    world.start(state);
    EXPECT_TRUE(world.check());
    // The operator's configuration doesn't include ours any more.
    std::string config = test::read_file(world.settings().config_file);
    config.erase(config.find("    include"),
                 config.find(';', config.find("    include")) + 1 - config.find("    include"));
    world.directory().write("nginx.conf", config);
    world.process().signal(SIGHUP);
    EXPECT_TRUE(test::eventually(10s, [&] { return !world.check(); }));
    EXPECT_EQ(world.check().error().context,
              "listener 'front' on port " + std::to_string(world.port()));
}

}  // namespace
}  // namespace muster::agent
