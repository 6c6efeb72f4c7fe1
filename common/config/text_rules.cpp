#include "common/config/text_rules.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/pattern_options.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace muster::config::rules {
namespace {

constexpr std::string_view fine;

bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_visible(char c) {
    return c > ' ' && c < 0x7f;
}

/// RFC 9110's token: header names, and cookie names after RFC 6265.
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_letter_or_digit(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
    });
}

bool is_word(std::string_view text, std::size_t longest, std::string_view also) {
    return !text.empty() && text.size() <= longest && is_letter_or_digit(text[0]) &&
           std::ranges::all_of(text,
                               [&](char c) { return is_letter_or_digit(c) || also.contains(c); });
}

bool is_of(std::string_view text, std::string_view also) {
    return std::ranges::all_of(text,
                               [&](char c) { return is_letter_or_digit(c) || also.contains(c); });
}

/// "//", "/." and "/..", which servers read in different ways.
bool has_odd_part(std::string_view path) {
    while (path.starts_with('/')) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, end);
        path.remove_prefix(end);
        if ((part.empty() && !path.empty()) || part == "." || part == "..") return true;
    }
    return false;
}

}  // namespace

std::string_view name(std::string_view text) {
    if (is_word(text, 128, "._-")) return fine;
    return "must be 1 to 128 of A-Z a-z 0-9 . _ - and begin with a letter or digit";
}

std::string_view zone(std::string_view text) {
    if (is_word(text, 63, "._-")) return fine;
    return "must be 1 to 63 of A-Z a-z 0-9 . _ - and begin with a letter or digit";
}

std::string_view endpoint(std::string_view text) {
    const auto parsed = parse_endpoint(text);
    return parsed ? fine : parsed.error();
}

std::string_view label_key(std::string_view text) {
    if (is_word(text, 63, "._-/")) return fine;
    return "must be 1 to 63 of A-Z a-z 0-9 . _ - / and begin with a letter or digit";
}

std::string_view label_value(std::string_view text) {
    if (text.size() <= 255 && !text.contains('\n') && !text.contains('\r')) return fine;
    return "must be one line of at most 255 bytes";
}

std::string_view http_method(std::string_view text) {
    const bool upper = !text.empty() && text.size() <= 16 &&
                       std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (upper && text != "CONNECT") return fine;
    return "must be an HTTP method in capitals, such as GET or HEAD (CONNECT is none for a check)";
}

std::string_view http_path(std::string_view text) {
    const bool clean = text.starts_with('/') &&
                       std::ranges::all_of(text, [](char c) { return is_visible(c) && c != '#'; });
    if (clean && text.size() <= 2048) return fine;
    return "must begin with / and hold only visible ASCII without # (escape others as %20), at "
           "most 2048 bytes";
}

std::string_view http_host(std::string_view text) {
    const std::string_view inner =
        text.starts_with('[') && text.ends_with(']') ? text.substr(1, text.size() - 2) : "";
    if (is_host_name(text) || is_ipv4(text) || is_ipv6(inner) || parse_endpoint(text)) return fine;
    return "must be a host name or an IP address (IPv6 in brackets), with or without :port";
}

std::string_view header_name(std::string_view text) {
    if (text.size() > 64 || !is_token(text))
        return "must be a header name: at most 64 letters, digits and !#$%&'*+-.^_`|~";
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    constexpr std::array ours = {"connection", "content-length", "host", "transfer-encoding"};
    if (std::ranges::find(ours, lower) == ours.end()) return fine;
    return "is a header that the probe writes itself (for Host there is the field host)";
}

std::string_view header_value(std::string_view text) {
    const bool clean =
        std::ranges::all_of(text, [](char c) { return is_visible(c) || c == ' ' || c == '\t'; });
    const bool trimmed = text.empty() || (is_visible(text.front()) && is_visible(text.back()));
    if (clean && trimmed && text.size() <= 1024) return fine;
    return "must be one line of visible ASCII, without space at its ends, at most 1024 bytes";
}

