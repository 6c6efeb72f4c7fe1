// What a node's settings say of Prometheus and providers, and may not say.
#include "common/config/node_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace muster::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

NodeSettings settings_of(const std::string& text, const std::vector<Override>& overrides = {}) {
    const DecodedNodeSettings decoded = decode_node_settings("node: n1\n" + text, overrides);
    for (const Problem& problem : decoded.problems) ADD_FAILURE() << to_string(problem);
    return decoded.settings;
}

/// `text`: line 2. `says`: a part of "path: what" of the only problem.
void refused(const std::string& text, const std::string& says) {
    SCOPED_TRACE(text);
    const DecodedNodeSettings decoded = decode_node_settings("node: n1\n" + text + "\n");
    ASSERT_EQ(decoded.problems.size(), 1U);
    EXPECT_EQ(decoded.problems[0].line, 2);
    EXPECT_THAT(decoded.problems[0].path + ": " + decoded.problems[0].what, HasSubstr(says));
}

TEST(ScalingSettings, AreNoneByDefault) {
    const NodeSettings settings = settings_of("");
    EXPECT_EQ(settings.prometheus, std::nullopt);
    EXPECT_THAT(settings.providers, IsEmpty());
}

TEST(ScalingSettings, OfPrometheus) {
    const NodeSettings settings = settings_of(R"(
prometheus:
  endpoints: ["http://10.0.0.1:9090", "https://prometheus.example.org:443/prometheus"]
  user: muster
  password_file: /etc/muster/prometheus
  tls: {ca: /etc/ssl/ca.pem, server_name: prometheus}
  timeout: 5s
)");
    const PrometheusSettings expected{
        .endpoints = {"http://10.0.0.1:9090", "https://prometheus.example.org:443/prometheus"},
        .user = "muster",
        .password_file = "/etc/muster/prometheus",
        .tls = {.ca = "/etc/ssl/ca.pem", .server_name = "prometheus"},
        .timeout = 5s};
    EXPECT_EQ(settings.prometheus, expected);
}

TEST(ScalingSettings, OfPrometheusFromTheEnvironment) {
    const auto environment = [](const std::string& name) -> std::optional<std::string> {
        if (name == "MUSTER_PROMETHEUS_ENDPOINTS") return "http://a:1,http://b:2";
        if (name == "MUSTER_PROMETHEUS_TOKEN_FILE") return "/run/token";
        return std::nullopt;
    };
    const NodeSettings settings = settings_of("prometheus: {endpoints: [\"http://c:3\"]}",
                                              overrides_from_environment(environment));
    const PrometheusSettings expected{.endpoints = {"http://a:1", "http://b:2"},
                                      .token_file = "/run/token"};
    EXPECT_EQ(settings.prometheus, expected);
}

TEST(ScalingSettings, OfRecordings) {
    EXPECT_EQ(settings_of("").recordings,
              (RecordingSettings{.enabled = true, .keep = 192h, .max_mib = 512}));
    const auto environment = [](const std::string& name) -> std::optional<std::string> {
        if (name == "MUSTER_RECORDINGS_MAX_MIB") return "64";
        return std::nullopt;
    };
    EXPECT_EQ(settings_of("recordings: {enabled: false, keep: 24h, max_mib: 16}",
                          overrides_from_environment(environment))
                  .recordings,
              (RecordingSettings{.enabled = false, .keep = 24h, .max_mib = 64}));
    for (const auto& [fields, says] :
         {std::pair("7d", "recordings: "),
          {"{keep: 7d}", "recordings.keep: "},
          {"{keep: 1s}", "recordings.keep: is 1s; must be a duration"},
          {"{keep: 9000h}", "recordings.keep: "},
          {"{max_mib: 1}", "recordings.max_mib: "},
          {"{max_mib: 2000000}", "recordings.max_mib: "},
          {"{max_mib: 512MiB}", "recordings.max_mib: "},
          {"{enabled: sometimes}", "recordings.enabled: "},
          {"{max_size: 5}", "recordings.max_size: is not a field here"}})
        refused(std::string("recordings: ") + fields, says);
}

