#include "checker/probe_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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

}  // namespace

int ProbeSocket::connect(const boost::asio::ip::address& address, std::uint16_t port) {
    const int family = address.is_v4() ? AF_INET : AF_INET6;
    descriptor_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor_ < 0) return errno;
    const int off = 0;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    const linger reset_on_close{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &reset_on_close, sizeof reset_on_close);
    const SocketAddress to = to_socket_address(address, port);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the sockets API asks for.
    const auto* const plain = reinterpret_cast<const sockaddr*>(&to.storage);
    return ::connect(descriptor_, plain, to.size) == 0 ? 0 : errno;
}

int ProbeSocket::pending_error() const {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

ProbeSocket::Transfer ProbeSocket::send(std::string_view data) const {
    return transfer_of(::send(descriptor_, data.data(), data.size(), MSG_NOSIGNAL));
}

ProbeSocket::Transfer ProbeSocket::receive(std::span<char> buffer) const {
    return transfer_of(::recv(descriptor_, buffer.data(), buffer.size(), 0));
}

void ProbeSocket::close() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    descriptor_ = -1;
}

}  // namespace muster::checker
