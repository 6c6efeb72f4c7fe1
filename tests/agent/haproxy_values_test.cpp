#include "agent/haproxy_values.hpp"

#include "agent/haproxy_commands.hpp"
#include "agent/haproxy_config.hpp"
#include "agent/haproxy_errc.hpp"
#include "tests/agent/hostile_states.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using test::full_state;
using test::HostileState;
using testing::HasSubstr;

/// In the configuration and on the command line alike, with the same words.
void expect_refused(const HostileState& row) {
    LbState state = full_state();
    row.spoil(state);
    const auto rendered = render_haproxy(state, {});
    ASSERT_FALSE(rendered) << row.name;
    EXPECT_EQ(rendered.error().code, HaproxyErrc::hostile_value);
    EXPECT_THAT(rendered.error().context, HasSubstr(row.complaint));
    for (const char c : rendered.error().context) EXPECT_TRUE(c >= ' ' && c < 127);
    const auto plan = plan_commands(state, {{"web:http", {}}}, {});
    ASSERT_FALSE(plan) << row.name;
    EXPECT_EQ(plan.error(), rendered.error());
}

TEST(HaproxyValues, OfEveryKindStandInTheConfiguration) {
    const auto rendered = render_haproxy(full_state(), {});
    EXPECT_TRUE(rendered) << rendered.error().message();
}

TEST(HaproxyValues, ThatCouldSmuggleADirectiveAreRefusedByName) {
    const std::vector<HostileState> rows = test::hostile_texts();
    EXPECT_GE(rows.size(), 90U);
    for (const HostileState& row : rows) expect_refused(row);
}

TEST(HaproxyValues, ThatMakeNoSenseAreRefusedByName) {
    for (const HostileState& row : test::senseless_numbers()) expect_refused(row);
}

TEST(HaproxyValues, OfSettingsAreRefusedByName) {
    const std::vector<std::pair<HaproxySettings, std::string_view>> rows = {
        {{.program = "haproxy"}, "program 'haproxy' must be an absolute path"},
        {{.config_file = "/a b"}, "config file"},
        {{.stats_socket = "/s level user"}, "stats socket"},
        {{.master_socket = ""}, "master socket"},
        {{.state_file = "/x\ny"}, "state file '/x\\x0ay'"},
        {{.peers_socket = "x"}, "peers socket"},
        {{.user = "root\n"}, "user"},
        {{.group = "a b"}, "group"},
        {{.log = "stdout format raw"}, "log"},
        {{.stats_address = "*"}, "stats address"},
        {{.max_connections = -1}, "max_connections"},
        {{.hard_stop_after = 0s}, "hard stop"},
        {{.cookie_key = ""}, "cookie key"},
        {{.own_checks = OwnChecks{.rise = 0}}, "own checks: rise"},
        {{.sticky_clients = 0}, "sticky clients"},
    };
    for (const auto& [settings, complaint] : rows) {
        const auto right = check_settings(settings);
        ASSERT_FALSE(right) << complaint;
        EXPECT_THAT(right.error().context, HasSubstr("settings: "));
        EXPECT_THAT(right.error().context, HasSubstr(complaint));
    }
}

TEST(HaproxyValues, AreShownEscapedAndShort) {
    LbState state = full_state();
    state.pools[0].servers[0].id = BackendId("\x1b[2J" + std::string(500, 'x'));
    EXPECT_EQ(check_values(state).error().context,
              "group 'web': server '\\x1b[2J" + std::string(76, 'x') +
                  "...' must have a name or host:port as its id");
}

}  // namespace
}  // namespace muster::agent
