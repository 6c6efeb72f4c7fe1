#include "common/config/node_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace muster::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> said(std::string_view text, const std::vector<Override>& overrides = {}) {
    std::vector<std::string> texts;
    for (const Problem& problem : decode_node_settings(text, overrides).problems)
        texts.push_back(to_string(problem));
    return texts;
}

TEST(NodeSettings, AreReadFromYaml) {
    const DecodedNodeSettings decoded = decode_node_settings(R"(
node: n1
cluster: prod
zookeeper: ["127.0.0.1:2181", zk-2.example.org:2181, "[::1]:2181"]
session_timeout: 4s
zookeeper_tick: 400ms
zookeeper_auth_file: /etc/muster/zookeeper
zone: a
capacity: 200
prober_threads: 2
listen: 0.0.0.0:8080
token_file: /etc/muster/token
state_dir: /srv/muster
tls_dir: /etc/muster/tls
secrets_dir: /etc/muster/secrets
commands:
  ssh:
    program: /usr/lib/nagios/plugins/check_ssh
    arguments: [-p, "{port}"]
    user: probe
    memory_mib: 64
    cpu_seconds: 2
plugins: {age: {program: /opt/age.py}}
source_addresses: [192.0.2.7, "2001:db8::7"]
canaries: ["192.0.2.1:53", gateway.example.org:179]
max_commands: 8
max_probes: 9000
max_probes_per_second: 5000
max_handshakes_per_second: 300
log: {level: debug, format: json, file: /var/log/muster.log}
)");
    EXPECT_THAT(decoded.problems, IsEmpty());
    const NodeSettings& settings = decoded.settings;
    EXPECT_EQ(settings.node, NodeId("n1"));
    EXPECT_EQ(settings.cluster, "prod");
    EXPECT_THAT(settings.zookeeper,
                ElementsAre("127.0.0.1:2181", "zk-2.example.org:2181", "[::1]:2181"));
    EXPECT_EQ(settings.session_timeout, Duration(4s));
    EXPECT_EQ(settings.zookeeper_tick, Duration(400ms));
    EXPECT_EQ(settings.zookeeper_auth_file, "/etc/muster/zookeeper");
    EXPECT_EQ(settings.zone, "a");
    EXPECT_EQ(settings.capacity, 200);
    EXPECT_EQ(settings.prober_threads, 2);
    EXPECT_EQ(settings.listen, "0.0.0.0:8080");
    EXPECT_EQ(settings.token_file, "/etc/muster/token");
    EXPECT_EQ(settings.state_dir, "/srv/muster");
    EXPECT_EQ(settings.tls_dir, "/etc/muster/tls");
    EXPECT_EQ(settings.secrets_dir, "/etc/muster/secrets");
    EXPECT_EQ(settings.commands,
              (Programs{{"ssh",
                         {.program = "/usr/lib/nagios/plugins/check_ssh",
                          .arguments = {"-p", "{port}"},
                          .user = "probe",
                          .memory_mib = 64,
                          .cpu_seconds = 2}}}));
    EXPECT_EQ(settings.plugins, (Programs{{"age", {.program = "/opt/age.py"}}}));
    EXPECT_THAT(settings.source_addresses, ElementsAre("192.0.2.7", "2001:db8::7"));
    EXPECT_THAT(settings.canaries, ElementsAre("192.0.2.1:53", "gateway.example.org:179"));
    EXPECT_EQ(settings.max_commands, 8);
    EXPECT_EQ(settings.max_probes, 9000);
    EXPECT_EQ(settings.max_probes_per_second, 5000);
    EXPECT_EQ(settings.max_handshakes_per_second, 300);
    EXPECT_EQ(settings.log.level, log::Level::debug);
    EXPECT_EQ(settings.log.format, log::Format::json);
    EXPECT_EQ(settings.log.file, "/var/log/muster.log");
}

TEST(NodeSettings, NeedOnlyAName) {
    const DecodedNodeSettings decoded = decode_node_settings("node: n1\n");
    EXPECT_THAT(decoded.problems, IsEmpty());
    EXPECT_EQ(decoded.settings.listen, "127.0.0.1:9700");
    EXPECT_THAT(said(""), ElementsAre("node: is missing; must be a name unique in the cluster"));
}

