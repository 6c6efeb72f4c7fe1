#pragma once

#include "common/base/signal.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <functional>
#include <list>
#include <string>

namespace muster {

/// Owns the coroutines of one service: every one that it starts is cancelled *and awaited* by
/// stop(). A task that ends by an exception without having been asked to is a bug: `on_failure`
/// hears of it (the default ends the process). Executor: all calls on the one given; the group must
/// be stopped, or its tasks must have ended, before it is destroyed.
class TaskGroup {
 public:
    using OnFailure = std::function<void(const std::string& task, const std::string& what)>;

    explicit TaskGroup(asio::any_io_executor executor, OnFailure on_failure = {});
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup();

    /// Starts `task` on the group's executor (not inline). After stop() has begun, drops it
    /// unstarted.
    void spawn(std::string name, asio::awaitable<void> task);

    /// Cancels every task and waits until all have ended. May be called once.
    [[nodiscard]] asio::awaitable<void> stop();

    /// Cancels every task without waiting: for a stop that is awaited later.
    void cancel();

    [[nodiscard]] bool stopping() const { return stopping_; }
    [[nodiscard]] std::size_t size() const { return tasks_.size(); }
    [[nodiscard]] const asio::any_io_executor& executor() const { return executor_; }

 private:
    struct Task {
        std::string name;
        asio::cancellation_signal cancel;
    };

    asio::any_io_executor executor_;
    OnFailure on_failure_;
    std::list<Task> tasks_;
    Signal ended_;
    bool stopping_ = false;
};

}  // namespace muster
