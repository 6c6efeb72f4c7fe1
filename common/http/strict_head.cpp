#include "common/http/strict_head.hpp"

#include "common/http/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace muster::http {

namespace {

/// What the fields say together; two of a kind, or two that contradict, are refused.
struct Framing {
    std::size_t fields = 0;
    int hosts = 0;
    bool host_valid = true;
    bool content_length = false;
    bool transfer_encoding = false;
};

/// Of these a second one has no meaning that two readers would agree on.
constexpr std::array<std::string_view, 6> singletons = {
    "authorization", "content-type", "expect", "if-match", "last-event-id", "origin"};

std::string_view take_line(std::string_view& rest) {
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return std::exchange(rest, {});
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
}

bool is_host(std::string_view value) {
    if (value.empty() || value.size() > 255) return false;
    return std::ranges::all_of(
        value, [](char c) { return is_token_char(c) || c == ':' || c == '[' || c == ']'; });
}

std::optional<Refusal> check_content_length(std::string_view value, std::size_t max_body) {
    if (value.empty() || !std::ranges::all_of(value, is_digit)) {
        return Refusal{.status = 400, .why = "content-length is not a number"};
    }
    std::uint64_t length = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
    if (parsed.ec != std::errc{} || length > max_body) {
        return Refusal{.status = 413, .why = "the body is over the limit"};
    }
    return std::nullopt;
}

std::optional<Refusal> check_field(std::string_view name,
                                   std::string_view value,
                                   const HeadLimits& limits,
                                   Framing& framing) {
    if (equal_ignoring_case(name, "host")) {
        ++framing.hosts;
        framing.host_valid = is_host(value);
    } else if (equal_ignoring_case(name, "content-length")) {
        if (framing.content_length) {
            return Refusal{.status = 400, .why = "more than one content-length"};
        }
        framing.content_length = true;
        return check_content_length(value, limits.max_body_bytes);
    } else if (equal_ignoring_case(name, "transfer-encoding")) {
        if (framing.transfer_encoding) {
            return Refusal{.status = 400, .why = "more than one transfer-encoding"};
        }
        framing.transfer_encoding = true;
        if (!equal_ignoring_case(value, "chunked")) {
            return Refusal{.status = 501, .why = "a transfer-encoding other than chunked"};
        }
    }
    return std::nullopt;
}

std::optional<Refusal> check_fields(std::string_view rest,
                                    const HeadLimits& limits,
                                    Framing& framing) {
    std::array<bool, singletons.size()> seen{};
    for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
        if (++framing.fields > limits.max_fields) {
            return Refusal{.status = 431, .why = "too many fields"};
        }
        if (line.front() == ' ' || line.front() == '\t') {
            return Refusal{.status = 400, .why = "a folded field line"};
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            return Refusal{.status = 400, .why = "a field line without a colon"};
        }
        const std::string_view name = line.substr(0, colon);
        if (!is_token(name)) return Refusal{.status = 400, .why = "a malformed field name"};
        const std::string_view value = trim(line.substr(colon + 1));
        if (auto refusal = check_field(name, value, limits, framing)) return refusal;
        for (std::size_t i = 0; i < singletons.size(); ++i) {
            if (!equal_ignoring_case(name, singletons[i])) continue;
            if (seen[i]) return Refusal{.status = 400, .why = "a field that may stand only once"};
            seen[i] = true;
        }
    }
    if (framing.content_length && framing.transfer_encoding) {
        return Refusal{.status = 400, .why = "content-length with transfer-encoding"};
    }
    return std::nullopt;
}

std::optional<Refusal> check_method(std::string_view method) {
    constexpr std::array<std::string_view, 7> known = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    if (std::ranges::find(known, method) != known.end()) return std::nullopt;
    if (!is_token(method)) return Refusal{.status = 400, .why = "a malformed method"};
    return Refusal{.status = 501, .why = "a method that this server does not know"};
}

std::optional<Refusal> check_target(std::string_view method, std::string_view target) {
    if (target.empty()) return Refusal{.status = 400, .why = "an empty target"};
    const bool visible = std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; });
    if (!visible) return Refusal{.status = 400, .why = "a target with characters not allowed"};
    if (target == "*") {
        if (method == "OPTIONS") return std::nullopt;
        return Refusal{.status = 400, .why = "the target * belongs to OPTIONS"};
    }
    // Absolute-form is for proxies: its authority and Host could name two different servers.
    if (target.front() != '/') return Refusal{.status = 400, .why = "a target that is not a path"};
    return std::nullopt;
}

std::optional<Refusal> check_request_line(std::string_view line,
                                          const HeadLimits& limits,
                                          bool& http11) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return Refusal{.status = 400, .why = "a malformed request line"};
    }
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!version.starts_with("HTTP/") || version.size() != 8 || !is_digit(version[5]) ||
        version[6] != '.' || !is_digit(version[7])) {
        return Refusal{.status = 400, .why = "a malformed version"};
    }
    if (version[5] != '1' || version[7] > '1') {
        return Refusal{.status = 505, .why = "a version other than HTTP/1.1 and HTTP/1.0"};
    }
    http11 = version[7] == '1';
    if (auto refusal = check_method(method)) return refusal;
    if (target.size() > limits.max_target_bytes) {
        return Refusal{.status = 414, .why = "the target is too long"};
    }
    return check_target(method, target);
}

}  // namespace

std::optional<Refusal> check_bytes(std::string_view part, char before) {
    for (const char c : part) {
        if (before == '\r' && c != '\n') {
            return Refusal{.status = 400, .why = "a carriage return without a line feed"};
        }
        if (c == '\n' && before != '\r') {
            return Refusal{.status = 400, .why = "a line feed without a carriage return"};
        }
        if (c != '\r' && c != '\n' && !is_value_char(c)) {
            return Refusal{.status = 400, .why = "a control character"};
        }
        before = c;
    }
    return std::nullopt;
}

std::optional<Refusal> check_request_head(std::string_view head, const HeadLimits& limits) {
    if (head.size() > limits.max_bytes)
        return Refusal{.status = 431, .why = "the head is too long"};
    if (auto refusal = check_bytes(head, '\0')) return refusal;
    bool http11 = true;
    std::string_view rest = head;
    if (auto refusal = check_request_line(take_line(rest), limits, http11)) return refusal;
    Framing framing;
    if (auto refusal = check_fields(rest, limits, framing)) return refusal;
    if (framing.hosts > 1) return Refusal{.status = 400, .why = "more than one host"};
    if (http11 && framing.hosts == 0) return Refusal{.status = 400, .why = "no host"};
    if (!framing.host_valid) return Refusal{.status = 400, .why = "a malformed host"};
    if (!http11 && framing.transfer_encoding) {
        return Refusal{.status = 400, .why = "transfer-encoding in HTTP/1.0"};
    }
    return std::nullopt;
}

std::optional<Refusal> check_reply_head(std::string_view head, const HeadLimits& limits) {
    if (head.size() > limits.max_bytes)
        return Refusal{.status = 400, .why = "the head is too long"};
    if (auto refusal = check_bytes(head, '\0')) return refusal;
    std::string_view rest = head;
    const std::string_view line = take_line(rest);
    const bool version = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
    const bool status = line.size() >= 12 && std::ranges::all_of(line.substr(9, 3), is_digit) &&
                        line[9] >= '1' && line[9] <= '5';
    if (!version || !status || (line.size() > 12 && line[12] != ' ')) {
        return Refusal{.status = 400, .why = "a malformed status line"};
    }
    Framing framing;
    return check_fields(rest, limits, framing);
}

}  // namespace muster::http
