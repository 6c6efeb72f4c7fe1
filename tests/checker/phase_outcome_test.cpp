#include "checker/phase_outcome.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace muster::checker {
namespace {

TEST(PhaseOutcome, OfATimeoutIsThatOfThePhase) {
    const auto reason = [](Phase phase, Transport transport) {
        return timeout_in(phase, transport, 0).reason;
    };
    EXPECT_EQ(reason(Phase::resolving, Transport::stream), Reason::prober_resolver);
    EXPECT_EQ(reason(Phase::connecting, Transport::stream), Reason::l4_timeout);
    EXPECT_EQ(reason(Phase::securing, Transport::stream), Reason::l6_timeout);
    EXPECT_EQ(reason(Phase::replying, Transport::stream), Reason::l7_timeout);
    // Where nothing is connected, nobody has answered at all.
    EXPECT_EQ(reason(Phase::replying, Transport::datagram), Reason::l4_timeout);
    EXPECT_EQ(reason(Phase::replying, Transport::echo), Reason::l4_timeout);
    EXPECT_EQ(timeout_in(Phase::replying, Transport::stream, 200).code, 200);
    EXPECT_EQ(timeout_in(Phase::resolving, Transport::stream, 0).result, Result::inconclusive);
}

TEST(PhaseOutcome, OfABrokenConnectionBlamesWhoeverBrokeIt) {
    EXPECT_EQ(
        broken_in(Phase::replying, Transport::stream, ECONNRESET),
        (ProbeOutcome{.result = Result::failure, .reason = Reason::l7_closed, .code = ECONNRESET}));
    EXPECT_EQ(broken_in(Phase::securing, Transport::stream, ECONNRESET).reason,
              Reason::l6_handshake);
    EXPECT_EQ(broken_in(Phase::replying, Transport::datagram, ECONNREFUSED).reason,
              Reason::l4_refused);
    for (const Transport transport : {Transport::stream, Transport::datagram, Transport::echo}) {
        EXPECT_EQ(broken_in(Phase::replying, transport, ENOBUFS).result, Result::inconclusive);
        EXPECT_EQ(broken_in(Phase::replying, transport, EPERM).result, Result::inconclusive);
    }
}

}  // namespace
}  // namespace muster::checker
