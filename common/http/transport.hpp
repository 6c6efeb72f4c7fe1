#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/http/tls_client.hpp"
#include "common/http/url.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace muster::http {

/// A client's connection, with TLS where the URL says https. Without time-outs: whoever awaits has
/// one. Executor: the awaiting coroutine's.
class Transport {
 public:
    explicit Transport(asio::any_io_executor executor) : socket_(std::move(executor)) {}

    /// Resolves, connects and shakes hands. `tls` null: https trusts the system's authorities.
    [[nodiscard]] asio::awaitable<Result<void>> connect(const Url& url,
                                                        std::shared_ptr<TlsClient> tls);
    /// How many bytes came; 0: the peer has ended its side, with TLS in order.
    [[nodiscard]] asio::awaitable<Result<std::size_t>> read_some(asio::mutable_buffer into);
    [[nodiscard]] asio::awaitable<Result<void>> write(std::array<asio::const_buffer, 2> parts);

 private:
    using Tls = asio::ssl::stream<asio::ip::tcp::socket&>;

    asio::awaitable<Result<void>> shake_hands(const Url& url);
    [[nodiscard]] tl::unexpected<Error> closed(const boost::system::error_code& error);

    asio::ip::tcp::socket socket_;
    std::shared_ptr<TlsClient> client_;
    std::string server_;  ///< what its certificate must be for
    std::optional<asio::ssl::context> context_;
    std::optional<Tls> tls_;  ///< after `socket_` and `context_`, which it needs
};

}  // namespace muster::http
