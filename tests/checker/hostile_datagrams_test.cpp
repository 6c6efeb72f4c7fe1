// Backends that mean ill over UDP and ICMP: what comes from elsewhere, belongs to another question,
// is too long or too short, or does not end. As in hostile_backends_test.cpp.
#include "checker/big_endian.hpp"
#include "tests/checker/support/hostile_peer.hpp"
#include "tests/checker/support/hostility_fixture.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::string_literals;
using Datagram = HostilePeer::Datagram;
using Manner = HostilePeer::Manner;

const std::set<Reason> silence{Reason::l4_timeout};
const std::set<Reason> wrong_body{Reason::l7_body};
const std::set<Reason> invalid{Reason::l7_invalid};

std::string big_endian(std::uint32_t number, int bytes) {
    std::string text;
    add_big_endian(text, number, bytes);
    return text;
}

class HostileDatagrams : public HostilityTest {
 protected:
    using Answer = std::function<std::string(const std::string& question)>;

    void endure_answer(const std::string& what,
                       const Answer& answer,
                       const std::set<Reason>& reasons,
                       const config::ProbeKind& kind,
                       Manner manner = Manner::once) {
        const HostilePeer peer = HostilePeer::over_udp(
            [&](int socket, const Datagram& datagram) {
                HostilePeer::send_to(socket, answer(datagram.bytes), datagram.from);
            },
            manner);
        endure(request(peer.port(), kind), what, reasons);
    }
};

class HostileUdp : public HostileDatagrams {
 protected:
    const config::ProbeKind pong_ = config::UdpCheck{.send = "ping", .expect = {{.text = "pong"}}};
};

