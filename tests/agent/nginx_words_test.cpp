#include "agent/nginx_words.hpp"

#include "agent/nginx_config.hpp"
#include "agent/nginx_errc.hpp"
#include "tests/agent/hostile_states.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using test::full_state;
using test::HostileState;
using testing::HasSubstr;

TEST(NginxValues, OfEveryKindStandInTheFiles) {
    const auto rendered = render_nginx(full_state(), {});
    EXPECT_TRUE(rendered) << rendered.error().message();
}

TEST(NginxValues, ThatCouldSmuggleADirectiveOrMakeNoSenseAreRefusedByName) {
    std::vector<HostileState> rows = test::hostile_texts();
    std::ranges::copy(test::senseless_numbers(), std::back_inserter(rows));
    EXPECT_GE(rows.size(), 110U);
    for (const HostileState& row : rows) {
        LbState state = full_state();
        row.spoil(state);
        const auto rendered = render_nginx(state, {});
        ASSERT_FALSE(rendered) << row.name;
        EXPECT_EQ(rendered.error().code, NginxErrc::hostile_value);
        EXPECT_THAT(rendered.error().context, HasSubstr(row.complaint));
    }
}

TEST(NginxValues, OfSettingsAreRefusedByName) {
    const std::vector<std::pair<NginxSettings, std::string_view>> rows = {
        {{.program = "nginx"}, "program 'nginx' must be an absolute path"},
        {{.config_file = "/a b"}, "config file"},
        {{.pid_file = ""}, "pid file"},
        {{.error_log = "syslog:server=unix:/dev/log"}, "error log"},
        {{.http_file = "/x;\ny"}, "http file '/x;\\x0ay'"},
        {{.stream_file = "/x{"}, "stream file"},
        {{.http_file = "/x", .stream_file = "/x"}, "stream file '/x' is the http file"},
        {{.idle_connections = -1}, "idle connections"},
        {{.passive_checks = PassiveChecks{.failures = 0}}, "passive checks: failures"},
        {{.passive_checks = PassiveChecks{.timeout = 0s}}, "passive checks: timeout"},
    };
    for (const auto& [settings, complaint] : rows) {
        const auto right = check_for_nginx({}, settings);
        ASSERT_FALSE(right) << complaint;
        EXPECT_THAT(right.error().context, HasSubstr("settings: "));
        EXPECT_THAT(right.error().context, HasSubstr(complaint));
    }
}

TEST(NginxAddress, ThatALookUpGaveIsNotTrustedEither) {
    LbState state = full_state();
    state.pools[0].servers[0].address = "b.example.org";
    const auto rendered =
        render_nginx(state, {}, {.addresses = {{"b.example.org", "10.0.0.1; include /x"}}});
    EXPECT_THAT(rendered->http, testing::Not(HasSubstr("include")));
    EXPECT_THAT(rendered->notes, testing::Contains(HasSubstr("no address is known")));
}

TEST(NginxName, IsAnotherForAnotherGroupWhateverTheCase) {
    EXPECT_EQ(nginx_name("web-1.eu"), "web-1.eu");
    EXPECT_EQ(nginx_name("Web"), "_web");
    EXPECT_EQ(nginx_name("_web"), "__web");
    EXPECT_EQ(upstream_name({GroupName("a_B"), config::ListenMode::tcp}), "muster_tcp_a___b");
}

TEST(NginxPath, BecomesAPatternOfWhatNginxComparesItWith) {
    struct Row {
        std::string_view path;
        std::string_view pattern;
    };
    for (const Row& row : {
             Row{"/api/", "^/api/"},
             Row{"/v1.0", "^/v1\\x2E0"},
             Row{"/a(b)*+", "^/a\\x28b\\x29\\x2A\\x2B"},
             Row{"/a%20b", "^/a\\x20b"},
             Row{"/%2e%7Bx", "^/\\x2E\\x7Bx"},
             Row{"/%", "^/\\x25"},
             Row{"/%2", "^/\\x252"},
             Row{"/%zz", "^/\\x25zz"},
             Row{"/%00", "^/\\x00"},
         })
        EXPECT_EQ(path_pattern(row.path), row.pattern) << row.path;
}

TEST(NginxRate, IsTheNearestInAMinuteAndNeverNone) {
    EXPECT_EQ(rate_per_minute(20, 3s), 400);
    EXPECT_EQ(rate_per_minute(1, 1h), 1);
    EXPECT_EQ(rate_per_minute(2147483647, 1ms), 60'000'000);
}

}  // namespace
}  // namespace muster::agent
