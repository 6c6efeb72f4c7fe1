#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>

namespace muster::agent {

/// Runs `program -c -f file`. HaproxyErrc::bad_config with what HAProxy says is wrong (its alerts,
/// cut to 4 KiB), std::errc::timed_out, or the errno of a program that can't be started. The child
/// has ended when this returns, throws or is cancelled. Executor: the awaiting coroutine's.
[[nodiscard]] asio::awaitable<Result<void>> check_config(Clock& clock,
                                                         std::string program,
                                                         std::string file,
                                                         std::chrono::nanoseconds timeout);

}  // namespace muster::agent
