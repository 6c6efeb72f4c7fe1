#include "tests/support/ports.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <vector>

namespace muster::test {
namespace {

TEST(FreePort, IsBelowTheEphemeralRangeAndGivenOutOnce) {
    const std::vector<std::uint16_t> ports = free_ports(200);
    EXPECT_EQ(std::set(ports.begin(), ports.end()).size(), ports.size());
    for (const std::uint16_t port : ports) {
        EXPECT_LT(port, 32'768);
        EXPECT_GE(port, 1'024);
    }
}

TEST(FreePort, PassesOverAPortOnWhichSomebodyListens) {
    // The search goes upwards: whatever holds the next number must be skipped.
    const std::uint16_t before = free_port();
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(before + 1));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Should that fail, somebody else holds it: the same case.
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        ASSERT_EQ(::listen(fd, 1), 0);
    EXPECT_NE(free_port(), before + 1);
    ::close(fd);
}

}  // namespace
}  // namespace muster::test
