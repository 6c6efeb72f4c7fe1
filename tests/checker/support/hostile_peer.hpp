#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace muster::checker {

/// A backend that means ill, in a process of its own: what it takes of memory and time is not ours,
/// and it goes on while our thread is busy. On a free port of 127.0.0.1. Killed with its object, or
/// with the thread that made it.
class HostilePeer {
 public:
    /// What it does on a connection; the descriptor is closed behind it.
    using OnConnection = std::function<void(int socket)>;
    struct Datagram {
        std::string bytes;  ///< over ICMP with the header of IP, over ICMPv6 without
        sockaddr_storage from{};
    };
    using OnDatagram = std::function<void(int socket, const Datagram& datagram)>;
    enum class Manner { once, for_ever };  ///< for each datagram that comes

    static HostilePeer over_tcp(OnConnection behaviour);
    static HostilePeer over_udp(OnDatagram behaviour, Manner manner);
    /// As the whole host, but for the kernel, which answers to echoes itself unless told not to.
    static HostilePeer over_icmp(OnDatagram behaviour, Manner manner);
    /// The kernel puts the checksums into what is sent.
    static HostilePeer over_icmp6(OnDatagram behaviour, Manner manner);
    HostilePeer(const HostilePeer&) = delete;
    HostilePeer& operator=(const HostilePeer&) = delete;
    ~HostilePeer();

    [[nodiscard]] std::uint16_t port() const { return port_; }

    // For behaviours. They give up after half a minute, so that a prober which never comes to an
    // end of them is seen.

    /// Whether all was taken.
    static bool send_all(int socket, std::string_view bytes);
    /// The same bytes, until nobody takes them any more.
    static void pour(int socket, std::string_view bytes);
    /// Whether there was something.
    static bool read_some(int socket);
    static void send_to(int socket, std::string_view bytes, const sockaddr_storage& to);
    /// Until there is something, at most so long.
    static void listen_for(int socket, std::chrono::milliseconds span);
    /// Until the other side has gone.
    static void hang(int socket);

 private:
    HostilePeer(int family, int type, int protocol, const std::function<void(int socket)>& serve);

    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace muster::checker
