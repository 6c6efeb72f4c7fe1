#pragma once

#include "common/base/clock.hpp"
#include "common/base/subprocess.hpp"

#include <boost/asio/awaitable.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace muster::scaler {

/// Told of each process group that acts on the outside for us, and of its end: the guardian ends
/// what is left of them should this process die (orchestrator/guardian_link.hpp). The group's
/// leader ends with the calling thread in any case.
struct ProgramEffects {
    std::function<void(pid_t group)> started = [](pid_t) {};
    std::function<void(pid_t group)> ended = [](pid_t) {};
};

struct ProgramLimits {
    std::chrono::nanoseconds time = std::chrono::seconds(30);  ///< then its group is killed
    std::size_t output_bytes = 1UZ << 20U;                     ///< likewise
    std::size_t error_bytes = 4096;  ///< kept of standard error; the rest is dropped
};

struct ProgramCall {
    enum class End : std::uint8_t { exited, timed_out, too_much_output, not_started };
    End end = End::not_started;
    int code = 0;  ///< of `exited`: its own, or 128 + signal; of `not_started`: an errno
    std::string output;
    std::string errors;
};

/// Runs a program to its end. Executor: the awaiting coroutine's; cancelled, it kills the group and
/// waits for its leader.
[[nodiscard]] asio::awaitable<ProgramCall> call_program(Clock& clock,
                                                        SpawnWish wish,
                                                        ProgramLimits limits,
                                                        ProgramEffects effects);

}  // namespace muster::scaler
