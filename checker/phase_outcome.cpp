#include "checker/phase_outcome.hpp"

#include "checker/socket_errors.hpp"

namespace muster::checker {

ProbeOutcome timeout_in(Phase phase, Transport transport, std::uint16_t code) {
    switch (phase) {
        case Phase::resolving:
            return inconclusive(Reason::prober_resolver);
        case Phase::connecting:
            return failure(Reason::l4_timeout);
        case Phase::securing:
            return failure(Reason::l6_timeout);
        case Phase::replying:
            return failure(transport == Transport::stream ? Reason::l7_timeout : Reason::l4_timeout,
                           code);
    }
    return {};
}

ProbeOutcome broken_in(Phase phase, Transport transport, int error) {
    const ProbeOutcome outcome = outcome_of_connect_error(error);
    const bool is_ours = outcome.result == Result::inconclusive;
    if (is_ours || transport != Transport::stream) return outcome;
    if (phase == Phase::securing) return failure(Reason::l6_handshake);
    return failure(Reason::l7_closed, static_cast<std::uint16_t>(error));
}

}  // namespace muster::checker
