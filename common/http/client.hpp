#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/http/message.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace muster::http {

enum class Errc {
    bad_url = 1,
    resolve_failed,
    connect_failed,
    timed_out,  ///< the total deadline passed; a request that was sent may have been carried out
    bad_reply,  ///< not HTTP, or over a limit
    closed,     ///< the peer closed before a complete reply
};
const std::error_category& category();
inline std::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), category()};
}

struct ClientRequest {
    std::string method = "GET";
    std::string url;  ///< http://host:port/path?query
    std::vector<Field> fields;
    std::string body;
    std::chrono::nanoseconds timeout = std::chrono::seconds(10);  ///< in total
    std::size_t max_body_bytes = 64UZ << 20U;
};

/// One request, one connection. Executor: the awaiting coroutine's. Any HTTP status is a Response;
/// the error is for when there is none.
[[nodiscard]] asio::awaitable<Result<Response>> fetch(Clock& clock, ClientRequest request);

/// A stream of server-sent events: `on_event` gets each event's name and data, until the peer
/// closes (success), an error, or cancellation. `idle` bounds the silence between two lines.
using OnEvent = std::function<void(std::string_view event, std::string_view data)>;
[[nodiscard]] asio::awaitable<Result<void>> follow(Clock& clock,
                                                   ClientRequest request,
                                                   std::chrono::nanoseconds idle,
                                                   OnEvent on_event);

}  // namespace muster::http

template <>
struct std::is_error_code_enum<muster::http::Errc> : std::true_type {};
