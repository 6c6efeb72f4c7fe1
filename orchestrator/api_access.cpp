#include "orchestrator/api_access.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace muster::orchestrator {
namespace {

using Digest = std::array<unsigned char, 32>;

Digest keyed_digest(std::string_view key, std::string_view text) {
    Digest digest{};
    unsigned int size = digest.size();
    // HMAC wants bytes; std::string_view has chars.
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    HMAC(EVP_sha256(),
         key.data(),
         static_cast<int>(key.size()),
         bytes,
         text.size(),
         digest.data(),
         &size);
    return digest;
}

/// Takes the same time wherever the texts differ, and whatever their lengths.
bool equal_secrets(std::string_view a, std::string_view b) {
    const Digest left = keyed_digest("muster compare", a);
    const Digest right = keyed_digest("muster compare", b);
    return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<std::string_view> bearer_token(const http::Request& request) {
    constexpr std::string_view scheme = "Bearer ";
    const auto value = request.field("Authorization");
    if (!value || value->size() <= scheme.size()) return std::nullopt;
    if (!equal_ignoring_case(value->substr(0, scheme.size()), scheme)) return std::nullopt;
    return value->substr(scheme.size());
}

bool has_read_cookie(const http::Request& request, const AccessSettings& settings) {
    const auto cookies = request.field("Cookie");
    if (!cookies || settings.token.empty()) return false;
    const std::string wanted = read_cookie(settings);
    std::string_view rest = *cookies;
    while (!rest.empty()) {
        const auto end = std::min(rest.find(';'), rest.size());
        auto cookie = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        while (cookie.starts_with(' ')) cookie.remove_prefix(1);
        if (equal_secrets(cookie, wanted)) return true;
    }
    return false;
}

/// A browser says so when the page of another site is behind a request.
bool is_from_a_page(const http::Request& request) {
    if (request.field("Origin")) return true;
    const auto site = request.field("Sec-Fetch-Site");
    return site && *site != "same-origin" && *site != "none";
}

bool is_ip_address(const std::string& text) {
    in6_addr parsed{};
    return inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
           inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

}  // namespace

bool is_token(std::string_view text, const AccessSettings& settings) {
    return !settings.token.empty() && equal_secrets(text, settings.token);
}

std::string read_cookie(const AccessSettings& settings) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string cookie = "muster_read=";
    for (const unsigned char byte : keyed_digest(settings.token, "read cookie, version 1")) {
        cookie += digits[byte >> 4U];
        cookie += digits[byte & 15U];
    }
    return cookie;
}

bool is_own_host(std::string_view host, const std::vector<std::string>& names) {
    if (host.starts_with('[')) {
        const auto end = host.find(']');
        if (end == std::string_view::npos) return false;
        return is_ip_address(std::string(host.substr(1, end - 1)));
    }
    const std::string name(host.substr(0, host.find(':')));
    if (is_ip_address(name) || equal_ignoring_case(name, "localhost")) return true;
    return std::ranges::any_of(
        names, [&](const std::string& own) { return equal_ignoring_case(own, name); });
}

Access decide_access(const http::Request& request, Needs needs, const AccessSettings& settings) {
    if (needs == Needs::nothing) return {.actor = "anyone"};

    const auto presented = bearer_token(request);
    if (presented && is_token(*presented, settings)) return {.actor = "token"};
    if (presented && !settings.token.empty()) {
        return {.verdict = AccessVerdict::unauthorized, .why = "the bearer token is not the one"};
    }
    const auto host = request.field("Host");
    if (!host || !is_own_host(*host, settings.names)) {
        return {
            .verdict = AccessVerdict::misdirected,
            .why = "without a token, Host must be an IP address, localhost or a configured name"};
    }
    if (needs == Needs::read && has_read_cookie(request, settings)) return {.actor = "cookie"};
    if (!settings.loopback_bind) {
        return {.verdict = AccessVerdict::unauthorized,
                .why = "this node listens beyond loopback: every request needs the bearer token"};
    }
    if (needs == Needs::write && !settings.token.empty()) {
        return {.verdict = AccessVerdict::unauthorized, .why = "writes need the bearer token"};
    }
    if (!request.loopback_peer) {
        return {.verdict = AccessVerdict::unauthorized,
                .why = "only clients on loopback may do without the bearer token"};
    }
    if (needs == Needs::write && is_from_a_page(request)) {
        return {.verdict = AccessVerdict::forbidden,
                .why = "web pages may not write; configure a token and send it"};
    }
    return {.actor = "loopback"};
}

}  // namespace muster::orchestrator
