#include "common/config/node_settings.hpp"

#include "common/config/document.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/enum_words.hpp"
#include "common/config/text_rules.hpp"
#include "common/config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

namespace muster::config {

template <>
struct EnumWords<log::Level> {
    static constexpr std::array<std::pair<log::Level, std::string_view>, 4> words = {{
        {log::Level::debug, "debug"},
        {log::Level::info, "info"},
        {log::Level::warn, "warn"},
        {log::Level::error, "error"},
    }};
};

template <>
struct EnumWords<log::Format> {
    static constexpr std::array<std::pair<log::Format, std::string_view>, 2> words = {{
        {log::Format::human, "human"},
        {log::Format::json, "json"},
    }};
};

namespace {

constexpr std::size_t max_bytes = 64UZ << 10U;
constexpr std::size_t max_listed = 32;
constexpr std::size_t max_programs = 256;
constexpr std::size_t max_arguments = 64;

enum class Form { text, number, list };
struct SettingName {
    std::string_view field;
    Form form;
};
/// All fields that the environment can set; log's are one level down.
constexpr std::array<SettingName, 25> setting_names = {{
    {"node", Form::text},
    {"cluster", Form::text},
    {"zookeeper", Form::list},
    {"session_timeout", Form::text},
    {"zookeeper_tick", Form::text},
    {"zookeeper_auth_file", Form::text},
    {"zone", Form::text},
    {"capacity", Form::number},
    {"prober_threads", Form::number},
    {"listen", Form::text},
    {"peer_listen", Form::text},
    {"cluster_secret_file", Form::text},
    {"token_file", Form::text},
    {"state_dir", Form::text},
    {"tls_dir", Form::text},
    {"secrets_dir", Form::text},
    {"source_addresses", Form::list},
    {"canaries", Form::list},
    {"max_commands", Form::number},
    {"max_probes", Form::number},
    {"max_probes_per_second", Form::number},
    {"max_handshakes_per_second", Form::number},
    {"log.level", Form::text},
    {"log.format", Form::text},
    {"log.file", Form::text},
}};

Node text_node(std::string_view text) {
    return {.kind = Node::Kind::text, .text = std::string(text)};
}

Node override_node(const Override& setting) {
    const auto name = std::ranges::find(setting_names, setting.field, &SettingName::field);
    const Form form = name == setting_names.end() ? Form::text : name->form;
    if (form == Form::number) return {.kind = Node::Kind::plain, .text = setting.value};
    if (form == Form::text) return text_node(setting.value);
    Node list{.kind = Node::Kind::list};
    for (std::size_t start = 0; start <= setting.value.size();) {
        const std::size_t end = std::min(setting.value.find(',', start), setting.value.size());
        list.items.push_back(text_node(setting.value.substr(start, end - start)));
        start = end + 1;
    }
    return list;
}

/// The value of a key, added to the map when it isn't there.
Node& member(Node& map, std::string_view key) {
    for (std::size_t i = 0; i + 1 < map.items.size(); i += 2)
        if (map.items[i].text == key) return map.items[i + 1];
    map.items.push_back(text_node(key));
    return map.items.emplace_back(Node{.kind = Node::Kind::map});
}

/// Puts the override in the place of what the file says. Where the file has no map, the decoder
/// has something to refuse.
void apply(const Override& setting, Node& settings) {
    Node* at = &settings;
    for (std::size_t start = 0; start <= setting.field.size();) {
        if (at->kind != Node::Kind::map) return;
        const std::size_t end = std::min(setting.field.find('.', start), setting.field.size());
        at = &member(*at, std::string_view(setting.field).substr(start, end - start));
        start = end + 1;
    }
    *at = override_node(setting);
}

/// Each one once.
void read_list(const Fields& fields,
               std::string_view name,
               TextRule rule,
               std::vector<std::string>& into) {
    const auto list = fields.find(name);
    if (!list) return;
    std::unordered_set<std::string> seen;
    for (const Value& one : elements_of(*list, max_listed)) {
        auto text = read_text(one, rule);
        if (!text) continue;
        if (!seen.insert(*text).second) {
            one.refuse(fmt::format("is {} a second time", *text));
        } else {
            into.push_back(std::move(*text));
        }
    }
}

void read_servers(const Fields& fields, std::vector<std::string>& into) {
    read_list(fields, "zookeeper", rules::endpoint, into);
    const auto servers = fields.find("zookeeper");
    if (servers && servers->node().kind == Node::Kind::list && servers->node().items.empty())
        servers->refuse("is an empty list; must name at least one server, such as 127.0.0.1:2181");
}

std::string_view ip_address(std::string_view text) {
    return is_ipv4(text) || is_ipv6(text) ? "" : "must be an IP address, such as 192.0.2.7";
}

/// An IP address and a port, which may be 0 for any free one.
std::string_view listen_address(std::string_view text) {
    const auto endpoint = parse_endpoint(text, 0);
    if (!endpoint) return endpoint.error();
    if (is_ipv4(endpoint->host) || is_ipv6(endpoint->host)) return "";
    return "must be an IP address and a port, such as 127.0.0.1:9700";
}

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
                         "max_commands",
                         "max_probes",
                         "max_probes_per_second",
                         "max_handshakes_per_second",
                         "log"});
    if (const auto node = fields.require("node", "a name unique in the cluster"))
        settings.node = NodeId(read_text(*node, rules::name).value_or(""));
    read_text(fields, "cluster", settings.cluster, rules::name);
    read_servers(fields, settings.zookeeper);
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
    read_limits(fields, settings);
    if (const auto log = fields.find("log")) {
        const Fields log_fields(*log, {"level", "format", "file"});
        read_enum(log_fields, "level", settings.log.level);
        read_enum(log_fields, "format", settings.log.format);
        read_text(log_fields, "file", settings.log.file, rules::file_path);
    }
    return settings;
}

}  // namespace

std::vector<Override> overrides_from_environment(
    const std::function<std::optional<std::string>(const std::string&)>& get) {
    std::vector<Override> overrides;
    for (const SettingName& name : setting_names) {
        std::string variable = "MUSTER_";
        for (const char c : name.field)
            variable += c == '.'               ? '_'
                        : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A')
                                               : c;
        // An empty variable is how compose files and units say "not set".
        if (auto value = get(variable); value && !value->empty())
            overrides.push_back({.field = std::string(name.field),
                                 .value = std::move(*value),
                                 .source = std::move(variable)});
    }
    return overrides;
}

DecodedNodeSettings decode_node_settings(std::string_view text,
                                         const std::vector<Override>& overrides) {
    ProblemList problems;
    std::vector<Node> documents =
        read_documents(text, {.bytes = max_bytes, .documents = 1}, problems);
    if (!problems.empty()) return {.problems = problems.take()};
    if (documents.empty()) documents.push_back({.kind = Node::Kind::map});
    for (const Override& setting : overrides) apply(setting, documents.front());
    DecodedNodeSettings decoded{.settings = decode_settings(Value(documents.front(), problems))};
    decoded.problems = problems.take();
    for (Problem& problem : decoded.problems) {
        for (const Override& setting : overrides) {
            if (problem.path.starts_with(setting.field) && problem.line == 0)
                problem.what += fmt::format(" (from {})", setting.source);
        }
    }
    return decoded;
}

}  // namespace muster::config
