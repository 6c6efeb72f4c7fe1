#include "common/config/enum_words.hpp"
#include "common/config/field_writer.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/match_codec.hpp"
#include "common/config/probe_codec.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::config {

template <>
struct EnumWords<HttpVersion> {
    static constexpr std::array<std::pair<HttpVersion, std::string_view>, 2> words = {{
        {HttpVersion::http1, "1.1"},
        {HttpVersion::http2, "2"},
    }};
};

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

std::vector<StatusRange> decode_statuses(const Value& value) {
    std::vector<StatusRange> ranges;
    if (value.node().kind != Node::Kind::list) {
        if (const auto range = decode_status(value)) ranges.push_back(*range);
        return ranges;
    }
    if (value.node().items.empty())
        value.refuse("is an empty list; must have at least one status, such as 200-299");
    for (const Value& element : elements_of(value, bounds::status_ranges)) {
        if (const auto range = decode_status(element)) ranges.push_back(*range);
    }
    return ranges;
}

/// One of three forms, which exclude each other.
void read_expected_status(const Fields& fields, HttpCheck& http) {
    std::string_view form;
    for (const std::string_view name : {"status_regex", "not_status", "status"}) {
        const auto value = fields.find(name);
        if (!value) continue;
        if (!form.empty()) {
            value->refuse(fmt::format("stands beside {}; write one of them", form));
            continue;
        }
        form = name;
        http.expect_status.clear();
        if (name == "status") http.expect_status = decode_statuses(*value);
        if (name == "not_status") http.expect_not_status = decode_statuses(*value);
        if (name == "status_regex")
            read_text(fields, name, http.expect_status_regex, rules::pattern);
    }
}

}  // namespace

std::vector<Header> read_request_headers(const Fields& fields) {
    std::vector<Header> into;
    const auto headers = fields.find("headers");
    if (!headers) return into;
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
    return into;
}

json::object encode_request_headers(const std::vector<Header>& headers) {
    json::object map;
    for (const Header& header : headers) map.emplace(header.name, header.value);
    return map;
}

HttpCheck decode_http(const Value& value) {
    HttpCheck http;
    const Fields fields(
        value, {"method", "path", "host", "headers", "body", "version", "redirects", "expect"});
    read_text(fields, "method", http.method, rules::http_method);
    read_text(fields, "path", http.path, rules::http_path);
    read_text(fields, "host", http.host, rules::http_host);
    http.headers = read_request_headers(fields);
    read_text(fields, "body", http.body, rules::request_body);
    read_enum(fields, "version", http.version);
    read_int(fields, "redirects", http.redirects, bounds::redirects);
    if (http.version == HttpVersion::http2 && http.redirects > 0)
        fields.find("redirects")
            ->refuse(fmt::format(
                "is {}, and version is \"2\"; redirects are followed over HTTP/1.1 only",
                http.redirects));
    if (const auto expect = fields.find("expect")) {
        const Fields expected(*expect,
                              {"status", "not_status", "status_regex", "headers", "body", "json"});
        read_expected_status(expected, http);
        if (const auto found = expected.find("headers"))
            http.expect_headers = decode_headers(*found);
        if (const auto found = expected.find("body")) http.expect_body = decode_texts(*found);
        if (const auto found = expected.find("json")) http.expect_json = decode_json(*found);
    }
    return http;
}

json::object encode(const HttpCheck& http, Verbosity verbosity) {
    const HttpCheck standard;
    FieldWriter writer(verbosity);
    writer.field("method", http.method, standard.method);
    writer.field("path", http.path, standard.path);
    writer.optional("host", http.host);
    writer.map("headers", encode_request_headers(http.headers));
    writer.optional("body", http.body);
    writer.field(
        "version", std::string(word_of(http.version)), std::string(word_of(standard.version)));
    writer.field("redirects", http.redirects, standard.redirects);
    FieldWriter expect(verbosity);
    if (!http.expect_status_regex.empty()) {
        expect.put("status_regex", json::string(http.expect_status_regex));
    } else if (!http.expect_not_status.empty()) {
        expect.field("not_status", http.expect_not_status, standard.expect_not_status);
    } else {
        expect.field("status", http.expect_status, standard.expect_status);
    }
    expect.map("headers", encode_headers(http.expect_headers));
    if (!http.expect_body.empty()) expect.put("body", encode_texts(http.expect_body));
    if (!http.expect_json.empty()) expect.put("json", encode_json(http.expect_json));
    writer.map("expect", expect.take());
    return writer.take();
}

}  // namespace muster::config
