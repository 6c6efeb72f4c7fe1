#pragma once

#include "common/base/clock.hpp"
#include "common/http/message.hpp"
#include "common/http/server.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace muster::quickstart {

/// A backend whose health one can switch, to see what muster makes of it, and which says what it
/// has seen of the probes:
///
///   GET  /health                          200, or 503 while unhealthy; no answer while hanging
///   POST /switch?healthy=true|false       and &hang=true|false
///   GET  /seen                            {"health_requests", "longest_gap_seconds", ...}
///   POST /seen                            counts from here on
///
/// Executor: all calls on the server's.
class SwitchableBackend {
 public:
    explicit SwitchableBackend(Clock& clock) : clock_(clock) {}

    [[nodiscard]] asio::awaitable<http::Reply> answer(http::Request request);

 private:
    [[nodiscard]] asio::awaitable<http::Reply> health();
    [[nodiscard]] http::Response switch_to(const http::Request& request);
    [[nodiscard]] http::Response seen() const;

    Clock& clock_;
    bool healthy_ = true;
    bool hanging_ = false;
    std::uint64_t health_requests_ = 0;
    std::optional<SteadyTime> last_request_;
    std::chrono::nanoseconds longest_gap_{0};
};

}  // namespace muster::quickstart