std::string_view body_match(std::string_view text) {
    if (!text.empty() && text.size() <= 1024) return fine;
    return "must be a text of 1 to 1024 bytes";
}

std::string_view request_body(std::string_view text) {
    if (text.size() <= 8192) return fine;
    return "must be a text of at most 8192 bytes";
}

std::string_view field_name(std::string_view text) {
    if (text.size() <= 64 && is_token(text)) return fine;
    return "must be a header's name: 1 to 64 letters, digits and !#$%&'*+-.^_`|~";
}

std::string_view pattern(std::string_view text) {
    constexpr std::string_view right =
        "must be a regular expression of 1 to 1024 bytes in RE2's syntax (no back-references, no "
        "look-around)";
    if (text.empty() || text.size() > 1024) return right;
    const re2::RE2 compiled(re2::StringPiece(text.data(), text.size()), pattern_options());
    return compiled.ok() ? fine : right;
}

std::string_view server_name(std::string_view text) {
    if (is_host_name(text) || is_ipv4(text) || is_ipv6(text)) return fine;
    return "must be a host name or an IP address";
}

std::string_view alpn_protocol(std::string_view text) {
    if (!text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_visible)) return fine;
    return "must be 1 to 64 bytes of visible ASCII, such as h2 or http/1.1";
}

std::string_view grpc_service(std::string_view text) {
    if (!text.empty() && text.size() <= 127 && std::ranges::all_of(text, is_visible)) return fine;
    return "must be a service's name of 1 to 127 bytes of visible ASCII, such as shop.v1.Cart";
}

std::string_view dns_name(std::string_view text) {
    constexpr std::string_view right =
        "must be a domain name: labels of 1 to 63 letters, digits, - and _, with dots between "
        "them, or . for the root";
    if (text == ".") return fine;
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > 253) return right;
    while (!text.empty()) {
        const std::size_t size = std::min(text.find('.'), text.size());
        const bool clean = std::ranges::all_of(text.substr(0, size), [](char c) {
            return is_letter_or_digit(c) || c == '-' || c == '_';
        });
        const bool ends_in_dot = size + 1 == text.size();
        if (size == 0 || size > 63 || !clean || ends_in_dot) return right;
        text.remove_prefix(std::min(size + 1, text.size()));
    }
    return fine;
}

namespace {

/// Labels that mean something else to CoreDNS, or to us.
std::string_view reserved_label(std::string_view label) {
    if (label == "any" || label == "dns") return "must not be any or dns, which CoreDNS reserves";
    if (label.starts_with("_muster")) return "must not begin with _muster, as our own marks do";
    return fine;
}

}  // namespace

std::string_view published_label(std::string_view text) {
    if (const std::string_view reserved = reserved_label(text); !reserved.empty()) return reserved;
    const bool clean = std::ranges::all_of(text, [](char c) {
        const bool upper = c >= 'A' && c <= 'Z';
        return (is_letter_or_digit(c) && !upper) || c == '-' || c == '_';
    });
    if (!text.empty() && text.size() <= 63 && clean && text.front() != '-' && text.back() != '-')
        return fine;
    return "must be 1 to 63 lower-case letters, digits, - and _, with no - at either end";
}

std::string_view published_name(std::string_view text) {
    if (text.size() > 253) return "must be at most 253 bytes long";
    if (is_ipv4(text)) return "must be a name, not an address";
    for (;;) {
        const std::size_t size = std::min(text.find('.'), text.size());
        const std::string_view label = text.substr(0, size);
        if (const std::string_view reserved = reserved_label(label); !reserved.empty())
            return reserved;
        if (!published_label(label).empty())
            return "must be a domain name in lower case without the last dot: labels of 1 to 63 "
                   "letters, digits, - and _, with dots between them";
        if (size == text.size()) return fine;
        text.remove_prefix(size + 1);
    }
}