TEST(NodeSettings, RefuseAListenAddressThatOthersReachWithoutAToken) {
    EXPECT_THAT(
        said("node: n1\nlisten: 0.0.0.0:8080\n"),
        ElementsAre("line 2, column 9: listen: is 0.0.0.0:8080, which others can reach; set "
                    "token_file too, or listen on 127.0.0.1"));
    EXPECT_THAT(said("node: n1\nlisten: \"[::]:8080\"\n").size(), 1U);
    for (const char* loopback : {"127.0.0.1:0", "127.1.2.3:80", "\"[::1]:80\""})
        EXPECT_THAT(said(std::string("node: n1\nlisten: ") + loopback + "\n"), IsEmpty());
    EXPECT_THAT(said("node: n1\nlisten: 10.0.0.1:80\ntoken_file: t\n"), IsEmpty());
}

TEST(NodeSettings, ReportAllProblemsWithTheirPlaces) {
    EXPECT_THAT(
        said("nod: n1\n"
             "cluster: a/b\n"
             "zookeeper: [127.0.0.1, \"127.0.0.1:2181\", \"127.0.0.1:2181\"]\n"
             "session_timeout: 2\n"
             "capacity: 0\n"
             "prober_threads: many\n"
             "listen: localhost:8080\n"
             "log: {level: warning, file: \"\"}\n"),
        ElementsAre(
            "line 1, column 1: nod: is not a field here; did you mean node?",
            "line 1, column 1: node: is missing; must be a name unique in the cluster",
            "line 2, column 10: cluster: is \"a/b\"; must be 1 to 128 of A-Z a-z 0-9 . _ - and "
            "begin "
            "with a letter or digit",
            "line 3, column 13: zookeeper[0]: is \"127.0.0.1\"; must be host:port, such as "
            "10.0.0.1:80; the port is missing",
            "line 3, column 42: zookeeper[2]: is 127.0.0.1:2181 a second time",
            "line 4, column 18: session_timeout: is 2 without a unit; must be a duration from "
            "200ms "
            "to 10m, such as 2s",
            "line 5, column 11: capacity: is 0; must be a whole number from 1 to 10000",
            "line 6, column 17: prober_threads: is \"many\"; must be a whole number from 1 to 64",
            "line 7, column 9: listen: is \"localhost:8080\"; must be an IP address and a port, "
            "such "
            "as 127.0.0.1:9700",
            "line 8, column 14: log.level: is \"warning\"; must be one of debug, info, warn, "
            "error",
            "line 8, column 29: log.file: is the text \"\"; must be the path of a file, at most "
            "4096 "
            "bytes"));
}

TEST(NodeSettings, RefuseProgramsThatCantBeRun) {
    EXPECT_THAT(
        said("node: n1\n"
             "commands:\n"
             "  a: {program: check_ssh}\n"
             "  b: {arguments: []}\n"
             "  /c: {program: /bin/true, shell: true}\n"
             "  d: {program: /bin/true, memory_mib: 1}\n"),
        ElementsAre(
            "line 3, column 16: commands.a.program: is \"check_ssh\"; must be an absolute path, "
            "such "
            "as /usr/lib/nagios/plugins/check_ssh",
            "line 4, column 6: commands.b.program: is missing; must be the absolute path of a "
            "program",
            "line 5, column 7: commands[\"/c\"]: can't be registered; the name must be 1 to 128 of "
            "A-Z "
            "a-z 0-9 . _ - and begin with a letter or digit",
            "line 5, column 28: commands[\"/c\"].shell: is not a field here; there are program, "
            "arguments, user, memory_mib, cpu_seconds",
            "line 6, column 39: commands.d.memory_mib: is 1; must be a whole number from 16 to "
            "65536"));
}

TEST(NodeSettings, RefuseASessionThatTheLeaseHasNoRoomIn) {
    EXPECT_THAT(said("node: n1\nsession_timeout: 1s\nzookeeper_tick: 501ms\n"),
                ElementsAre("line 2, column 18: session_timeout: session_timeout is 1s with a "
                            "zookeeper_tick of 501ms; must be at least two ticks"));
    EXPECT_THAT(said("node: n1\nsession_timeout: 1s\nzookeeper_tick: 500ms\n"), IsEmpty());
    EXPECT_THAT(said("node: n1\nzookeeper_tick: 2s\n").size(), 1U);
}

