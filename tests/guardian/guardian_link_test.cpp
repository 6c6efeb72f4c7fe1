#include "orchestrator/guardian_link.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster::orchestrator {
namespace {

struct Line {
    Line() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0) {
            link.emplace(FileDescriptor(ends[0]));
            guardian = FileDescriptor(ends[1]);
        }
    }

    std::optional<GuardianMessage> receive() const {
        GuardianMessage message;
        if (::recv(guardian.get(), &message, sizeof message, MSG_DONTWAIT) != sizeof message)
            return std::nullopt;
        return message;
    }

    std::optional<GuardianLink> link;
    FileDescriptor guardian;
};

TEST(GuardianLink, CarriesASessionWhole) {
    Line line;
    const GuardedSession session{.id = -5,
                                 .password = {'s', 'e', 'c', 'r', '\0', 'e', 't'},
                                 .timeout = std::chrono::milliseconds(2'000),
                                 .servers = "127.0.0.1:2181,[::1]:2182"};
    ASSERT_TRUE(line.link->session_opened(3, session));
    const auto message = line.receive();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind, GuardianMessageKind::session_opened);
    EXPECT_EQ(message->slot, 3);
    EXPECT_EQ(message->session, -5);
    EXPECT_EQ(message->timeout_ms, 2'000);
    EXPECT_EQ(message->password, session.password);
    EXPECT_EQ(std::string(message->servers.data()), session.servers);
}

TEST(GuardianLink, RefusesWhatItCannotCarry) {
    Line line;
    EXPECT_FALSE(line.link->session_opened(max_sessions, {}));
    EXPECT_FALSE(line.link->session_opened(0, {.servers = std::string(1'024, 'x')}));
    EXPECT_TRUE(line.link->session_opened(0, {.servers = std::string(1'023, 'x')}));
}

TEST(GuardianLink, KeepsWhatAStoppedGuardianDoesNotTakeInOrderButNoBeats) {
    Line line;
    constexpr int count = 900;  // several times what the socket holds
    for (int group = 2; group < count; ++group) {
        line.link->effect_started(group);
        line.link->beat();
    }
    std::vector<int> received;
    std::size_t beats = 0;
    // Each further message takes along what is still to be sent.
    for (int quiet = 0; quiet < 2; line.link->beat()) {
        ++quiet;
        while (const auto message = line.receive()) {
            if (message->kind == GuardianMessageKind::beat) {
                ++beats;
            } else {
                received.push_back(message->group);
                quiet = 0;
            }
        }
    }
    std::vector<int> expected;
    for (int group = 2; group < count; ++group) expected.push_back(group);
    EXPECT_EQ(received, expected);
    EXPECT_LT(beats, expected.size());
}

TEST(GuardianLink, DoesNothingWithoutAGuardian) {
    GuardianLink link;
    link.beat();
    link.effect_started(7);
    EXPECT_TRUE(link.session_opened(0, {.servers = "127.0.0.1:1"}));
    link.session_closed(0);
}

TEST(GuardianLink, SurvivesItsGuardiansEnd) {
    Line line;
    line.guardian.close();
    line.link->beat();
    line.link->effect_started(7);
}

}  // namespace
}  // namespace muster::orchestrator
