#pragma once

#include "common/config/probe_model.hpp"

#include <string_view>

namespace muster::checker {

/// What a check says of itself before everything else, by the PROXY protocol: UNKNOWN in version 1,
/// LOCAL in version 2 (HAProxy's proxy-protocol.txt, sections 2.1 and 2.2), so that the receiver
/// takes the connection's own addresses.
[[nodiscard]] constexpr std::string_view proxy_header(config::ProxyProtocol version) {
    using namespace std::string_view_literals;
    switch (version) {
        case config::ProxyProtocol::none:
            return {};
        case config::ProxyProtocol::v1:
            return "PROXY UNKNOWN\r\n"sv;
        case config::ProxyProtocol::v2:
            return "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"sv;
    }
    return {};
}

}  // namespace muster::checker