TEST(ScalingSettings, OfEachKindOfProvider) {
    const NodeSettings settings = settings_of(R"(
state_dir: /srv/muster
providers:
  plain: {process: {programs: [{name: lb, command: [/usr/sbin/haproxy]}]}}
  local:
    process:
      directory: /srv/machines
      addresses: [192.0.2.1, "2001:db8::1"]
      answers_at: "[${address}]:${port:web}"
      ports: 30000-30099
      files: [{from: /etc/muster/haproxy.cfg.in, to: haproxy.cfg}]
      programs:
        - name: haproxy
          command: [/usr/sbin/haproxy, -W, -f, "${dir}/haproxy.cfg"]
          stop_signal: USR1
        - {name: agent, command: [/usr/bin/muster-agent, "${dir}/agent.yaml"], wait_for: admin.sock}
      max_machines: 8
      start_timeout: 30s
  units: {systemd: {unit: haproxy@.service}}
  cloud:
    exec:
      program: /usr/lib/muster/aws
      arguments: [--region, eu-central-1]
      environment: {AWS_PROFILE: lb}
      user: cloud
      memory_mib: 512
      cpu_seconds: 10
      timeout: 5m
      fences: true
      places: true
  service:
    webhook:
      url: https://lb.example.org:8443/machines
      token_file: /etc/token
      tls: {ca: /ca.pem}
      timeout: 1m
      fences: true
)");
    const std::map<std::string, ProviderSettings> expected{
        {"plain",
         ProcessProviderSettings{.directory = "/srv/muster/providers/plain",
                                 .programs = {{.name = "lb", .command = {"/usr/sbin/haproxy"}}}}},
        {"local",
         ProcessProviderSettings{
             .directory = "/srv/machines",
             .addresses = {"192.0.2.1", "2001:db8::1"},
             .answers_at = "[${address}]:${port:web}",
             .first_port = 30'000,
             .last_port = 30'099,
             .files = {{.from = "/etc/muster/haproxy.cfg.in", .to = "haproxy.cfg"}},
             .programs = {{.name = "haproxy",
                           .command = {"/usr/sbin/haproxy", "-W", "-f", "${dir}/haproxy.cfg"},
                           .stop_signal = "USR1"},
                          {.name = "agent",
                           .command = {"/usr/bin/muster-agent", "${dir}/agent.yaml"},
                           .wait_for = "admin.sock"}},
             .max_machines = 8,
             .start_timeout = 30s}},
        {"units", SystemdProviderSettings{.unit = "haproxy@.service"}},
        {"cloud",
         ExecProviderSettings{.program = "/usr/lib/muster/aws",
                              .arguments = {"--region", "eu-central-1"},
                              .environment = {{"AWS_PROFILE", "lb"}},
                              .user = "cloud",
                              .memory_mib = 512,
                              .cpu_seconds = 10,
                              .timeout = 5min,
                              .fences = true,
                              .places = true}},
        {"service",
         WebhookProviderSettings{.url = "https://lb.example.org:8443/machines",
                                 .token_file = "/etc/token",
                                 .tls = {.ca = "/ca.pem"},
                                 .timeout = 1min,
                                 .fences = true}}};
    EXPECT_EQ(settings.providers, expected);
}

void refused_prometheus(const std::string& fields, const std::string& says) {
    refused("prometheus: {" + fields + "}", says);
}

TEST(BadScalingSettings, OfPrometheusAreRefused) {
    const std::string endpoint = "endpoints: [\"http://a:1\"]";
    refused("prometheus: http://a:1", "prometheus: ");
    refused("prometheus: {}", "prometheus.endpoints: is missing; must be a list");
    refused_prometheus("endpoints: []", "prometheus.endpoints: is an empty list");
    for (const char* url : {"a:1",
                            "ftp://a:1",
                            "http://a",
                            "http://a:0",
                            "http://u@a:1",
                            "http://a:1/?x=y",
                            "http://a:1/b c"})
        refused_prometheus("endpoints: [\"" + std::string(url) + "\"]",
                           "prometheus.endpoints[0]: is the text \"" + std::string(url) +
                               "\"; must be http://host:port");
    refused_prometheus("endpoints: [\"http://a:1\", \"http://a:1\"]",
                       "prometheus.endpoints[1]: is http://a:1 a second time");
    refused_prometheus(endpoint + ", user: u", "prometheus: has one of user and password_file");
    refused_prometheus(endpoint + ", user: u, password_file: /p, token_file: /t",
                       "prometheus.token_file: stands beside user");
    refused_prometheus(endpoint + ", tls: {ca: /c}",
                       "prometheus.tls: stands without an endpoint that begins with https://");
    refused_prometheus(endpoint + ", timeout: 1h", "prometheus.timeout: is 1h; must be a duration");
    refused_prometheus(endpoint + ", token: secret", "prometheus.token: is not a field here");
}