TEST_F(HostileUdp, AnswersWithSomethingElse) {
    for (const std::size_t size : {0UZ, 1UZ, 1'400UZ, 65'507UZ}) {
        const std::string garbage = noise(7, size);
        endure_answer(
            std::to_string(size) + " bytes",
            [&](const std::string&) { return garbage; },
            wrong_body,
            pong_);
        endure_answer(
            std::to_string(size) + " bytes for ever",
            [&](const std::string&) { return garbage; },
            wrong_body,
            pong_,
            Manner::for_ever);
    }
    const std::string behind_all_that_is_read = std::string(65'000, 'x') + "pong";
    endure_answer(
        "too long a datagram",
        [&](const std::string&) { return behind_all_that_is_read; },
        wrong_body,
        pong_);
}

TEST_F(HostileUdp, AnswersFromAnotherPort) {
    for (const Manner manner : {Manner::once, Manner::for_ever}) {
        const HostilePeer peer = HostilePeer::over_udp(
            [](int, const Datagram& datagram) {
                static const int other = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                HostilePeer::send_to(other, "pong", datagram.from);
            },
            manner);
        endure(request(peer.port(), pong_), "another port", silence);
    }
}

/// The question's section is kept; `records` follow it.
std::string dns_answer(const std::string& question,
                       std::uint16_t flags,
                       std::uint16_t count,
                       const std::string& records) {
    // Of the question: a name of one label, type and class.
    const std::size_t end = question.find('\0', 12) + 5;
    return question.substr(0, 2) + big_endian(flags, 2) + big_endian(1, 2) + big_endian(count, 2) +
           std::string(4, '\0') + question.substr(12, end - 12) + records;
}

constexpr std::uint16_t good = 0x8180;
constexpr std::uint16_t cut_off = 0x8380;

/// A record of type A behind this name: 10.0.0.1.
std::string address_of(const std::string& name) {
    return name + "\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1"s;
}

class HostileDns : public HostileDatagrams {
 protected:
    const config::ProbeKind question_ =
        config::DnsCheck{.name = "a.", .type = "A", .answers = {{.text = "10.9.9.9"}}};
};

TEST_F(HostileDns, BelongsToAnotherQuestion) {
    const Answer other_id = [](const std::string& question) {
        std::string answer = dns_answer(question, good, 1, address_of("\xc0\x0c"));
        answer[0] ^= 1;
        return answer;
    };
    endure_answer("another id", other_id, silence, config::DnsCheck{});
    endure_answer("other ids for ever", other_id, silence, config::DnsCheck{}, Manner::for_ever);
    endure_answer(
        "the question itself",
        [](const std::string& question) { return question; },
        invalid,
        config::DnsCheck{});
}

TEST_F(HostileDns, IsGarbage) {
    for (const std::size_t size : {0UZ, 1UZ, 10UZ, 500UZ, 65'000UZ}) {
        const std::string garbage = noise(8, size);
        endure_answer("garbage", [&](const std::string&) { return garbage; }, silence, question_);
        endure_answer(
            "garbage behind the id",
            [&](const std::string& question) { return question.substr(0, 2) + garbage; },
            invalid,
            question_);
        endure_answer(
            "garbage for ever",
            [&](const std::string&) { return garbage; },
            silence,
            question_,
            Manner::for_ever);
    }
}

TEST_F(HostileDns, PointsWithItsNamesInCircles) {
    const auto endure_records =
        [&](const std::string& what, int count, const std::string& records) {
            endure_answer(
                what,
                [&](const std::string& question) {
                    return dns_answer(question, good, static_cast<std::uint16_t>(count), records);
                },
                {Reason::l7_invalid, Reason::l7_body},
                question_);
        };
    // The first record is at 12 + 3 + 4 = 19.
    endure_records("itself", 1, address_of("\xc0\x13"));
    endure_records("each other", 2, address_of("\xc0\x23") + address_of("\xc0\x13"));
    endure_records("label and itself", 1, address_of("\1x\xc0\x13"s));
    endure_records("ahead", 1, address_of("\xff\xff"));
    endure_records("a chain", 1, [] {
        std::string chain;
        for (std::uint32_t i = 0; i < 5'000; ++i)
            chain += big_endian(0xc000U + 19 + 2 * (i + 1), 2);
        return chain + address_of("\xc0\x0c");
    }());
    std::string many;
    const std::string long_name = std::string("\x3f") + std::string(63, 'y') + "\x3f" +
                                  std::string(63, 'y') + "\x3f" + std::string(63, 'y') + "\xc0\x0c";
    many += address_of(long_name);
    for (int i = 0; i < 1'000; ++i) many += address_of("\xc0\x13");
    endure_records("a thousand long names", 1'001, many);
    endure_records("fewer records than it says", 65'535, address_of("\xc0\x0c"));
}

TEST_F(HostileDns, IsCutOff) {
    for (const std::size_t size : {2UZ, 3UZ, 11UZ, 12UZ, 13UZ, 18UZ, 20UZ, 25UZ, 34UZ}) {
        endure_answer(
            std::to_string(size) + " bytes of an answer",
            [&](const std::string& question) {
                return dns_answer(question, good, 1, address_of("\xc0\x0c")).substr(0, size);
            },
            invalid,
            config::DnsCheck{.name = "a.", .type = "A"});
    }
    endure_answer(
        "more over TCP",
        [](const std::string& question) {
            return dns_answer(question, cut_off, 1, address_of("\xc0\x0c"));
        },
        {Reason::l7_too_large},
        question_);
}

/// RFC 1071.
std::string with_checksum(std::string packet) {
    std::uint32_t sum = 0;
    packet[2] = packet[3] = 0;
    for (std::size_t i = 0; i < packet.size(); i += 2)
        sum += static_cast<std::uint32_t>(read_big_endian(packet.substr(i) + '\0', 2));
    while (sum > 0xffffU) sum = (sum & 0xffffU) + (sum >> 16U);
    return packet.replace(2, 2, big_endian(~sum & 0xffffU, 2));
}

/// Of the echo of one version of IP.
struct Echo {
    const char* host;
    HostilePeer (*over)(HostilePeer::OnDatagram, Manner);
    std::size_t header;  ///< of IP, before what is received
    char request;
    char reply;
    bool sums;  ///< the kernel doesn't put in the checksum

    [[nodiscard]] HostilePeer peer(const std::function<void(std::string&)>& spoil,
                                   Manner manner) const {
        return over(
            [this, spoil](int socket, const Datagram& datagram) {
                std::string echo = datagram.bytes.substr(header);
                echo[0] = reply;
                spoil(echo);
                HostilePeer::send_to(socket, sums ? with_checksum(echo) : echo, datagram.from);
            },
            manner);
    }
};

constexpr Echo icmp{"127.0.0.1", &HostilePeer::over_icmp, 20, 8, 0, true};
constexpr Echo icmp6{"::1", &HostilePeer::over_icmp6, 0, '\x80', '\x81', false};

/// In a network of its own, where the kernel answers to no echo.
class HostileIcmp : public HostilityTest {
 public:
    explicit HostileIcmp(const Echo& echo) : echo_(echo) {}

    void TestBody() override {
        endure_echo("another id", [](std::string& echo) { echo[5] ^= 1; });
        endure_echo("another sequence", [](std::string& echo) { echo[7] ^= 1; });
        endure_echo("another payload", [](std::string& echo) { echo.back() ^= 1; });
        endure_echo("half the payload", [](std::string& echo) { echo.resize(8 + 28); });
        endure_echo("no payload", [](std::string& echo) { echo.resize(8); });
        endure_echo("64 KiB", [](std::string& echo) { echo.resize(60'000); });
        endure_echo("a byte too many", [](std::string& echo) { echo += '\0'; });
        endure_echo("a request", [this](std::string& echo) { echo[0] = echo_.request; });
        endure_echo("another type", [](std::string& echo) { echo[0] = 17; });
        // What must not pass for a hostile one: without spoiling it is well.
        const HostilePeer well = echo_.peer([](std::string&) {}, Manner::once);
        std::optional<ProbeOutcome> outcome;
        prober().start(ping(), [&](ProbeOutcome one) { outcome = std::move(one); });
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
        EXPECT_EQ(outcome->result, Result::success);
    }

 private:
    [[nodiscard]] std::shared_ptr<const ProbeRequest> ping() const {
        ProbeRequest wanted = *request(0, config::PingCheck{});
        wanted.host = echo_.host;
        return std::make_shared<const ProbeRequest>(std::move(wanted));
    }
    void endure_echo(const std::string& what, const std::function<void(std::string&)>& spoil) {
        for (const Manner manner : {Manner::once, Manner::for_ever}) {
            const HostilePeer peer = echo_.peer(spoil, manner);
            endure(ping(), what, silence);
        }
    }

    const Echo& echo_;
};

constexpr int can_not_be_tested_here = 77;

bool write_setting(const char* file, const char* value) {
    std::ofstream setting(std::string("/proc/sys/net/") + file);
    setting << value << std::flush;
    return setting.good();
}

/// `ping_groups`: who may use the kernel's ping sockets, of both versions.
void endure_icmp(const Echo& echo, const char* ping_groups) {
    if (unshare(CLONE_NEWNET) != 0) _exit(can_not_be_tested_here);
    const int any = socket(AF_INET, SOCK_DGRAM, 0);
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(any, SIOCSIFFLAGS, &loopback) != 0 ||
        !write_setting("ipv4/icmp_echo_ignore_all", "1") ||
        !write_setting("ipv6/icmp/echo_ignore_all", "1") ||
        !write_setting("ipv4/ping_group_range", ping_groups))
        _exit(can_not_be_tested_here);
    HostileIcmp(echo).TestBody();
    _exit(testing::Test::HasFailure() ? 1 : 0);
}

TEST(HostileIcmpDeathTest, IsPassedOver) {
    const auto passed_or_not_testable = [](int status) {
        if (!WIFEXITED(status)) return false;
        if (WEXITSTATUS(status) == can_not_be_tested_here)
            std::puts("NOT TESTED: a network namespace of its own needs more rights");
        return WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == can_not_be_tested_here;
    };
    for (const Echo& echo : {icmp, icmp6}) {
        EXPECT_EXIT(endure_icmp(echo, "1 0"), passed_or_not_testable, "")
            << "raw sockets, " << echo.host;
        EXPECT_EXIT(endure_icmp(echo, "0 0"), passed_or_not_testable, "")
            << "the kernel's ping sockets, " << echo.host;
    }
}

}  // namespace
}  // namespace muster::checker
