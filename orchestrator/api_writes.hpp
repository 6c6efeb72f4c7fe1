#pragma once

#include "common/config/decode.hpp"
#include "common/http/message.hpp"
#include "orchestrator/api_routes.hpp"
#include "orchestrator/commands.hpp"
#include "orchestrator/snapshot.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace muster::orchestrator {

struct WriteCall {
    const http::Request& request;
    const std::vector<std::string>& parameters;
    std::string_view actor;  ///< "token" or "loopback"
    std::shared_ptr<const Snapshot> snapshot;
    const config::Limits& limits;
};

/// Reads the request, gives the command, words the answer. What it refers to must outlive it.
[[nodiscard]] asio::awaitable<http::Response> answer_write(Route route,
                                                           WriteCall call,
                                                           Commands& commands);

/// The answer to an apply, from what became of each group and fleet. Pure.
[[nodiscard]] http::Response answer_applied(const ApplyRequest& request,
                                            const std::vector<AppliedGroup>& applied);

[[nodiscard]] std::string_view to_string(Applied applied);

}  // namespace muster::orchestrator