TEST(NodeSettings, SayWhereNamesArePublished) {
    EXPECT_FALSE(decode_node_settings("node: n1\n").settings.dns);
    const DecodedNodeSettings decoded = decode_node_settings(R"(
node: n1
dns:
  etcd:
    endpoints: ["http://192.0.2.1:2379", "http://[::1]:2379"]
    user: muster
    password_file: /etc/muster/etcd
    root: /dns-eu
    timeout: 1s
  zones: [example.org]
  servers: ["192.0.2.53:53"]
)");
    EXPECT_THAT(decoded.problems, IsEmpty());
    ASSERT_TRUE(decoded.settings.dns);
    const DnsSettings& dns = *decoded.settings.dns;
    EXPECT_THAT(dns.etcd->endpoints, ElementsAre("http://192.0.2.1:2379", "http://[::1]:2379"));
    EXPECT_EQ(dns.etcd->user, "muster");
    EXPECT_EQ(dns.etcd->password_file, "/etc/muster/etcd");
    EXPECT_EQ(dns.etcd->root, "/dns-eu");
    EXPECT_EQ(dns.etcd->timeout, Duration(1s));
    EXPECT_THAT(dns.zones, ElementsAre("example.org"));
    EXPECT_THAT(dns.servers, ElementsAre("192.0.2.53:53"));
    EXPECT_EQ(dns.canary, "_muster-canary.example.org");
}

TEST(NodeSettings, HaveACanaryInAZone) {
    const auto canary = [](const std::string& more) {
        const auto decoded = decode_node_settings(
            "node: n1\ndns: {etcd: {endpoints: "
            "[\"http://192.0.2.1:2379\"]}" +
            more + "}\n");
        return decoded.problems.empty() ? decoded.settings.dns->canary
                                        : to_string(decoded.problems.front());
    };
    EXPECT_EQ(canary(""), "") << "without a zone there is no place for it";
    EXPECT_EQ(canary(", zones: [a.test, b.test]"), "_muster-canary.a.test");
    EXPECT_EQ(canary(", zones: [a.test, b.test], canary: x.b.test"), "x.b.test");
    EXPECT_EQ(canary(", canary: x.b.test"), "x.b.test");
    EXPECT_THAT(canary(", zones: [a.test], canary: x.b.test"),
                testing::HasSubstr("below one of the zones"));
    EXPECT_THAT(canary(", zones: [a.test], canary: a.test"),
                testing::HasSubstr("below one of the zones"));
    EXPECT_THAT(canary(", zones: [a.test], canary: X.a.test"), testing::HasSubstr("canary"));
}

TEST(NodeSettings, SayWhomEtcdsClientTrustsAndWhatItShows) {
    const DecodedNodeSettings decoded = decode_node_settings(R"(
node: n1
dns:
  etcd:
    endpoints: ["https://192.0.2.1:2379"]
    tls: {ca: /etc/muster/ca.pem, certificate: /etc/muster/n1.pem, key: /etc/muster/n1.key,
          server_name: etcd.example.org}
)");
    EXPECT_THAT(decoded.problems, IsEmpty());
    ASSERT_TRUE(decoded.settings.dns);
    EXPECT_EQ(decoded.settings.dns->etcd->tls,
              (TlsFiles{.ca = "/etc/muster/ca.pem",
                        .certificate = "/etc/muster/n1.pem",
                        .key = "/etc/muster/n1.key",
                        .server_name = "etcd.example.org"}));
}

TEST(NodeSettings, RefuseADnsThatCanNotWork) {
    EXPECT_THAT(
        said("node: n1\ndns: {}\n"),
        ElementsAre("line 2, column 6: dns: has no store; must have etcd, rfc2136, or both"));
    EXPECT_THAT(said("node: n1\ndns: {etcd: {endpoints: []}}\n").size(), 1U);
    EXPECT_THAT(said("node: n1\n"
                     "dns:\n"
                     "  etcd: {endpoints: [\"ftp://a:1\", \"http://a:1/x\"], user: u, root: /a/b}\n"
                     "  zones: [Example.org]\n"
                     "  servers: [ns.example.org:53]\n")
                    .size(),
                6U);
}

