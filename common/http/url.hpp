#pragma once

#include "common/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::http {

struct Target {
    std::string path;  ///< decoded
    std::vector<std::pair<std::string, std::string>> query;
    bool operator==(const Target&) const = default;
};

/// A request's target in origin form. Nothing when it is malformed or could be read in two ways:
/// bad escapes, an encoded slash or control character, "." and ".." segments, more than 64
/// parameters.
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

struct Url {
    std::string host;  ///< without the brackets of an IPv6 literal
    std::string port;
    std::string target;     ///< as it goes into the request line
    std::string authority;  ///< as it goes into Host
    bool tls = false;       ///< https
    bool operator==(const Url&) const = default;
};

/// http://host[:port][/path][?query], or https; no other scheme, no user, no fragment.
/// Errc::bad_url.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

/// For path segments and query values.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace muster::http
