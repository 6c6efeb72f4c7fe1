#include "agent/agent_settings.hpp"

#include "common/config/document.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/settings_fields.hpp"
#include "common/config/text_rules.hpp"
#include "common/config/value.hpp"

#include <array>

namespace muster::agent {

namespace {

using namespace std::chrono_literals;
using config::Fields;
using config::Value;
namespace rules = config::rules;

constexpr std::size_t max_bytes = 64UZ << 10U;

void read_own_checks(const Value& value, HaproxySettings& haproxy) {
    OwnChecks& checks = haproxy.own_checks.emplace();
    const Fields fields(value, {"interval", "rise", "fall"});
    read_duration(fields, "interval", checks.interval, {100ms, 1h});
    read_int(fields, "rise", checks.rise, {.least = 1, .most = 100});
    read_int(fields, "fall", checks.fall, {.least = 1, .most = 100});
}

void read_haproxy(const Value& value, HaproxySettings& haproxy) {
    const Fields fields(value,
                        {"program",
                         "config_file",
                         "stats_socket",
                         "master_socket",
                         "state_file",
                         "peers_socket",
                         "user",
                         "group",
                         "log",
                         "stats_address",
                         "stats_port",
                         "max_connections",
                         "hard_stop_after",
                         "cookie_key",
                         "own_checks",
                         "sticky_time",
                         "answer_timeout",
                         "check_timeout",
                         "reload_timeout",
                         "reload_retry",
                         "file_interval",
                         "removal_timeout"});
    read_text(fields, "program", haproxy.program, rules::absolute_path);
    read_text(fields, "config_file", haproxy.config_file, rules::absolute_path);
    read_text(fields, "stats_socket", haproxy.stats_socket, rules::absolute_path);
    read_text(fields, "master_socket", haproxy.master_socket, rules::absolute_path);
    read_text(fields, "state_file", haproxy.state_file, rules::absolute_path);
    read_text(fields, "peers_socket", haproxy.peers_socket, rules::absolute_path);
    read_text(fields, "user", haproxy.user, rules::user);
    read_text(fields, "group", haproxy.group, rules::user);
    read_text(fields, "log", haproxy.log, rules::absolute_path);
    read_text(fields, "stats_address", haproxy.stats_address, config::ip_address);
    if (const auto port = fields.find("stats_port")) {
        if (const auto number = read_int(*port, {.least = 0, .most = 65'535}))
            haproxy.stats_port = static_cast<std::uint16_t>(*number);
    }
    read_int(fields, "max_connections", haproxy.max_connections, {.least = 0, .most = 10'000'000});
    read_duration(fields, "hard_stop_after", haproxy.hard_stop_after, {1s, 24h});
    read_text(fields, "cookie_key", haproxy.cookie_key, rules::name);
    if (const auto checks = fields.find("own_checks")) read_own_checks(*checks, haproxy);
    read_duration(fields, "sticky_time", haproxy.sticky_time, {1s, 168h});
    read_duration(fields, "answer_timeout", haproxy.answer_timeout, {100ms, 1min});
    read_duration(fields, "check_timeout", haproxy.check_timeout, {1s, 10min});
    read_duration(fields, "reload_timeout", haproxy.reload_timeout, {1s, 10min});
    read_duration(fields, "reload_retry", haproxy.reload_retry, {1s, 1h});
    read_duration(fields, "file_interval", haproxy.file_interval, {0s, 1h});
    read_duration(fields, "removal_timeout", haproxy.removal_timeout, {1s, 24h});
}

void read_nginx(const Value& value, NginxSettings& nginx) {
    const Fields fields(value,
                        {"program",
                         "config_file",
                         "pid_file",
                         "error_log",
                         "http_file",
                         "stream_file",
                         "ipv6",
                         "idle_connections",
                         "passive_checks",
                         "reload_interval",
                         "test_timeout",
                         "reload_timeout",
                         "refused_retry",
                         "lookup_timeout",
                         "answer_timeout"});
    read_text(fields, "program", nginx.program, rules::absolute_path);
    read_text(fields, "config_file", nginx.config_file, rules::absolute_path);
    read_text(fields, "pid_file", nginx.pid_file, rules::absolute_path);
    read_text(fields, "error_log", nginx.error_log, rules::absolute_path);
    read_text(fields, "http_file", nginx.http_file, rules::absolute_path);
    read_text(fields, "stream_file", nginx.stream_file, [](std::string_view text) {
        return text.empty() ? std::string_view() : rules::absolute_path(text);
    });
    read_bool(fields, "ipv6", nginx.ipv6);
    read_int(fields, "idle_connections", nginx.idle_connections, {.least = 0, .most = 10'000});
    if (const auto passive = fields.find("passive_checks")) {
        PassiveChecks& checks = nginx.passive_checks.emplace();
        const Fields own(*passive, {"failures", "timeout"});
        read_int(own, "failures", checks.failures, {.least = 1, .most = 1'000});
        read_duration(own, "timeout", checks.timeout, {1s, 1h});
    }
    read_duration(fields, "reload_interval", nginx.reload_interval, {0s, 1h});
    read_duration(fields, "test_timeout", nginx.test_timeout, {1s, 10min});
    read_duration(fields, "reload_timeout", nginx.reload_timeout, {1s, 10min});
    read_duration(fields, "refused_retry", nginx.refused_retry, {1s, 1h});
    read_duration(fields, "lookup_timeout", nginx.lookup_timeout, {100ms, 1min});
    read_duration(fields, "answer_timeout", nginx.answer_timeout, {100ms, 1min});
}

void read_envoy(const Value& value, EnvoySettings& envoy) {
    const Fields fields(
        value,
        {"directory", "admin", "capacity", "retry_percent", "lookup_timeout", "answer_timeout"});
    read_text(fields, "directory", envoy.directory, rules::absolute_path);
    read_text(fields, "admin", envoy.admin, rules::endpoint);
    read_int(fields, "capacity", envoy.capacity, {.least = 1, .most = 10'000'000});
    read_int(fields, "retry_percent", envoy.retry_percent, {.least = 0, .most = 100});
    read_duration(fields, "lookup_timeout", envoy.lookup_timeout, {100ms, 1min});
    read_duration(fields, "answer_timeout", envoy.answer_timeout, {100ms, 1min});
}

void read_lb(const Value& settings, const Fields& fields, AgentSettings& into) {
    const auto lb = only_field(settings, fields, {"haproxy", "nginx", "envoy"});
    if (!lb) {
        const bool none = !fields.find("haproxy") && !fields.find("nginx") && !fields.find("envoy");
        if (none) settings.refuse("names no LB; add haproxy, nginx or envoy, {} for its defaults");
        return;
    }
    const auto& [kind, value] = *lb;
    if (kind == "haproxy") read_haproxy(value, into.lb.emplace<HaproxySettings>());
    if (kind == "nginx") read_nginx(value, into.lb.emplace<NginxSettings>());
    if (kind == "envoy") read_envoy(value, into.lb.emplace<EnvoySettings>());
}

AgentSettings decode_settings(const Value& value) {
    AgentSettings settings;
    const Fields fields(value,
                        {"cluster",
                         "zookeeper",
                         "session_timeout",
                         "zookeeper_auth_file",
                         "fleet",
                         "instance",
                         "address",
                         "bind_address",
                         "listen",
                         "state_dir",
                         "tls",
                         "haproxy",
                         "nginx",
                         "envoy",
                         "log"});
    read_text(fields, "cluster", settings.cluster, rules::name);
    if (fields.require("zookeeper", "a list of servers, such as [127.0.0.1:2181]"))
        config::read_zookeeper(fields, settings.zookeeper);
    read_duration(fields, "session_timeout", settings.session_timeout, {200ms, 10min});
    read_text(fields, "zookeeper_auth_file", settings.zookeeper_auth_file, rules::file_path);
    if (const auto fleet = fields.require("fleet", "the name of a fleet"))
        settings.fleet = FleetName(read_text(*fleet, rules::name).value_or(""));
    if (const auto instance = fields.require("instance", "a name for this LB, unique in its fleet"))
        settings.instance = InstanceId(read_text(*instance, rules::name).value_or(""));
    read_text(fields, "address", settings.address, rules::endpoint);
    read_text(fields, "bind_address", settings.bind_address, config::ip_address);
    read_text(fields, "listen", settings.listen, config::listen_address);
    read_text(fields, "state_dir", settings.state_dir, rules::file_path);
    if (const auto tls = fields.find("tls")) settings.tls = read_certificate_settings(*tls);
    read_lb(value, fields, settings);
    config::read_log(fields, settings.log);
    return settings;
}

}  // namespace

std::string_view lb_kind(const AgentSettings& settings) {
    constexpr std::array<std::string_view, 3> kinds = {"haproxy", "nginx", "envoy"};
    return kinds.at(settings.lb.index());
}

namespace {

/// Where others reach what listens on `host`; empty: nowhere that is known.
std::string reached_at(const AgentSettings& settings, std::string_view host, std::uint16_t port) {
    std::string at(host);
    if (!config::is_destination(at)) {
        const auto own = config::parse_endpoint(settings.address);
        if (!own) return {};
        at = own->host;
    }
    return config::to_string(config::Endpoint{.host = at, .port = port});
}

}  // namespace

std::map<std::string, std::string> exporters_of(const AgentSettings& settings, std::uint16_t port) {
    std::map<std::string, std::string> exporters;
    if (const auto listen = config::parse_endpoint(settings.listen, 0))
        exporters.emplace("agent", reached_at(settings, listen->host, port));
    const auto* const haproxy = std::get_if<HaproxySettings>(&settings.lb);
    if (haproxy != nullptr && haproxy->stats_port != 0)
        exporters.emplace("lb", reached_at(settings, haproxy->stats_address, haproxy->stats_port));
    std::erase_if(exporters, [](const auto& exporter) { return exporter.second.empty(); });
    return exporters;
}

DecodedAgentSettings decode_agent_settings(std::string_view text,
                                           const std::vector<config::Override>& overrides) {
    config::ProblemList problems;
    std::vector<config::Node> documents =
        read_documents(text, {.bytes = max_bytes, .documents = 1}, problems);
    if (!problems.empty()) return {.settings = {}, .problems = problems.take()};
    if (documents.empty()) documents.push_back({.kind = config::Node::Kind::map});
    config::apply(overrides, setting_names(), documents.front());
    DecodedAgentSettings decoded{.settings = decode_settings(Value(documents.front(), problems)),
                                 .problems = {}};
    decoded.problems = problems.take();
    config::name_sources(overrides, decoded.problems);
    return decoded;
}

}  // namespace muster::agent
