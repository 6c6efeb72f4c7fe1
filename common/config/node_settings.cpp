#include "common/config/node_settings.hpp"

#include "common/config/document.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/settings_fields.hpp"
#include "common/config/text_rules.hpp"
#include "common/config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace muster::config {

namespace {

constexpr std::size_t max_bytes = 64UZ << 10U;
constexpr std::size_t max_programs = 256;
constexpr std::size_t max_arguments = 64;
constexpr std::size_t max_views = 16;

/// All fields that the environment can set; log's, prometheus' and recordings' are one level down.
constexpr std::array<SettingName, 32> setting_names = {{
    {"node"},
    {"cluster"},
    {"zookeeper", SettingForm::list},
    {"session_timeout"},
    {"zookeeper_tick"},
    {"zookeeper_auth_file"},
    {"zone"},
    {"capacity", SettingForm::plain},
    {"prober_threads", SettingForm::plain},
    {"listen"},
    {"peer_listen"},
    {"cluster_secret_file"},
    {"token_file"},
    {"state_dir"},
    {"tls_dir"},
    {"secrets_dir"},
    {"source_addresses", SettingForm::list},
    {"canaries", SettingForm::list},
    {"prometheus.endpoints", SettingForm::list},
    {"prometheus.user"},
    {"prometheus.password_file"},
    {"prometheus.token_file"},
    {"recordings.enabled", SettingForm::plain},
    {"recordings.keep"},
    {"recordings.max_mib", SettingForm::plain},
    {"max_commands", SettingForm::plain},
    {"max_probes", SettingForm::plain},
    {"max_probes_per_second", SettingForm::plain},
    {"max_handshakes_per_second", SettingForm::plain},
    {"log.level"},
    {"log.format"},
    {"log.file"},
}};

void read_listen(const Fields& fields, NodeSettings& settings) {
    const auto listen = fields.find("listen");
    if (!listen) return;
    auto text = read_text(*listen, listen_address);
    if (!text) return;
    const auto endpoint = parse_endpoint(*text, 0);
    if (!is_loopback(endpoint->host) && settings.token_file.empty())
        listen->refuse(
            fmt::format("is {}, which others can reach; set token_file too, or listen "
                        "on 127.0.0.1",
                        *text));
    settings.listen = std::move(*text);
}

void read_session(const Fields& fields, NodeSettings& settings) {
    read_duration(fields, "session_timeout", settings.session_timeout, {200ms, 10min});
    read_duration(fields, "zookeeper_tick", settings.zookeeper_tick, {10ms, 1min});
    if (settings.session_timeout >= 2 * settings.zookeeper_tick) return;
    // ZooKeeper grants no shorter session, and the lease (2/3 of it less a tick) would be nothing.
    const auto session = fields.find("session_timeout");
    const auto tick = fields.find("zookeeper_tick");
    (session ? *session : *tick)
        .refuse(fmt::format("session_timeout is {} with a zookeeper_tick of {}; must be at least "
                            "two ticks",
                            to_string(settings.session_timeout),
                            to_string(settings.zookeeper_tick)));
}

void read_programs(const Fields& fields, std::string_view name, Programs& into) {
    const auto programs = fields.find(name);
    if (!programs) return;
    for (const Value& one : entries_of(*programs, max_programs)) {
        if (const auto complaint = rules::name(one.key()); !complaint.empty())
            one.refuse(fmt::format("can't be registered; the name {}", complaint));
        Program program;
        const Fields own(one, {"program", "arguments", "user", "memory_mib", "cpu_seconds"});
        if (own.require("program", "the absolute path of a program"))
            read_text(own, "program", program.program, rules::absolute_path);
        if (const auto arguments = own.find("arguments")) {
            for (const Value& argument : elements_of(*arguments, max_arguments)) {
                if (auto text = read_text(argument, rules::program_argument))
                    program.arguments.push_back(std::move(*text));
            }
        }
        read_text(own, "user", program.user, rules::user);
        read_int(own, "memory_mib", program.memory_mib, {.least = 16, .most = 65'536});
        read_int(own, "cpu_seconds", program.cpu_seconds, {.least = 1, .most = 3'600});
        into.emplace(one.key(), std::move(program));
    }
}

void read_limits(const Fields& fields, NodeSettings& settings) {
    read_int(fields, "max_commands", settings.max_commands, {.least = 1, .most = 1'000});
    read_int(fields, "max_probes", settings.max_probes, {.least = 1, .most = 1'000'000});
    constexpr IntRange rate{.least = 0, .most = 1'000'000};
    read_int(fields, "max_probes_per_second", settings.max_probes_per_second, rate);
    read_int(fields, "max_handshakes_per_second", settings.max_handshakes_per_second, rate);
}

std::string_view etcd_endpoint(std::string_view text) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (text.starts_with(scheme) && parse_endpoint(text.substr(scheme.size()))) return "";
    }
    return "must be http://host:port or https://host:port, such as http://127.0.0.1:2379";
}

std::string_view etcd_root(std::string_view text) {
    if (text.starts_with('/') && rules::published_label(text.substr(1)).empty()) return "";
    return "must be / and one label, such as /skydns: CoreDNS answers wrong targets below more";
}

DnsEtcdSettings decode_etcd(const Value& value) {
    DnsEtcdSettings etcd;
    const Fields fields(value, {"endpoints", "user", "password_file", "root", "timeout", "tls"});
    const auto endpoints = fields.require("endpoints", "a list of http://host:port");
    read_list(fields, "endpoints", etcd_endpoint, etcd.endpoints);
    if (endpoints && endpoints->node().kind == Node::Kind::list && endpoints->node().items.empty())
        endpoints->refuse("is an empty list; must name an etcd, such as http://127.0.0.1:2379");
    read_text(fields, "user", etcd.user, rules::user);
    read_text(fields, "password_file", etcd.password_file, rules::file_path);
    if (etcd.user.empty() != etcd.password_file.empty())
        value.refuse("has one of user and password_file; must have both or none");
    read_text(fields, "root", etcd.root, etcd_root);
    read_duration(fields, "timeout", etcd.timeout, {100ms, 30s});
    if (const auto tls = fields.find("tls")) etcd.tls = decode_tls_files(*tls, etcd.endpoints);
    return etcd;
}

constexpr std::string_view usual_canary = "_muster-canary.";

/// It may have a label of our own.
std::string_view canary_name(std::string_view text) {
    if (text.starts_with(usual_canary)) text.remove_prefix(usual_canary.size());
    return rules::published_name(text);
}

void read_canary(const Fields& fields, DnsSettings& settings) {
    read_text(fields, "canary", settings.canary, canary_name);
    const bool inside =
        settings.zones.empty() || std::ranges::any_of(settings.zones, [&](const std::string& zone) {
            return settings.canary.ends_with("." + zone);
        });
    if (!settings.canary.empty() && !inside)
        fields.find("canary")->refuse(fmt::format("is {}; must be a name below one of the zones {}",
                                                  settings.canary,
                                                  fmt::join(settings.zones, ", ")));
    if (!settings.canary.empty() || settings.zones.empty()) return;
    std::string name = std::string(usual_canary) + settings.zones.front();
    if (canary_name(name).empty() && name.size() <= 253) settings.canary = std::move(name);
}

/// Each has a path of its own: two in one would remove each other's records.
void read_views(const Value& map, DnsSettings& settings) {
    const std::vector<Value> entries = entries_of(map, max_views);
    for (const Value& one : entries) {
        if (const auto complaint = rules::published_label(one.key()); !complaint.empty())
            one.refuse(fmt::format("is no name of a view; it {}", complaint));
        DnsView view{.name = std::string(one.key())};
        const Fields own(one, {"root", "fallback", "servers"});
        if (own.require("root", "the path of its records, such as /skydns-eu"))
            read_text(own, "root", view.root, etcd_root);
        const bool taken =
            (settings.etcd && view.root == settings.etcd->root) ||
            std::ranges::find(settings.views, view.root, &DnsView::root) != settings.views.end();
        if (!view.root.empty() && taken)
            own.find("root")->refuse(
                fmt::format("is {}, which another view has; must be its own", view.root));
        if (const auto fallback = own.find("fallback")) {
            for (const Value& next : elements_of(*fallback, max_views)) {
                auto name = read_text(next, rules::published_label);
                if (!name) continue;
                if (*name == view.name ||
                    std::ranges::find(entries, *name, &Value::key) == entries.end())
                    next.refuse(fmt::format("is {}; must be another one of dns.views", *name));
                view.fallback.push_back(std::move(*name));
            }
        }
        read_list(own, "servers", dns_server, view.servers);
        settings.views.push_back(std::move(view));
    }
}

void read_dns(const Fields& fields, std::optional<DnsSettings>& into) {
    const auto dns = fields.find("dns");
    if (!dns) return;
    DnsSettings settings;
    const Fields own(*dns,
                     {"etcd",
                      "rfc2136",
                      "zones",
                      "servers",
                      "allowed_addresses",
                      "canary",
                      "views",
                      "stale_window",
                      "stale_always"});
    if (const auto etcd = own.find("etcd")) settings.etcd = decode_etcd(*etcd);
    if (const auto servers = own.find("rfc2136"))
        settings.rfc2136 = decode_update_servers(*servers);
    const bool is_map = dns->node().kind == Node::Kind::map;
    if (is_map && !own.find("etcd") && !own.find("rfc2136"))
        dns->refuse("has no store; must have etcd, rfc2136, or both");
    read_list(own, "zones", rules::published_name, settings.zones);
    read_list(own, "servers", dns_server, settings.servers);
    read_allowed_addresses(own, settings.allowed_addresses);
    for (const char* of_etcd : {"zones", "servers", "canary", "views"}) {
        const auto field = own.find(of_etcd);
        if (field && !own.find("etcd"))
            field->refuse("stands without etcd, whose it is; each server of rfc2136 has its own");
    }
    read_canary(own, settings);
    if (const auto views = own.find("views")) read_views(*views, settings);
    read_duration(own, "stale_window", settings.stale_window, {0s, 24h});
    read_bool(own, "stale_always", settings.stale_always);
    into = std::move(settings);
}

NodeSettings decode_settings(const Value& value) {
    NodeSettings settings;
    const Fields fields(value,
                        {"node",
                         "cluster",
                         "zookeeper",
                         "session_timeout",
                         "zookeeper_tick",
                         "zookeeper_auth_file",
                         "zone",
                         "capacity",
                         "prober_threads",
                         "listen",
                         "peer_listen",
                         "cluster_secret_file",
                         "token_file",
                         "state_dir",
                         "tls_dir",
                         "secrets_dir",
                         "commands",
                         "plugins",
                         "source_addresses",
                         "canaries",
                         "dns",
                         "prometheus",
                         "providers",
                         "recordings",
                         "max_commands",
                         "max_probes",
                         "max_probes_per_second",
                         "max_handshakes_per_second",
                         "log"});
    if (const auto node = fields.require("node", "a name unique in the cluster"))
        settings.node = NodeId(read_text(*node, rules::name).value_or(""));
    read_text(fields, "cluster", settings.cluster, rules::name);
    read_zookeeper(fields, settings.zookeeper);
    read_session(fields, settings);
    read_text(fields, "zookeeper_auth_file", settings.zookeeper_auth_file, rules::file_path);
    read_text(fields, "zone", settings.zone, rules::zone);
    read_int(fields, "capacity", settings.capacity, {.least = 1, .most = 10'000});
    read_int(fields, "prober_threads", settings.prober_threads, {.least = 1, .most = 64});
    read_text(fields, "peer_listen", settings.peer_listen, listen_address);
    read_text(fields, "cluster_secret_file", settings.cluster_secret_file, rules::file_path);
    read_text(fields, "token_file", settings.token_file, rules::file_path);
    read_listen(fields, settings);
    read_text(fields, "state_dir", settings.state_dir, rules::file_path);
    read_text(fields, "tls_dir", settings.tls_dir, rules::file_path);
    read_text(fields, "secrets_dir", settings.secrets_dir, rules::file_path);
    read_programs(fields, "commands", settings.commands);
    read_programs(fields, "plugins", settings.plugins);
    read_list(fields, "source_addresses", ip_address, settings.source_addresses);
    read_list(fields, "canaries", rules::endpoint, settings.canaries);
    read_dns(fields, settings.dns);
    if (const auto prometheus = fields.find("prometheus"))
        settings.prometheus = decode_prometheus(*prometheus);
    if (const auto providers = fields.find("providers"))
        settings.providers = decode_providers(*providers, settings.state_dir);
    if (const auto recordings = fields.find("recordings"))
        settings.recordings = decode_recordings(*recordings);
    read_limits(fields, settings);
    read_log(fields, settings.log);
    return settings;
}

}  // namespace

std::vector<Override> overrides_from_environment(const Environment& environment) {
    return overrides_from(environment, "MUSTER_", setting_names);
}

DecodedNodeSettings decode_node_settings(std::string_view text,
                                         const std::vector<Override>& overrides) {
    ProblemList problems;
    std::vector<Node> documents =
        read_documents(text, {.bytes = max_bytes, .documents = 1}, problems);
    if (!problems.empty()) return {.problems = problems.take()};
    if (documents.empty()) documents.push_back({.kind = Node::Kind::map});
    apply(overrides, setting_names, documents.front());
    DecodedNodeSettings decoded{.settings = decode_settings(Value(documents.front(), problems))};
    decoded.problems = problems.take();
    name_sources(overrides, decoded.problems);
    return decoded;
}

}  // namespace muster::config
