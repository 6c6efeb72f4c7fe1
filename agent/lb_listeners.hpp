#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/config/fleet_model.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

// The listeners of an LB, as this host has them.
namespace muster::agent {

/// Changes when a certificate's file does (its size and time are looked at); 0: there are none.
[[nodiscard]] std::uint64_t stamp_of_certificates(const std::vector<config::Listener>& listeners);

/// Connects to each in turn, and closes. The error names the listener that does not accept; each
/// has `limit`. Executor: the awaiting coroutine's.
[[nodiscard]] asio::awaitable<Result<void>> accept_connections(
    Clock& clock, std::vector<config::Listener> listeners, std::chrono::nanoseconds limit);

}  // namespace muster::agent
