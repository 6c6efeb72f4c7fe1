#pragma once

#include "common/http/message.hpp"
#include "orchestrator/api_routes.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace muster::orchestrator {

struct AccessSettings {
    /// The listener's address is a loopback one. If not, every request needs the token, so a node
    /// without one must refuse to start.
    bool loopback_bind = true;
    std::string token;               ///< empty: none configured
    std::vector<std::string> names;  ///< host names by which the API may be called
};

enum class AccessVerdict {
    granted,
    unauthorized,  ///< 401
    forbidden,     ///< 403
    misdirected,   ///< 421
};

struct Access {
    AccessVerdict verdict = AccessVerdict::granted;
    std::string why;         ///< of a refusal
    std::string_view actor;  ///< of a grant: "token", "loopback"
};

/// Who may do what (docs/api.md, "Who may"). Pure. A token is compared in constant time. What it
/// defends against: strangers (token), other sites' pages that write through a user's browser
/// (Origin), and their names that resolve to our address (Host).
[[nodiscard]] Access decide_access(const http::Request& request,
                                   Needs needs,
                                   const AccessSettings& settings);

/// The cookie that stands for the token in reads: name and value. Derived from it, so it needs no
/// memory and ends with it.
[[nodiscard]] std::string read_cookie(const AccessSettings& settings);

/// Equal to the configured token; false when there is none.
[[nodiscard]] bool is_token(std::string_view text, const AccessSettings& settings);

/// `host[:port]` names an IP address, localhost or one of `names`.
[[nodiscard]] bool is_own_host(std::string_view host, const std::vector<std::string>& names);

}  // namespace muster::orchestrator
