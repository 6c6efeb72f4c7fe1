#pragma once

#include "checker/outcome.hpp"
#include "checker/probe_socket.hpp"

#include <cstdint>

// What it means that a probe got no further, by the phase it was in. Pure.
namespace muster::checker {

[[nodiscard]] inline ProbeOutcome inconclusive(Reason reason) {
    return {.result = Result::inconclusive, .reason = reason};
}
[[nodiscard]] inline ProbeOutcome failure(Reason reason, std::uint16_t code = 0) {
    return {.result = Result::failure, .reason = reason, .code = code};
}

enum class Phase : std::uint8_t { resolving, connecting, securing, replying };

/// The time is up; `code`: what the dialogue has heard so far.
[[nodiscard]] ProbeOutcome timeout_in(Phase phase, Transport transport, std::uint16_t code);

/// Once connected, a call on the socket failed with this errno.
[[nodiscard]] ProbeOutcome broken_in(Phase phase, Transport transport, int error);

}  // namespace muster::checker
