#include "common/http/url.hpp"

#include "common/http/client.hpp"

#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace muster::http {

namespace {

constexpr std::size_t max_parameters = 64;

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

bool ambiguous(std::string_view segment) {
    return segment == "." || segment == ".." || segment.find('/') != std::string_view::npos ||
           has_control(segment);
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
    if (text == "*") return Target{.path = "*", .query = {}};
    const auto parsed = boost::urls::parse_origin_form(text);
    if (!parsed) return std::nullopt;
    Target target;
    // Boost.URL hides a leading "/.", which it also uses itself in front of "//".
    if (parsed->encoded_path().starts_with("/./") || parsed->encoded_path() == "/.") {
        return std::nullopt;
    }
    for (const auto& segment : parsed->segments()) {
        if (ambiguous(segment)) return std::nullopt;
        target.path += '/';
        target.path += segment;
    }
    if (target.path.empty()) target.path = "/";
    for (const auto& parameter : parsed->params()) {
        if (target.query.size() == max_parameters) return std::nullopt;
        if (has_control(parameter.key)) return std::nullopt;
        target.query.emplace_back(parameter.key, parameter.value);
    }
    return target;
}

Result<Url> parse_url(std::string_view text) {
    const auto parsed = boost::urls::parse_absolute_uri(text);
    const bool is_http = parsed && (parsed->scheme() == "http" || parsed->scheme() == "https");
    if (!is_http || parsed->host().empty() || parsed->has_userinfo()) {
        return fail(Errc::bad_url, std::string(text.substr(0, 256)));
    }
    // Boost.URL takes any digits for a port.
    if (parsed->has_port() && (parsed->port_number() == 0 || parsed->port().size() > 5 ||
                               std::stoul(parsed->port()) > 65535)) {
        return fail(Errc::bad_url, std::string(text.substr(0, 256)));
    }
    Url url;
    url.host = std::string(parsed->host_address());
    url.tls = parsed->scheme() == "https";
    url.port = parsed->has_port() ? std::string(parsed->port()) : url.tls ? "443" : "80";
    url.target = std::string(parsed->encoded_target());
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    url.authority = std::string(parsed->encoded_host_and_port());
    return url;
}

std::string percent_encode(std::string_view text) {
    return boost::urls::encode(text, boost::urls::unreserved_chars);
}

}  // namespace muster::http
