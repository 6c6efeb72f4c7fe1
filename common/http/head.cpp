#include "common/http/head.hpp"

#include "common/http/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace muster::http {

namespace {

tl::unexpected<Refusal> refuse(int status, std::string_view why) {
    return tl::unexpected<Refusal>(Refusal{.status = status, .why = why});
}

std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return std::exchange(rest, {});
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
}

Parsed<std::vector<Field>> parse_fields(std::string_view rest, const HeadLimits& limits) {
    std::vector<Field> fields;
    for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
        if (fields.size() == limits.max_fields) return refuse(431, "too many fields");
        if (line.front() == ' ' || line.front() == '\t') return refuse(400, "a folded field line");
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) return refuse(400, "a field line without a colon");
        const std::string_view name = line.substr(0, colon);
        if (!is_token(name)) return refuse(400, "a malformed field name");
        fields.push_back(
            {.name = std::string(name), .value = std::string(trim(line.substr(colon + 1)))});
    }
    return fields;
}

/// Of these a second one has no meaning that two readers would agree on.
bool is_singleton(std::string_view name) {
    constexpr std::array<std::string_view, 9> singletons = {"authorization",
                                                            "content-length",
                                                            "content-type",
                                                            "expect",
                                                            "host",
                                                            "if-match",
                                                            "last-event-id",
                                                            "origin",
                                                            "transfer-encoding"};
    return std::ranges::any_of(
        singletons, [&](std::string_view one) { return equal_ignoring_case(name, one); });
}

bool has_repeated_singleton(const std::vector<Field>& fields) {
    for (auto field = fields.begin(); field != fields.end(); ++field) {
        if (!is_singleton(field->name)) continue;
        const bool again = std::any_of(std::next(field), fields.end(), [&](const Field& other) {
            return equal_ignoring_case(other.name, field->name);
        });
        if (again) return true;
    }
    return false;
}

Parsed<std::uint64_t> parse_content_length(std::string_view value) {
    if (value.empty() || !std::ranges::all_of(value, is_digit)) {
        return refuse(400, "content-length is not a number");
    }
    std::uint64_t length = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
    if (parsed.ec != std::errc{}) return refuse(413, "content-length is over 64 bits");
    return length;
}

/// "close" wins over "keep-alive"; nothing when the list is malformed.
std::optional<bool> parse_connection(std::string_view value, bool keep_alive) {
    bool close = false;
    for (std::size_t begin = 0; begin <= value.size();) {
        const std::size_t end = std::min(value.find(',', begin), value.size());
        const std::string_view option = trim(value.substr(begin, end - begin));
        if (!option.empty() && !is_token(option)) return std::nullopt;
        if (equal_ignoring_case(option, "close")) close = true;
        if (equal_ignoring_case(option, "keep-alive")) keep_alive = true;
        begin = end + 1;
    }
    return keep_alive && !close;
}

Parsed<Framing> parse_framing(const std::vector<Field>& fields, bool http11) {
    if (has_repeated_singleton(fields)) return refuse(400, "a field that may stand only once");
    Framing framing;
    framing.keep_alive = http11;
    for (const Field& field : fields) {
        if (equal_ignoring_case(field.name, "content-length")) {
            const auto length = parse_content_length(field.value);
            if (!length) return tl::unexpected(length.error());
            framing.content_length = *length;
        } else if (equal_ignoring_case(field.name, "transfer-encoding")) {
            if (!http11) return refuse(400, "transfer-encoding in HTTP/1.0");
            if (!equal_ignoring_case(field.value, "chunked")) {
                return refuse(501, "a transfer-encoding other than chunked");
            }
            framing.chunked = true;
        } else if (equal_ignoring_case(field.name, "connection")) {
            const auto keep_alive = parse_connection(field.value, framing.keep_alive);
            if (!keep_alive) return refuse(400, "a malformed connection field");
            framing.keep_alive = *keep_alive;
        } else if (equal_ignoring_case(field.name, "expect")) {
            if (!equal_ignoring_case(field.value, "100-continue")) {
                return refuse(417, "an expectation other than 100-continue");
            }
            framing.expects_continue = http11;
        }
    }
    if (framing.content_length && framing.chunked) {
        return refuse(400, "content-length with transfer-encoding");
    }
    return framing;
}

bool is_host(std::string_view value) {
    if (value.empty() || value.size() > 255) return false;
    return std::ranges::all_of(
        value, [](char c) { return is_token_char(c) || c == ':' || c == '[' || c == ']'; });
}

Parsed<void> check_host(const std::vector<Field>& fields, bool http11) {
    const auto host = std::ranges::find_if(
        fields, [](const Field& field) { return equal_ignoring_case(field.name, "host"); });
    if (host == fields.end()) {
        if (http11) return refuse(400, "no host");
        return {};
    }
    if (!is_host(host->value)) return refuse(400, "a malformed host");
    return {};
}