TEST(NodeSettings, HaveViewsWithPathsOfTheirOwn) {
    const std::string begin = "node: n1\ndns:\n  etcd: {endpoints: [\"http://192.0.2.1:2379\"]}\n";
    const auto decoded = decode_node_settings(
        begin +
        "  views:\n"
        "    eu: {root: /skydns-eu, fallback: [us], servers: [\"192.0.2.53:5301\"]}\n"
        "    us: {root: /skydns-us}\n"
        "  stale_window: 10m\n"
        "  stale_always: true\n");
    ASSERT_THAT(decoded.problems, IsEmpty());
    const DnsSettings& dns = *decoded.settings.dns;
    ASSERT_EQ(dns.views.size(), 2U);
    EXPECT_EQ(dns.views[0].name, "eu");
    EXPECT_EQ(dns.views[0].root, "/skydns-eu");
    EXPECT_THAT(dns.views[0].fallback, ElementsAre("us"));
    EXPECT_THAT(dns.views[0].servers, ElementsAre("192.0.2.53:5301"));
    EXPECT_EQ(dns.stale_window, Duration(10min));
    EXPECT_TRUE(dns.stale_always);
    for (const auto& [views, complaint] : std::map<std::string, std::string>{
             {"eu: {}", "dns.views.eu.root: is missing"},
             {"eu: {root: /skydns}", "another view has"},
             {"eu: {root: /a}, us: {root: /a}", "dns.views.us.root: is /a, which another view has"},
             {"eu: {root: /a/b}", "must be / and one label"},
             {"EU: {root: /a}", "is no name of a view"},
             {"any: {root: /a}", "is no name of a view"},
             {"eu: {root: /a, fallback: [asia]}", "must be another one of dns.views"},
             {"eu: {root: /a, fallback: [eu]}", "must be another one of dns.views"},
             {"eu: {root: /a, servers: [ns:53]}", "dns.views.eu.servers[0]"},
             {"eu: {root: /a, path: /b}", "path"},
         }) {
        const auto problems = said(begin + "  views: {" + views + "}\n");
        ASSERT_EQ(problems.size(), 1U) << views;
        EXPECT_THAT(problems[0], testing::HasSubstr(complaint)) << views;
    }
    EXPECT_EQ(said(begin + "  stale_window: 48h\n").size(), 1U);
}

TEST(NodeSettings, AreOneMap) {
    EXPECT_THAT(said("- node: n1\n").size(), 1U);
    EXPECT_THAT(said("node: n1\n---\nnode: n2\n"),
                ElementsAre("line 3, column 1: is one document too many; at most 1 are read at "
                            "once"));
    EXPECT_THAT(said(R"({"node": "n1", "log": {}})"), IsEmpty());
    EXPECT_THAT(said(std::string(70'000, '#')),
                ElementsAre("the text has 70000 bytes; at most 65536 are read"));
}

TEST(NodeSettings, FromTheEnvironmentWinOverTheFile) {
    const std::map<std::string, std::string> environment = {
        {"MUSTER_NODE", "7"},
        {"MUSTER_ZOOKEEPER", "a:1,b:2"},
        {"MUSTER_CAPACITY", "50"},
        {"MUSTER_LOG_LEVEL", "error"},
        {"MUSTER_ZONE", ""},
        {"HOME", "/"},
    };
    const auto overrides = overrides_from_environment([&](const std::string& name) {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    });
    EXPECT_EQ(overrides.size(), 4U) << "an empty variable is not set";
    for (const char* file :
         {"", "node: n1\nzookeeper: [c:3]\ncapacity: 1\nzone: z\nlog: {file: f}\n"}) {
        const DecodedNodeSettings decoded = decode_node_settings(file, overrides);
        EXPECT_THAT(decoded.problems, IsEmpty());
        EXPECT_EQ(decoded.settings.node, NodeId("7"));
        EXPECT_THAT(decoded.settings.zookeeper, ElementsAre("a:1", "b:2"));
        EXPECT_EQ(decoded.settings.capacity, 50);
        EXPECT_EQ(decoded.settings.log.level, log::Level::error);
        EXPECT_EQ(decoded.settings.zone, *file == 0 ? "" : "z");
        EXPECT_EQ(decoded.settings.log.file, *file == 0 ? "" : "f");
    }
}

TEST(NodeSettings, FromTheEnvironmentAreJudgedAsThoseOfTheFile) {
    const std::vector<Override> overrides = {
        {.field = "listen", .value = "0.0.0.0:80", .source = "MUSTER_LISTEN"},
        {.field = "capacity", .value = "x", .source = "MUSTER_CAPACITY"},
        {.field = "zookeeper", .value = "a:1,,b:2", .source = "MUSTER_ZOOKEEPER"},
        {.field = "log.format", .value = "xml", .source = "MUSTER_LOG_FORMAT"}};
    EXPECT_THAT(
        said("node: n1\n", overrides),
        ElementsAre("capacity: is \"x\"; must be a whole number from 1 to 10000 (from "
                    "MUSTER_CAPACITY)",
                    "listen: is 0.0.0.0:80, which others can reach; set token_file too, or listen "
                    "on 127.0.0.1 (from MUSTER_LISTEN)",
                    "log.format: is the text \"xml\"; must be one of human, json (from "
                    "MUSTER_LOG_FORMAT)",
                    "zookeeper[1]: is the text \"\"; must be host:port, such as 10.0.0.1:80; the "
                    "port is missing (from MUSTER_ZOOKEEPER)"));
    EXPECT_THAT(said("node: n1\nlog: loud\n", {overrides[3]}).size(), 1U);
}

}  // namespace
}  // namespace muster::config
