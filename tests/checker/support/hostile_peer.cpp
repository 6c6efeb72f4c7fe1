#include "tests/checker/support/hostile_peer.hpp"

#include "tests/support/eventually.hpp"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace muster::checker {

namespace {

constexpr std::chrono::seconds patience{30};

void require(bool holds, const char* what) {
    if (!holds) throw std::system_error(errno, std::generic_category(), what);
}

template <class Address>
sockaddr* plain(Address& address) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the sockets API asks for.
    return reinterpret_cast<sockaddr*>(&address);
}

void give_up_in_time(int socket) {
    const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void serve_datagrams(int socket,
                     const HostilePeer::OnDatagram& behaviour,
                     HostilePeer::Manner manner) {
    std::vector<HostilePeer::Datagram> seen;
    const test::Stopwatch watch;
    while (watch.elapsed() < patience) {
        HostilePeer::Datagram datagram{.bytes = std::string(2048, '\0')};
        socklen_t size = sizeof datagram.from;
        const ssize_t got = ::recvfrom(socket,
                                       datagram.bytes.data(),
                                       datagram.bytes.size(),
                                       seen.empty() ? 0 : MSG_DONTWAIT,
                                       plain(datagram.from),
                                       &size);
        if (got >= 0) {
            datagram.bytes.resize(static_cast<std::size_t>(got));
            behaviour(socket, datagram);
            if (manner == HostilePeer::Manner::for_ever) seen.push_back(std::move(datagram));
        } else {
            for (const HostilePeer::Datagram& one : seen) behaviour(socket, one);
        }
    }
}

}  // namespace

HostilePeer::HostilePeer(int family,
                         int type,
                         int protocol,
                         const std::function<void(int socket)>& serve) {
    const int socket = ::socket(family, type | SOCK_CLOEXEC, protocol);
    require(socket >= 0, "socket");
    if (family == AF_INET) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        require(::bind(socket, plain(address), size) == 0, "bind");
        require(::getsockname(socket, plain(address), &size) == 0, "getsockname");
        port_ = ntohs(address.sin_port);
    }
    if (type == SOCK_STREAM) require(::listen(socket, 64) == 0, "listen");
    pid_ = ::fork();
    require(pid_ >= 0, "fork");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        std::signal(SIGPIPE, SIG_IGN);
        serve(socket);
        _exit(0);
    }
    ::close(socket);
}

HostilePeer::~HostilePeer() {
    if (pid_ <= 1) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

HostilePeer HostilePeer::over_tcp(OnConnection behaviour) {
    return {AF_INET, SOCK_STREAM, 0, [&](int listener) {
                std::deque<std::thread> connections;  // end with the process
                for (;;) {
                    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
                    if (socket < 0) continue;
                    give_up_in_time(socket);
                    connections.emplace_back([&behaviour, socket] {
                        behaviour(socket);
                        ::close(socket);
                    });
                }
            }};
}

HostilePeer HostilePeer::over_udp(OnDatagram behaviour, Manner manner) {
    return {
        AF_INET, SOCK_DGRAM, 0, [&](int socket) { serve_datagrams(socket, behaviour, manner); }};
}

HostilePeer HostilePeer::over_icmp(OnDatagram behaviour, Manner manner) {
    return {AF_INET, SOCK_RAW, IPPROTO_ICMP, [&](int socket) {
                const icmp_filter only_requests{.data = ~(1U << ICMP_ECHO)};
                ::setsockopt(socket, SOL_RAW, ICMP_FILTER, &only_requests, sizeof only_requests);
                serve_datagrams(socket, behaviour, manner);
            }};
}

HostilePeer HostilePeer::over_icmp6(OnDatagram behaviour, Manner manner) {
    return {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, [&](int socket) {
                icmp6_filter only_requests{};
                ICMP6_FILTER_SETBLOCKALL(&only_requests);
                ICMP6_FILTER_SETPASS(ICMP6_ECHO_REQUEST, &only_requests);
                ::setsockopt(
                    socket, IPPROTO_ICMPV6, ICMP6_FILTER, &only_requests, sizeof only_requests);
                serve_datagrams(socket, behaviour, manner);
            }};
}

void HostilePeer::send_to(int socket, std::string_view bytes, const sockaddr_storage& to) {
    sockaddr_storage address = to;
    ::sendto(socket, bytes.data(), bytes.size(), 0, plain(address), sizeof address);
}

bool HostilePeer::send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void HostilePeer::pour(int socket, std::string_view bytes) {
    const test::Stopwatch watch;
    while (watch.elapsed() < patience && send_all(socket, bytes)) {
    }
}

bool HostilePeer::read_some(int socket) {
    std::array<char, 4096> buffer;
    return ::recv(socket, buffer.data(), buffer.size(), 0) > 0;
}

void HostilePeer::listen_for(int socket, std::chrono::milliseconds span) {
    pollfd wanted{.fd = socket, .events = POLLIN, .revents = 0};
    ::poll(&wanted, 1, static_cast<int>(span.count()));
}

void HostilePeer::hang(int socket) {
    while (read_some(socket)) {
    }
}

}  // namespace muster::checker