Parsed<void> check_method(std::string_view method) {
    constexpr std::array<std::string_view, 7> known = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    if (std::ranges::find(known, method) != known.end()) return {};
    if (!is_token(method)) return refuse(400, "a malformed method");
    return refuse(501, "a method that this server does not know");
}

Parsed<void> check_target(std::string_view method, std::string_view target) {
    const bool visible = std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; });
    if (target.empty() || !visible) return refuse(400, "a malformed target");
    if (target == "*" && method == "OPTIONS") return {};
    // Absolute form is for proxies: its authority and Host could name two different servers.
    if (target.front() != '/') return refuse(400, "a target that is not a path");
    return {};
}

struct RequestLine {
    std::string_view method;
    std::string_view target;
    bool http11 = true;
};

Parsed<RequestLine> parse_request_line(std::string_view line, const HeadLimits& limits) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return refuse(400, "a malformed request line");
    }
    const std::string_view version = line.substr(last + 1);
    if (!version.starts_with("HTTP/") || version.size() != 8 || !is_digit(version[5]) ||
        version[6] != '.' || !is_digit(version[7])) {
        return refuse(400, "a malformed version");
    }
    if (version[5] != '1' || version[7] > '1') {
        return refuse(505, "a version other than HTTP/1.1 and HTTP/1.0");
    }
    RequestLine parsed{.method = line.substr(0, first),
                       .target = line.substr(first + 1, last - first - 1),
                       .http11 = version[7] == '1'};
    if (auto known = check_method(parsed.method); !known) return tl::unexpected(known.error());
    if (parsed.target.size() > limits.max_target_bytes)
        return refuse(414, "the target is too long");
    if (auto fits = check_target(parsed.method, parsed.target); !fits) {
        return tl::unexpected(fits.error());
    }
    return parsed;
}

Parsed<void> check_bytes(std::string_view part, char before) {
    for (const char c : part) {
        if (before == '\r' && c != '\n') {
            return refuse(400, "a carriage return without a line feed");
        }
        if (c == '\n' && before != '\r') {
            return refuse(400, "a line feed without a carriage return");
        }
        if (c != '\r' && c != '\n' && !is_value_char(c)) return refuse(400, "a control character");
        before = c;
    }
    return {};
}

}  // namespace

Parsed<RequestHead> parse_request_head(std::string_view head, const HeadLimits& limits) {
    const auto line = parse_request_line(take_line(head), limits);
    if (!line) return tl::unexpected(line.error());
    auto fields = parse_fields(head, limits);
    if (!fields) return tl::unexpected(fields.error());
    const auto framing = parse_framing(*fields, line->http11);
    if (!framing) return tl::unexpected(framing.error());
    if (auto host = check_host(*fields, line->http11); !host) return tl::unexpected(host.error());
    if (framing->content_length.value_or(0) > limits.max_body_bytes) {
        return refuse(413, "the body is over the limit");
    }
    return RequestHead{.method = std::string(line->method),
                       .target = std::string(line->target),
                       .fields = std::move(*fields),
                       .framing = *framing};
}

Parsed<ReplyHead> parse_reply_head(std::string_view head, const HeadLimits& limits) {
    const std::string_view line = take_line(head);
    const bool version = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
    const bool status = line.size() >= 12 && std::ranges::all_of(line.substr(9, 3), is_digit) &&
                        line[9] >= '1' && line[9] <= '5';
    if (!version || !status || (line.size() > 12 && line[12] != ' ')) {
        return refuse(400, "a malformed status line");
    }
    auto fields = parse_fields(head, limits);
    if (!fields) return tl::unexpected(fields.error());
    const auto framing = parse_framing(*fields, line[7] == '1');
    if (!framing) return tl::unexpected(framing.error());
    return ReplyHead{.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'),
                     .fields = std::move(*fields),
                     .framing = *framing};
}

Parsed<std::optional<std::size_t>> HeadFinder::find(std::string_view bytes,
                                                    const HeadLimits& limits) {
    const std::size_t from = checked_ > 3 ? checked_ - 3 : 0;
    const std::size_t end = bytes.find("\r\n\r\n", from);
    const bool whole = end != std::string_view::npos;
    const std::size_t known = whole ? end + 4 : bytes.size();
    const char before = checked_ == 0 ? '\0' : bytes[checked_ - 1];
    if (auto clean = check_bytes(bytes.substr(checked_, known - checked_), before); !clean) {
        return tl::unexpected(clean.error());
    }
    checked_ = known;
    if (known > limits.max_bytes) {
        if (bytes.find("\r\n") > limits.max_bytes) return refuse(414, "the target is too long");
        return refuse(431, "the head is too long");
    }
    if (!whole) return std::optional<std::size_t>{};
    return std::optional<std::size_t>{known};
}

}  // namespace muster::http
