#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/http/server.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace muster::orchestrator {

/// The API's own thread: an io_context with one HTTP server, so that its callers can't delay
/// heartbeats or decisions. Owner: the main thread, which calls everything here.
class ApiThread {
 public:
    /// The handler is made on the main thread, runs on this thread's executor.
    using MakeHandler = std::function<http::Handler(asio::any_io_executor)>;

    ApiThread(Clock& clock, http::ServerSettings settings, const MakeHandler& make_handler);
    ~ApiThread();  ///< stops

    /// Binds; the error names the address.
    [[nodiscard]] Result<void> open();
    [[nodiscard]] std::uint16_t port() const;
    void start();
    /// Closes every connection, waits for their handlers, joins. What handlers wait for on other
    /// executors must still run meanwhile, or be bounded by the limit within stop(), after which
    /// the thread is stopped all the same.
    void stop();

 private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace muster::orchestrator
