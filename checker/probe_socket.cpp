#include "checker/probe_socket.hpp"

#include "checker/big_endian.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace muster::checker {

namespace {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

SocketAddress to_socket_address(const boost::asio::ip::address& address, std::uint16_t port) {
    SocketAddress result;
    if (address.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        v4.sin_addr.s_addr = htonl(address.to_v4().to_uint());
        result.size = sizeof v4;
        std::memcpy(&result.storage, &v4, sizeof v4);
    } else {
        const auto bytes = address.to_v6().to_bytes();
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        v6.sin6_scope_id = static_cast<std::uint32_t>(address.to_v6().scope_id());
        std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
        result.size = sizeof v6;
        std::memcpy(&result.storage, &v6, sizeof v6);
    }
    return result;
}

ProbeSocket::Transfer transfer_of(ssize_t result) {
    if (result < 0) return {.error = errno};
    return {.bytes = static_cast<std::size_t>(result)};
}

constexpr int echo_request_v4 = 8;  // RFC 792
constexpr int echo_reply_v4 = 0;
constexpr int echo_request_v6 = 128;  // RFC 4443, 4.1
constexpr int echo_reply_v6 = 129;
constexpr std::uint16_t echo_sequence = 1;  // a socket sends one
constexpr std::size_t echo_header_bytes = 8;

/// RFC 1071.
std::uint16_t internet_checksum(std::string_view bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::uint32_t byte = static_cast<unsigned char>(bytes[i]);
        sum += i % 2 == 0 ? byte << 8U : byte;
    }
    while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace

int ProbeSocket::open(bool is_v4) {
    const int family = is_v4 ? AF_INET : AF_INET6;
    constexpr int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    is_v4_ = is_v4;
    raw_ = false;
    switch (transport_) {
        case Transport::stream: {
            descriptor_ = ::socket(family, SOCK_STREAM | flags, IPPROTO_TCP);
            if (descriptor_ < 0) return errno;
            const linger reset{.l_onoff = 1, .l_linger = 0};
            ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            return 0;
        }
        case Transport::datagram:
            descriptor_ = ::socket(family, SOCK_DGRAM | flags, IPPROTO_UDP);
            return descriptor_ < 0 ? errno : 0;
        case Transport::echo: {
            const int protocol = is_v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
            descriptor_ = ::socket(family, SOCK_DGRAM | flags, protocol);
            if (descriptor_ >= 0 || (errno != EACCES && errno != EPERM))
                return descriptor_ < 0 ? errno : 0;
            descriptor_ = ::socket(family, SOCK_RAW | flags, protocol);
            if (descriptor_ < 0) return errno;
            raw_ = true;
            echo_id_ = static_cast<std::uint16_t>(descriptor_ * 7919 + ::getpid());
            return 0;
        }
    }
    return EINVAL;
}

void ProbeSocket::swap(ProbeSocket& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(transport_, other.transport_);
    std::swap(renewable_, other.renewable_);
    std::swap(raw_, other.raw_);
    std::swap(is_v4_, other.is_v4_);
    std::swap(echo_id_, other.echo_id_);
}

/// The port is chosen by connect(), which can take one that is in use towards another backend.
int ProbeSocket::bind(const boost::asio::ip::address& source) const {
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    const SocketAddress from = to_socket_address(source, 0);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the sockets API asks for.
    const auto* const plain = reinterpret_cast<const sockaddr*>(&from.storage);
    return ::bind(descriptor_, plain, from.size) == 0 ? 0 : errno;
}

int ProbeSocket::connect(const boost::asio::ip::address& address,
                         std::uint16_t port,
                         Transport transport,
                         const boost::asio::ip::address* source) {
    transport_ = transport;
    if (descriptor_ < 0) {
        if (const int error = open(address.is_v4()); error != 0) return error;
    }
    if (transport == Transport::stream) {
        const int off = 0;
        ::setsockopt(descriptor_, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    }
    // A source address stays bound, and so does the interface of a link-local one.
    renewable_ = transport == Transport::stream && source == nullptr &&
                 (address.is_v4() || address.to_v6().scope_id() == 0);
    if (source != nullptr) {
        if (const int error = bind(*source); error != 0) return error;
    }
    const SocketAddress to = to_socket_address(address, transport == Transport::echo ? 0 : port);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the sockets API asks for.
    const auto* const plain = reinterpret_cast<const sockaddr*>(&to.storage);
    return ::connect(descriptor_, plain, to.size) == 0 ? 0 : errno;
}

void ProbeSocket::acknowledge() const {
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

int ProbeSocket::pending_error() const {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

ProbeSocket::Transfer ProbeSocket::send(std::string_view data) {
    if (transport_ == Transport::echo) return send_echo(data);
    return transfer_of(::send(descriptor_, data.data(), data.size(), MSG_NOSIGNAL));
}

ProbeSocket::Transfer ProbeSocket::receive(std::span<char> buffer) const {
    if (transport_ == Transport::echo) return receive_echo(buffer);
    return transfer_of(::recv(descriptor_, buffer.data(), buffer.size(), 0));
}

ProbeSocket::Transfer ProbeSocket::send_echo(std::string_view payload) {
    std::string packet;
    packet += static_cast<char>(is_v4_ ? echo_request_v4 : echo_request_v6);
    packet += '\0';
    add_big_endian(packet, 0, 2);  // the checksum, later
    add_big_endian(packet, echo_id_, 2);
    add_big_endian(packet, echo_sequence, 2);
    packet += payload;
    // For version 6 the kernel does it: its sum covers addresses that we have not chosen.
    if (is_v4_) {
        const std::uint16_t sum = internet_checksum(packet);
        packet[2] = static_cast<char>(sum >> 8U);
        packet[3] = static_cast<char>(sum & 0xffU);
    }
    const Transfer sent = transfer_of(::send(descriptor_, packet.data(), packet.size(), 0));
    return {.bytes = sent.error == 0 ? payload.size() : 0, .error = sent.error};
}

ProbeSocket::Transfer ProbeSocket::receive_echo(std::span<char> buffer) const {
    const Transfer got = transfer_of(::recv(descriptor_, buffer.data(), buffer.size(), 0));
    if (got.error != 0) return got;
    std::string_view packet(buffer.data(), got.bytes);
    // A raw socket of version 4 shows the IP header, too.
    if (raw_ && is_v4_ && !packet.empty())
        packet.remove_prefix(std::min(packet.size(), (packet[0] & 0xfU) * 4UZ));
    const auto wanted = static_cast<char>(is_v4_ ? echo_reply_v4 : echo_reply_v6);
    const bool is_ours = packet.size() >= echo_header_bytes && packet[0] == wanted &&
                         (!raw_ || read_big_endian(packet.substr(4), 2) == echo_id_) &&
                         read_big_endian(packet.substr(6), 2) == echo_sequence;
    // As if nothing had come: there may be more.
    if (!is_ours) return {.error = EINTR};
    packet.remove_prefix(echo_header_bytes);
    std::memmove(buffer.data(), packet.data(), packet.size());
    return {.bytes = packet.size()};
}

bool ProbeSocket::disconnect() {
    if (!renewable_) return false;
    // What close() with SO_LINGER on and 0 does, too; what it does not do is give back the socket.
    const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
    return ::connect(descriptor_, &none, sizeof none) == 0;
}

void ProbeSocket::close_in_order() {
    const linger off{};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &off, sizeof off);
    close();
}

void ProbeSocket::close() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    descriptor_ = -1;
}

}  // namespace muster::checker
