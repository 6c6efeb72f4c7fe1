#pragma once

#include "common/http/message.hpp"
#include "orchestrator/api_json.hpp"
#include "orchestrator/api_routes.hpp"
#include "orchestrator/dns_commands.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace muster::orchestrator {

struct DnsCall {
    const http::Request& request;
    const std::vector<std::string>& parameters;
    std::string_view actor;  ///< "token" or "loopback"
    const View& view;
};

/// Plans, their application, one name, the fence. Reads the request, gives the order, words the
/// answer. `commands`: null where this node has no DNS. What it refers to must outlive it.
[[nodiscard]] asio::awaitable<http::Response> answer_dns(Route route,
                                                         DnsCall call,
                                                         DnsCommands* commands);

/// What the name answers and why: what each store has of it, which LBs are behind it, and what the
/// DNS servers say. Pure.
[[nodiscard]] boost::json::object explanation(const View& view,
                                              const dnsupdate::DnsName& name,
                                              const std::vector<StoreOutcome>& stores,
                                              const std::vector<ServerAnswer>& servers);

}  // namespace muster::orchestrator
