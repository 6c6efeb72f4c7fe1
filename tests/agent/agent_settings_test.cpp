#include "agent/agent_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

namespace muster::agent {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const std::string least = "zookeeper: [127.0.0.1:2181]\nfleet: edge\ninstance: lb1\nhaproxy: {}\n";

TEST(AgentSettings, NeedNoMoreThanThis) {
    const DecodedAgentSettings decoded = decode_agent_settings(least);
    EXPECT_THAT(decoded.problems, IsEmpty());
    EXPECT_EQ(decoded.settings.fleet, FleetName("edge"));
    EXPECT_EQ(decoded.settings.instance, InstanceId("lb1"));
    EXPECT_EQ(std::get<HaproxySettings>(decoded.settings.lb), HaproxySettings{});
}

TEST(AgentSettings, SayWhereHaproxyIs) {
    const DecodedAgentSettings decoded = decode_agent_settings(
        "zookeeper: [zk1:2181, zk2:2181]\nfleet: edge\ninstance: lb1\naddress: 192.0.2.1:80\n"
        "listen: 127.0.0.1:0\nlog: {format: json}\n"
        "haproxy:\n  config_file: /run/lb/haproxy.cfg\n  stats_socket: /run/lb/admin.sock\n"
        "  stats_port: 8404\n  own_checks: {interval: 30s}\n");
    EXPECT_THAT(decoded.problems, IsEmpty());
    const auto& haproxy = std::get<HaproxySettings>(decoded.settings.lb);
    EXPECT_EQ(haproxy.config_file, "/run/lb/haproxy.cfg");
    EXPECT_EQ(haproxy.stats_port, 8404);
    ASSERT_TRUE(haproxy.own_checks);
    EXPECT_EQ(haproxy.own_checks->interval, std::chrono::seconds(30));
}

TEST(AgentSettings, SayWherePrometheusFindsTheExporters) {
    const std::string beginning = "zookeeper: [a:1]\nfleet: e\ninstance: l\n";
    const auto exporters = [&](const std::string& rest) {
        const DecodedAgentSettings decoded = decode_agent_settings(beginning + rest);
        EXPECT_TRUE(decoded.problems.empty()) << rest;
        return exporters_of(decoded.settings, 9'710);
    };
    using Exporters = std::map<std::string, std::string>;
    EXPECT_EQ(exporters("haproxy: {stats_address: 192.0.2.1, stats_port: 8404}\n"),
              (Exporters{{"agent", "127.0.0.1:9710"}, {"lb", "192.0.2.1:8404"}}));
    EXPECT_EQ(exporters("haproxy: {}\nlisten: 0.0.0.0:0\n"), Exporters{});
    EXPECT_EQ(exporters("haproxy: {stats_address: '::', stats_port: 8404}\nlisten: '[::]:0'\n"
                        "address: '[2001:db8::1]:443'\n"),
              (Exporters{{"agent", "[2001:db8::1]:9710"}, {"lb", "[2001:db8::1]:8404"}}));
}

TEST(AgentSettings, NameAnotherKindOfLb) {
    const std::string rest = "zookeeper: [zk1:2181]\nfleet: edge\ninstance: lb1\n";
    const auto nginx = decode_agent_settings(
        rest + "nginx: {pid_file: /run/n.pid, stream_file: \"\", passive_checks: {failures: 5}}\n");
    EXPECT_THAT(nginx.problems, IsEmpty());
    EXPECT_EQ(lb_kind(nginx.settings), "nginx");
    EXPECT_EQ(std::get<NginxSettings>(nginx.settings.lb),
              (NginxSettings{.pid_file = "/run/n.pid",
                             .stream_file = "",
                             .passive_checks = PassiveChecks{.failures = 5}}));
    const auto envoy = decode_agent_settings(rest + "envoy: {directory: /run/envoy}\n");
    EXPECT_THAT(envoy.problems, IsEmpty());
    EXPECT_EQ(lb_kind(envoy.settings), "envoy");
    EXPECT_EQ(std::get<EnvoySettings>(envoy.settings.lb).directory, "/run/envoy");
}

TEST(AgentSettings, FromTheEnvironmentWinOverTheFile) {
    const std::map<std::string, std::string> environment = {
        {"MUSTER_AGENT_FLEET", "front"},
        {"MUSTER_AGENT_ZOOKEEPER", "a:1,b:2"},
        {"MUSTER_AGENT_HAPROXY_STATS_PORT", "8404"},
        {"MUSTER_AGENT_HAPROXY_OWN_CHECKS_RISE", "3"},
        {"MUSTER_AGENT_LOG_LEVEL", "error"},
        {"MUSTER_AGENT_INSTANCE", ""},
        {"MUSTER_CLUSTER", "of a node"},
    };
    const auto overrides = overrides_from_environment([&](const std::string& name) {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    });
    EXPECT_EQ(overrides.size(), 5U) << "an empty variable is not set";
    for (const std::string& file : {least, std::string("instance: lb1\nlog: {file: f}\n")}) {
        const DecodedAgentSettings decoded = decode_agent_settings(file, overrides);
        EXPECT_THAT(decoded.problems, IsEmpty());
        EXPECT_EQ(decoded.settings.fleet, FleetName("front"));
        EXPECT_EQ(decoded.settings.instance, InstanceId("lb1"));
        EXPECT_EQ(decoded.settings.cluster, "main");
        EXPECT_THAT(decoded.settings.zookeeper, testing::ElementsAre("a:1", "b:2"));
        const auto& haproxy = std::get<HaproxySettings>(decoded.settings.lb);
        EXPECT_EQ(haproxy.stats_port, 8404);
        EXPECT_EQ(haproxy.own_checks.value_or(OwnChecks{}).rise, 3);
        EXPECT_EQ(decoded.settings.log.level, log::Level::error);
    }
}

TEST(AgentSettings, FromTheEnvironmentAreJudgedAsThoseOfTheFile) {
    const std::vector<config::Override> overrides = {
        {.field = "haproxy.stats_port", .value = "x", .source = "MUSTER_AGENT_HAPROXY_STATS_PORT"}};
    const auto problems = decode_agent_settings(least, overrides).problems;
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems.front().path, "haproxy.stats_port");
    EXPECT_THAT(problems.front().what,
                testing::EndsWith("from 0 to 65535 (from MUSTER_AGENT_HAPROXY_STATS_PORT)"));
}

TEST(AgentSettings, FromTheEnvironmentAreFieldsOfTheFile) {
    const std::string own = "zookeeper: [zk1:2181]\nfleet: edge\ninstance: lb1\n";
    for (const config::SettingName& name : setting_names()) {
        // A byte that nothing allows: refused by the field's own rule, not as an unknown field.
        const bool of_lb =
            name.field.find('.') != std::string_view::npos && !name.field.starts_with("log");
        const auto decoded = decode_agent_settings(
            of_lb ? own : own + "haproxy: {}\n",
            {{.field = std::string(name.field), .value = "\x01", .source = "HERE"}});
        ASSERT_EQ(decoded.problems.size(), 1U) << name.field;
        EXPECT_TRUE(decoded.problems.front().path.starts_with(name.field))
            << decoded.problems.front().path;
        EXPECT_THAT(decoded.problems.front().what, testing::EndsWith("(from HERE)"));
        EXPECT_THAT(decoded.problems.front().what, testing::Not(HasSubstr("unknown")));
    }
}

struct Bad {
    const char* text;
    const char* path;
    const char* what;
};

TEST(AgentSettings, AreRefusedWithPlaceAndReason) {
    const Bad all[] = {
        {"fleet: edge\ninstance: lb1\nhaproxy: {}\n", "zookeeper", "a list of servers"},
        {"zookeeper: []\nfleet: e\ninstance: l\nhaproxy: {}\n", "zookeeper", "empty list"},
        {"zookeeper: [a:1]\ninstance: lb1\nhaproxy: {}\n", "fleet", "the name of a fleet"},
        {"zookeeper: [a:1]\nfleet: edge\nhaproxy: {}\n", "instance", "unique in its fleet"},
        {"zookeeper: [a:1]\nfleet: edge\ninstance: lb1\n", "", "names no LB"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nhaproxy: {}\nnginx: {}\n",
         "nginx",
         "stands beside haproxy"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nnginx: {reload_interval: -1s}\n",
         "nginx.reload_interval",
         "0s"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nenvoy: {directory: relative}\n",
         "envoy.directory",
         "absolute"},
        {"zookeeper: [a:1]\nfleet: a/b\ninstance: lb1\nhaproxy: {}\n", "fleet", "must be 1 to 128"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: \"l b\"\nhaproxy: {}\n",
         "instance",
         "must be 1 to"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nhaproxy: {socket: /x}\n",
         "haproxy.socket",
         "is not a field here"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nhaproxy: {config_file: x.cfg}\n",
         "haproxy.config_file",
         "absolute"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nhaproxy: {stats_port: 70000}\n",
         "haproxy.stats_port",
         "65535"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nhaproxy: {own_checks: {rise: 0}}\n",
         "haproxy.own_checks.rise",
         "from 1 to 100"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nhaproxy: {}\nlisten: lb1:9710\n",
         "listen",
         "must be an IP address and a port"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nhaproxy: {}\nlissten: 127.0.0.1:1\n",
         "lissten",
         "listen"},
        {"zookeeper: [a:1]\nfleet: e\ninstance: l\nhaproxy: {}\nsession_timeout: 1ms\n",
         "session_timeout",
         "200ms"},
    };
    for (const Bad& bad : all) {
        const DecodedAgentSettings decoded = decode_agent_settings(bad.text);
        ASSERT_EQ(decoded.problems.size(), 1U) << bad.text;
        EXPECT_EQ(decoded.problems[0].path, bad.path) << bad.text;
        EXPECT_THAT(decoded.problems[0].what, HasSubstr(bad.what)) << bad.text;
    }
}

}  // namespace
}  // namespace muster::agent
