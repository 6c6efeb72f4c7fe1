#include "tests/support/ports.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>

namespace muster::test {

namespace {

constexpr std::uint32_t first_port = 10'000;
constexpr std::uint32_t past_last_port = 32'000;

/// Claims the number among test processes by binding an abstract Unix socket of that name: it is
/// exclusive, leaves no file, and the kernel releases it when the process ends, however it ends.
bool reserve(std::uint32_t port) {
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw std::runtime_error("no socket left to reserve a port");
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string text = "muster-test-port-" + std::to_string(port);
    std::memcpy(&name.sun_path[1], text.data(), text.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), size) == 0) return true;
    ::close(fd);
    return false;
}

/// Without SO_REUSEADDR, so that ports with connections in TIME_WAIT are passed over, too.
bool can_bind(std::uint32_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw std::runtime_error("no socket left to try a port");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return bound;
}

}  // namespace

std::uint16_t free_port() {
    static std::mutex mutex;
    // Processes start their search apart, so that a port just given up by one is not the next
    // one's.
    static std::uint32_t next = static_cast<std::uint32_t>(::getpid()) * 97U;
    const std::scoped_lock lock(mutex);
    for (std::uint32_t tries = first_port; tries < past_last_port; ++tries) {
        const std::uint32_t port = first_port + next++ % (past_last_port - first_port);
        if (can_bind(port) && reserve(port)) return static_cast<std::uint16_t>(port);
    }
    throw std::runtime_error("no free port below 32768");
}

std::vector<std::uint16_t> free_ports(std::size_t count) {
    std::vector<std::uint16_t> ports(count);
    for (std::uint16_t& port : ports) port = free_port();
    return ports;
}

}  // namespace muster::test