void refused_provider(const std::string& settings, const std::string& says) {
    refused("providers: {a: " + settings + "}", "providers.a" + says);
}

TEST(BadScalingSettings, OfProvidersAreRefused) {
    const std::string lb = "programs: [{name: lb, command: [/lb]}]";
    refused("providers: [a]", "providers: is a list; must be a map");
    refused("providers: {a b: {systemd: {unit: a@.service}}}", "can't be offered; the name must");
    refused_provider("local", ": is \"local\"; must be a map of process, systemd, exec, webhook");
    refused_provider("{}", ": is empty; must have one field");
    refused_provider("{kubernetes: {}}", ".kubernetes: is not a field here");
    refused_provider("{systemd: {unit: a@.service}, exec: {program: /a}}",
                     ".exec: stands beside systemd; write one of them");
    refused_provider("{systemd: {}}", ".systemd.unit: is missing");
    for (const char* unit : {"a.service", "@.service", "a@b.service", "../a@.service"})
        refused_provider("{systemd: {unit: \"" + std::string(unit) + "\"}}",
                         ".systemd.unit: is the text \"" + std::string(unit) +
                             "\"; must be a template of systemd");
    refused_provider("{exec: {}}", ".exec.program: is missing");
    refused_provider("{exec: {program: aws}}", ".exec.program: is \"aws\"; must be an absolute");
    refused_provider("{exec: {program: /a, environment: {A-B: c}}}",
                     ".exec.environment.A-B: can't be set; it must be");
    refused_provider("{exec: {program: /a, cpu_seconds: 0}}", ".exec.cpu_seconds: is 0");
    refused_provider("{exec: {program: /a, timeout: 1h}}", ".exec.timeout: is 1h");
    refused_provider("{exec: {program: /a, timeout: 1s1ms}}", ".exec.timeout: is 1s1ms; must be");
    refused_provider("{webhook: {}}", ".webhook.url: is missing");
    refused_provider("{webhook: {url: \"http://a:1/b?c\"}}", ".webhook.url: is the text");
    refused_provider("{webhook: {url: \"http://a:1\", tls: {ca: /c}}}",
                     ".webhook.tls: stands without an endpoint that begins with https://");
    refused_provider("{process: {}}", ".process.programs: is missing");
    refused_provider("{process: {programs: []}}", ".process.programs: is an empty list");
    refused_provider("{process: {programs: [{name: lb, command: [lb]}]}}",
                     ".process.programs[0].command: must begin with the absolute path");
    refused_provider("{process: {programs: [{name: lb, command: []}]}}",
                     ".process.programs[0].command: must begin with the absolute path");
    refused_provider("{process: {programs: [{name: lb, command: [/lb], stop_signal: KILL}]}}",
                     ".process.programs[0].stop_signal: is \"KILL\"; must be one of TERM");
    refused_provider(
        "{process: {programs: [{name: lb, command: [/lb]}, {name: lb, command: [/lb]}]}}",
        ".process.programs[1]: is program lb a second time");
    for (const char* ports : {"20000", "20999-20000", "0-10", "1-65536", "a-b", "1-2-3"})
        refused_provider(
            "{process: {ports: \"" + std::string(ports) + "\", " + lb + "}}",
            ".process.ports: is the text \"" + std::string(ports) + "\"; must be two ports");
    refused_provider("{process: {address: 192.0.2.1, addresses: [192.0.2.2], " + lb + "}}",
                     ".process.address: stands beside addresses");
    refused_provider("{process: {address: host, " + lb + "}}", ".process.address: is \"host\"");
    refused_provider("{process: {directory: machines, " + lb + "}}", ".process.directory: is");
    refused_provider("{process: {files: [{from: /a, to: ../b}], " + lb + "}}",
                     ".process.files[0].to: is \"../b\"; must be a file's name");
    refused_provider("{process: {files: [{from: /a, to: b}, {from: /c, to: b}], " + lb + "}}",
                     ".process.files[1]: makes b a second time");
    refused_provider("{process: {max_machines: 0, " + lb + "}}", ".process.max_machines: is 0");
    refused("providers: {a: {process: {directory: /d, " + lb + "}}, b: {process: {directory: /d, " +
                lb + "}}}",
            "providers.b: has the directory /d, as a has; each needs one of its own");
}

}  // namespace
}  // namespace muster::config
