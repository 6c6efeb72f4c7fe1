#include "common/config/group_decoder.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::config {
namespace {

std::optional<StatusRange> decode_status(const Value& value) {
    const Node& node = value.node();
    constexpr std::string_view right =
        "a status from 100 to 599, or a range such as 200-299 with the lower one first";
    if (!node.is_scalar()) {
        value.refuse_type(right);
        return std::nullopt;
    }
    const auto digits = [](std::string_view text) {
        const bool number = text.size() == 3 &&
                            std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
        return number ? (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0') : 0;
    };
    const std::string_view text = node.text;
    const std::size_t dash = text.find('-');
    const StatusRange range{
        .first = digits(text.substr(0, dash)),
        .last = digits(dash == std::string_view::npos ? text : text.substr(dash + 1))};
    if (range.first >= bounds::status.least && range.last <= bounds::status.most &&
        range.first <= range.last)
        return range;
    value.refuse_type(right);
    return std::nullopt;
}

void read_expected_status(const Fields& fields, std::vector<StatusRange>& into) {
    const auto status = fields.find("status");
    if (!status) return;
    std::vector<StatusRange> ranges;
    if (status->node().kind != Node::Kind::list) {
        if (const auto range = decode_status(*status)) ranges.push_back(*range);
    } else {
        if (status->node().items.empty())
            status->refuse("is an empty list; must have at least one status, such as 200-299");
        for (const Value& element : elements_of(*status, bounds::status_ranges)) {
            if (const auto range = decode_status(element)) ranges.push_back(*range);
        }
    }
    if (!ranges.empty()) into = std::move(ranges);
}

void read_headers(const Fields& fields, std::vector<Header>& into) {
    const auto headers = fields.find("headers");
    if (!headers) return;
    const auto same_name = [](std::string_view a, std::string_view b) {
        return std::ranges::equal(a, b, [](char x, char y) {
            const auto lower = [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            };
            return lower(x) == lower(y);
        });
    };
    for (const Value& header : entries_of(*headers, bounds::headers)) {
        const std::string_view name = header.key();
        if (const auto complaint = rules::header_name(name); !complaint.empty()) {
            header.refuse(fmt::format("can't be set; the name {}", complaint));
            continue;
        }
        const auto same = std::ranges::find_if(
            into, [&](const Header& other) { return same_name(other.name, name); });
        if (same != into.end()) {
            header.refuse(fmt::format("is the same header as {}; write one of them", same->name));
            continue;
        }
        if (auto text = read_text(header, rules::header_value))
            into.push_back({.name = std::string(name), .value = std::move(*text)});
    }
}

HttpCheck decode_http(const Value& value) {
    HttpCheck http;
    const Fields fields(value, {"method", "path", "host", "headers", "expect"});
    read_text(fields, "method", http.method, rules::http_method);
    read_text(fields, "path", http.path, rules::http_path);
    read_text(fields, "host", http.host, rules::http_host);
    read_headers(fields, http.headers);
    if (const auto expect = fields.find("expect")) {
        const Fields expected(*expect, {"status", "body"});
        read_expected_status(expected, http.expect_status);
        read_text(expected, "body", http.expect_body, rules::body_match);
    }
    return http;
}

ProbeSpec decode_probe(const Fields& check) {
    const auto http = check.find("http");
    const auto tcp = check.find("tcp");
    if (http && tcp) tcp->refuse("stands beside http; a check is one of http and tcp");
    if (tcp) [[maybe_unused]]
        const Fields no_fields(*tcp, {});
    if (http) return decode_http(*http);
    if (tcp) return TcpCheck{};
    return HttpCheck{};
}

/// A span that must not be longer than the interval, which may be the default one.
void refuse_longer_than_interval(const Fields& fields,
                                 std::string_view name,
                                 Duration span,
                                 Duration interval) {
    if (span <= interval) return;
    const std::string what = fmt::format(
        "is {}, longer than the interval of {}; must be at most "
        "that",
        to_string(span),
        to_string(interval));
    // With a short interval and the default timeout the interval is what the user wrote.
    if (const auto value = fields.find(name)) {
        value->refuse(what);
    } else if (const auto value_of_interval = fields.find("interval")) {
        value_of_interval->refuse(
            fmt::format("is {}, shorter than the default {} of {}; set {} too",
                        to_string(interval),
                        name,
                        to_string(span),
                        name));
    }
}

}  // namespace

CheckSpec decode_check(const Value& value) {
    CheckSpec check;
    const Fields fields(value,
                        {"http",
                         "tcp",
                         "interval",
                         "fast_interval",
                         "down_interval",
                         "timeout",
                         "rise",
                         "fall",
                         "port"});
    check.probe = decode_probe(fields);
    read_duration(fields, "interval", check.interval, bounds::interval);
    if (const auto fast = fields.find("fast_interval")) {
        check.fast_interval = read_duration(*fast, bounds::interval);
        if (check.fast_interval)
            refuse_longer_than_interval(
                fields, "fast_interval", *check.fast_interval, check.interval);
    }
    if (const auto down = fields.find("down_interval"))
        check.down_interval = read_duration(*down, bounds::interval);
    read_duration(fields, "timeout", check.timeout, bounds::timeout);
    refuse_longer_than_interval(fields, "timeout", check.timeout, check.interval);
    read_int(fields, "rise", check.rise, bounds::threshold);
    read_int(fields, "fall", check.fall, bounds::threshold);
    if (const auto port = fields.find("port")) {
        if (const auto number = read_int(*port, bounds::port))
            check.port = static_cast<std::uint16_t>(*number);
    }
    return check;
}

}  // namespace muster::config