std::string_view user(std::string_view text) {
    if (!text.empty() && text.size() <= 128 && std::ranges::all_of(text, is_visible)) return fine;
    return "must be 1 to 128 bytes of visible ASCII";
}

std::string_view argument(std::string_view text) {
    const bool clean =
        std::ranges::none_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 127; });
    if (clean && text.size() <= 1024 && !text.starts_with('-')) return fine;
    return "must be up to 1024 bytes on one line, and not begin with -, which would be an option";
}

std::string_view distinguished_name(std::string_view text) {
    const bool clean = std::ranges::none_of(text, [](char c) { return c >= 0 && c < ' '; });
    if (!text.empty() && text.size() <= 512 && clean) return fine;
    return "must be a distinguished name of 1 to 512 bytes, such as cn=probe,dc=example,dc=org";
}

std::string_view script_text(std::string_view text) {
    if (!text.empty() && text.size() <= 4096) return fine;
    return "must be a text of 1 to 4096 bytes; as send_hex or expect_hex it may be any bytes";
}

std::string_view hex_bytes(std::string_view text) {
    const bool digits = std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    if (digits && !text.empty() && text.size() % 2 == 0 && text.size() <= 8192) return fine;
    return "must be 1 to 4096 bytes, each as two hexadecimal digits";
}

std::string_view json_pointer(std::string_view text) {
    constexpr std::string_view right =
        "must be a JSON pointer of at most 512 bytes: empty, or parts that each begin with /, ~ "
        "only as ~0 and ~1";
    if (text.size() > 512 || (!text.empty() && text.front() != '/')) return right;
    for (std::size_t at = text.find('~'); at != std::string_view::npos;
         at = text.find('~', at + 1)) {
        if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return right;
    }
    return fine;
}

std::string_view cookie_name(std::string_view text) {
    if (text.size() <= 64 && is_token(text)) return fine;
    return "must be a cookie name: 1 to 64 letters, digits and !#$%&'*+-.^_`|~";
}

std::string_view bind(std::string_view text) {
    const auto parsed = parse_bind(text);
    return parsed ? fine : parsed.error();
}

std::string_view route_host(std::string_view text) {
    const bool any_below = text.starts_with("*.");
    if (is_host_name(any_below ? text.substr(2) : text)) return fine;
    if (is_ipv4(text)) return fine;
    return "must be a host name (letters, digits, - and .) without a port, or *. and such a name; "
           "left out, it is any";
}

std::string_view route_path(std::string_view text) {
    if (text.starts_with('/') && text.size() <= 512 && is_of(text, "/._-~+:@=,") &&
        !has_odd_part(text))
        return fine;
    return "must begin with / and hold only A-Z a-z 0-9 / . _ - ~ + : @ = , (no //, no . or .. as "
           "a part), at most 512 bytes";
}

std::string_view certificate_path(std::string_view text) {
    if (text.starts_with('/') && !text.ends_with('/') && text.size() <= 255 &&
        is_of(text, "/._-+@") && !has_odd_part(text))
        return fine;
    return "must be the absolute path of a file, of A-Z a-z 0-9 / . _ - + @ (no //, no . or .. as "
           "a part), at most 255 bytes";
}

std::string_view file_path(std::string_view text) {
    if (!text.empty() && text.size() <= 4096 && !text.contains('\n') && !text.contains('\r'))
        return fine;
    return "must be the path of a file, at most 4096 bytes";
}

std::string_view absolute_path(std::string_view text) {
    if (text.starts_with('/') && file_path(text).empty()) return fine;
    return "must be an absolute path, such as /usr/lib/nagios/plugins/check_ssh";
}

std::string_view program_argument(std::string_view text) {
    const bool clean = std::ranges::none_of(text, [](char c) { return c == '\0' || c == '\n'; });
    if (clean && text.size() <= 1024) return fine;
    return "must be up to 1024 bytes on one line";
}

}  // namespace muster::config::rules
