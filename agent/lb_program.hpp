#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace muster::agent {

struct ProgramEnd {
    int code = 0;        ///< its exit code, or 128 + the signal
    std::string output;  ///< both of its streams; the first 64 KiB
    bool operator==(const ProgramEnd&) const = default;
};

/// Runs a program (argv[0], absolute; no shell, no environment, no input) until it ends. An errno
/// when it can't be started, std::errc::timed_out when it was killed for taking longer than
/// `limit`. The child has ended when this returns, throws or is cancelled. Executor: the awaiting
/// coroutine's.
[[nodiscard]] asio::awaitable<Result<ProgramEnd>> run_program(Clock& clock,
                                                              std::vector<std::string> argv,
                                                              std::chrono::nanoseconds limit);

}  // namespace muster::agent
