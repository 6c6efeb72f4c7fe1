#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/http/message.hpp"
#include "common/http/tls_client.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace muster::http {

enum class Errc {
    bad_url = 1,
    resolve_failed,
    connect_failed,
    bad_tls_files,  ///< a certificate or key of ours can't be used; nothing was sent
    tls_failed,     ///< who the server is isn't proved, or it refuses us: nothing was carried out
    timed_out,  ///< the total deadline passed; a request that was sent may have been carried out
    bad_reply,  ///< not HTTP, or over a limit
    closed,     ///< the peer closed before a complete reply
};
const std::error_category& category();
inline std::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), category()};
}

/// Whoever was meant has carried nothing out: the request can be sent again elsewhere.
[[nodiscard]] bool surely_not_sent(const std::error_code& error);

struct ClientRequest {
    std::string method = "GET";
    std::string url;  ///< http://host:port/path?query, or https
    std::vector<Field> fields;
    std::string body;
    std::chrono::nanoseconds timeout = std::chrono::seconds(10);  ///< in total
    std::size_t max_body_bytes = 64UZ << 20U;
    std::shared_ptr<TlsClient> tls{};  ///< of https; null: the system's authorities are trusted
};

/// One request, one connection; its time-out is for name, connection, handshake and exchange in
/// all. Executor: the awaiting coroutine's. Any HTTP status is a Response;
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
