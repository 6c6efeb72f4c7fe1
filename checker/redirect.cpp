#include "checker/redirect.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include <algorithm>

namespace muster::checker {

namespace {

namespace urls = boost::urls;

constexpr std::size_t longest_path = 2048;

std::string origin_of(const urls::url& url) {
    std::string origin(url.scheme());
    const bool default_port = (url.scheme() == "http" && url.port() == "80") ||
                              (url.scheme() == "https" && url.port() == "443");
    origin += "://";
    origin += url.encoded_host();
    if (url.has_port() && !url.port().empty() && !default_port) {
        origin += ':';
        origin += url.port();
    }
    std::ranges::transform(origin, origin.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return origin;
}

}  // namespace

std::optional<std::string> redirect_path(std::string_view location,
                                         std::string_view scheme,
                                         std::string_view authority,
                                         std::string_view path) {
    if (location.size() > longest_path) return std::nullopt;
    const std::string asked =
        std::string(scheme) + "://" + std::string(authority) + std::string(path);
    const auto base = urls::parse_uri(asked);
    const auto reference = urls::parse_uri_reference(location);
    if (!base || !reference) return std::nullopt;
    const urls::url here(*base);
    urls::url there;
    if (!urls::resolve(here, *reference, there)) return std::nullopt;
    there.normalize_scheme();
    if (origin_of(here) != origin_of(there) || there.has_userinfo()) return std::nullopt;
    std::string target(there.encoded_target());
    if (target.empty() || target.front() != '/') target.insert(0, "/");
    if (target.size() > longest_path) return std::nullopt;
    return target;
}

}  // namespace muster::checker
