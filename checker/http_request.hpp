#pragma once

#include "checker/prober.hpp"

#include <string>
#include <string_view>

namespace muster::checker {

/// The text of an HTTP/1.1 request, appended to `text`.
/// Header fields are sent as configured; Host, User-Agent and Connection are added unless they are
/// among these. Host is the configured one, or else address:port. Pure.
void write_http_request(const ProbeRequest& request,
                        const config::HttpCheck& check,
                        std::string_view user_agent,
                        std::string& text);

/// Host and port of the request's own, unless another one is `wanted`.
[[nodiscard]] std::string authority_of(const ProbeRequest& request, const std::string& wanted);

}  // namespace muster::checker
