// Probes of addresses that packets do not reach, on a network of the test's own: those that vanish,
// and those that have no way to go.
#include "tests/probes/matrix.hpp"
#include "tests/probes/own_network.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

TEST(RealNetwork, ThatLosesOrRefusesPackets) {
    const test::OwnNetwork network;
    if (!network.entered()) GTEST_SKIP() << "needs a network of its own (root)";
    // hole1 takes all, and is nobody's.
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread.
    ASSERT_EQ(std::system("ip link set lo up && "
                          "ip link add hole0 type veth peer name hole1 && "
                          "ip link set hole0 arp off up && ip link set hole1 arp off up && "
                          "ip address add 192.0.2.1/24 dev hole0 && "
                          "ip address add 2001:db8::1/64 dev hole0 nodad && "
                          "ip route add unreachable 198.51.100.1 && "
                          "ip route add unreachable 2001:db8:1::1"),
              0);
    const test::TempDir certificates;
    test::write_certificates(certificates);
    Probing probing(certificates.path());
    constexpr auto slow = 300ms;
    const Verdict lost = bad(Reason::l4_timeout);
    const auto refused = [](int error) { return bad(Reason::l4_refused, error); };
    const std::vector<std::pair<const char*, config::ProbeSpec>> kinds{
        {"ping", config::PingCheck{}},
        {"a connection", config::TcpCheck{}},
        {"HTTP", config::HttpCheck{}},
        {"TLS", secure(config::TcpCheck{})},
        {"DNS", config::DnsCheck{}},
        {"UDP", config::UdpCheck{.send = "x", .expect = config::TextMatch{.text = "y"}}}};
    struct Place {
        const char* host;
        Verdict expected;
    };
    const std::vector<Place> places{{"192.0.2.9", lost},
                                    {"2001:db8::9", lost},
                                    {"198.51.100.1", refused(EHOSTUNREACH)},
                                    {"2001:db8:1::1", refused(EHOSTUNREACH)},
                                    {"203.0.113.1", refused(ENETUNREACH)},
                                    {"2001:db8:2::1", refused(ENETUNREACH)}};
    for (const char* host : {"127.0.0.1", "::1"})
        probing.expect(1, {"up", config::PingCheck{}, good(Reason::l4_ok)}, slow, host);
    for (const Place& place : places) {
        for (const auto& [name, spec] : kinds)
            probing.expect(1,
                           {fmt::format("{} to {}", name, place.host), spec, place.expected},
                           slow,
                           place.host);
    }
}

}  // namespace
}  // namespace muster::checker
