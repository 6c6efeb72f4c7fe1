#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace muster::checker {

/// The path and query that `location` (RFC 9110, 10.2.2) leads to, if it is on the server that was
/// asked: its own, or of an absolute URL with the same scheme and authority. Nothing for any other
/// place, which is not the backend's to answer for, and for what can't be put into a request. Pure.
[[nodiscard]] std::optional<std::string> redirect_path(std::string_view location,
                                                       std::string_view scheme,
                                                       std::string_view authority,
                                                       std::string_view path);

}  // namespace muster::checker
