#include "common/config/settings_fields.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/enum_words.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

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

constexpr std::size_t max_listed = 32;

}  // namespace

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

void read_zookeeper(const Fields& fields, std::vector<std::string>& into) {
    read_list(fields, "zookeeper", rules::endpoint, into);
    const auto servers = fields.find("zookeeper");
    if (servers && servers->node().kind == Node::Kind::list && servers->node().items.empty())
        servers->refuse("is an empty list; must name at least one server, such as 127.0.0.1:2181");
}

std::string_view ip_address(std::string_view text) {
    return is_ipv4(text) || is_ipv6(text) ? "" : "must be an IP address, such as 192.0.2.7";
}

std::string_view listen_address(std::string_view text) {
    const auto endpoint = parse_endpoint(text, 0);
    if (!endpoint) return endpoint.error();
    if (is_ipv4(endpoint->host) || is_ipv6(endpoint->host)) return "";
    return "must be an IP address and a port, such as 127.0.0.1:9700";
}

void read_log(const Fields& fields, log::Settings& into) {
    const auto log = fields.find("log");
    if (!log) return;
    const Fields log_fields(*log, {"level", "format", "file"});
    read_enum(log_fields, "level", into.level);
    read_enum(log_fields, "format", into.format);
    read_text(log_fields, "file", into.file, rules::file_path);
}

}  // namespace muster::config
