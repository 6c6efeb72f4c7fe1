#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace muster::checker {

/// What carries a probe's bytes.
enum class Transport : std::uint8_t {
    stream,    ///< TCP
    datagram,  ///< UDP
    echo,      ///< ICMP echo: what is sent and received are payloads
};

/// The socket of one probe: non-blocking, and cheap on both ends. Over TCP it holds back the bare
/// ACK of the handshake (TCP_QUICKACK off) so that the request carries it: acknowledge() where the
/// peer speaks first. It closes by reset, which costs a sixth less and leaves no TIME_WAIT behind,
/// neither here nor on the backend. Errors are errno values, 0 = none.
class ProbeSocket {
 public:
    ProbeSocket() = default;
    ProbeSocket(const ProbeSocket&) = delete;
    ProbeSocket& operator=(const ProbeSocket&) = delete;
    ProbeSocket(ProbeSocket&& other) noexcept { swap(other); }
    ProbeSocket& operator=(ProbeSocket&& other) noexcept {
        swap(other);
        return *this;
    }
    ~ProbeSocket() { close(); }

    /// Connects, with a new socket unless disconnect() has left one of the same family.
    /// EINPROGRESS: wait until it is writable. Echo needs no port, and either a place in
    /// net.ipv4.ping_group_range or CAP_NET_RAW: EACCES or EPERM without. `source`, of the same
    /// family, is the local address; null: the kernel's choice.
    [[nodiscard]] int connect(const boost::asio::ip::address& address,
                              std::uint16_t port,
                              Transport transport = Transport::stream,
                              const boost::asio::ip::address* source = nullptr);

    /// Once connected: sends the ACK that is held back, without which the peer does not know of the
    /// connection until the kernel has waited for 200 ms.
    void acknowledge() const;

    /// The error that made the socket ready.
    [[nodiscard]] int pending_error() const;

    struct Transfer {
        std::size_t bytes = 0;
        int error = 0;  ///< EAGAIN: not now
    };
    [[nodiscard]] Transfer send(std::string_view data);
    /// The bytes are at the beginning of `buffer`. No bytes and no error: the peer has closed a
    /// stream, or a datagram was empty.
    [[nodiscard]] Transfer receive(std::span<char> buffer) const;

    /// Ends a connection by reset, as close() does, and keeps the descriptor for another connect().
    /// False: this one can't be used again, and is as before.
    [[nodiscard]] bool disconnect();

    void close();
    /// By FIN instead of by reset.
    void close_in_order();

    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Of the last connect().
    [[nodiscard]] bool is_v4() const { return is_v4_; }

 private:
    void swap(ProbeSocket& other) noexcept;
    [[nodiscard]] int open(bool is_v4);
    [[nodiscard]] int bind(const boost::asio::ip::address& source) const;
    [[nodiscard]] Transfer send_echo(std::string_view payload);
    [[nodiscard]] Transfer receive_echo(std::span<char> buffer) const;

    int descriptor_ = -1;
    Transport transport_ = Transport::stream;
    bool renewable_ = false;  ///< nothing stays with it that the next connection must not have
    bool raw_ = false;        ///< of echo: we see all replies to this machine
    bool is_v4_ = true;
    std::uint16_t echo_id_ = 0;
};

}  // namespace muster::checker
