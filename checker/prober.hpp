#pragma once

#include "checker/outcome.hpp"
#include "common/base/clock.hpp"
#include "common/config/model.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace muster::checker {

/// Where and how to probe once.
struct ProbeRequest {
    std::string host;  ///< literal IPv4, IPv6 or a host name
    std::uint16_t port = 0;
    SharedValue<config::ProbeSpec> probe = config::ProbeSpec{};  ///< always there
    std::chrono::nanoseconds timeout{0};
    SharedValue<config::PhaseTimeouts> timeouts;  ///< nothing: none
    SharedValue<config::IntentSource> intent;     ///< what to look for in the reply
    bool operator==(const ProbeRequest&) const = default;
};

/// Nothing where none is set, as with most checks.
[[nodiscard]] SharedValue<config::PhaseTimeouts> shared(const config::PhaseTimeouts& timeouts);

/// Of the whole request, and of host and port alone: to find equal requests.
[[nodiscard]] std::size_t hash_of(const ProbeRequest& request);
[[nodiscard]] std::size_t hash_of_endpoint(const ProbeRequest& request);

/// The seam to the network. A prober belongs to one executor (one thread): both functions are
/// called on it and `done` is called on it exactly once, never from inside start(). The total time
/// is bounded by the request's timeout (deadlines are the prober's own work: it may batch them).
/// The real one is `NetworkProber`; simulation has its own.
class Prober {
 public:
    Prober() = default;
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;
    virtual ~Prober() = default;

    using Done = std::move_only_function<void(ProbeOutcome)>;
    virtual void start(std::shared_ptr<const ProbeRequest> request, Done done) = 0;

    /// Ends every probe under way as inconclusive (prober_stopped).
    virtual void stop() = 0;
};

}  // namespace muster::checker
