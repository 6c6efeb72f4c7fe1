#include "common/config/enum_words.hpp"
#include "common/config/group_decoder.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace muster::config {
namespace {

/// The blob wrote our words in capitals.
void read_algorithm(const Fields& fields, Algorithm& into) {
    const auto value = fields.find("algorithm");
    if (!value) return;
    const Node& node = value->node();
    std::string lower;
    for (const char c : node.is_scalar() ? std::string_view(node.text) : "?")
        lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '_' ? c : '?';
    if (const auto algorithm = parse_enum<Algorithm>(lower)) {
        into = *algorithm;
        return;
    }
    value->refuse_type(
        "one of ROUND_ROBIN, WEIGHTED_ROUND_ROBIN, LEAST_CONNECTIONS, LEAST_RESPONSE_TIME, "
        "SOURCE_HASH, URI_HASH, MAGLEV, RANDOM_TWO_CHOICES");
}

}  // namespace

GroupSpec decode_legacy_group(const Value& value, std::size_t max_backends) {
    GroupSpec group;
    group.name = GroupName(value.key());
    if (const auto complaint = rules::name(value.key()); !complaint.empty())
        value.refuse(fmt::format("is not a group name; {}", complaint));
    const Fields fields(value,
                        {"backend_servers",
                         "health_endpoint",
                         "health_endpoint_expected_code",
                         "health_check_frequency_seconds",
                         "algorithm"});
    if (const auto servers = fields.require("backend_servers", "a list such as [\"10.0.0.1:80\"]"))
        group.backends =
            decode_backends(*servers, BackendForm::address_only, std::nullopt, max_backends);
    HttpCheck http{.expect_status = {{.first = 200, .last = 200}}};
    read_text(fields, "health_endpoint", http.path, rules::http_path);
    int code = 200;
    read_int(fields, "health_endpoint_expected_code", code, bounds::status);
    http.expect_status = {{.first = code, .last = code}};
    group.check.probe = std::move(http);
    int seconds = 10;
    read_int(fields, "health_check_frequency_seconds", seconds, {.least = 1, .most = 3600});
    group.check.interval = std::chrono::seconds(seconds);
    read_algorithm(fields, group.lb.algorithm);
    return group;
}

}  // namespace muster::config
