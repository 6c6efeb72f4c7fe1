#pragma once

#include "common/base/signal.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <thread>

namespace muster::coordination {

/// Runs functions that may block for seconds (zookeeper_close) on threads of their own. The
/// destructor waits for them. Executor: all calls on the one given.
class BackgroundCloser {
 public:
    explicit BackgroundCloser(asio::any_io_executor executor);
    BackgroundCloser(const BackgroundCloser&) = delete;
    BackgroundCloser& operator=(const BackgroundCloser&) = delete;
    ~BackgroundCloser();

    void run(std::function<void()> function);

    /// Until all that were started have ended. One waiter.
    [[nodiscard]] asio::awaitable<void> wait();

 private:
    struct Running {
        std::shared_ptr<std::atomic<bool>> ended;
        std::thread thread;
    };
    void reap();

    asio::any_io_executor executor_;
    std::shared_ptr<Signal> ended_;
    std::list<Running> running_;
};

}  // namespace muster::coordination
