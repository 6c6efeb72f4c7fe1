#pragma once

#include "common/base/clock.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>

namespace muster::checker {

/// Calls back once at a time that may be moved: one sleep under way for a whole queue of deadlines.
/// Executor: all calls, and the callback, on the one given. Destroying it is enough to stop it.
class Alarm {
 public:
    Alarm(asio::any_io_executor executor, Clock& clock, std::function<void()> ring);
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm();

    /// Rings at `when` and at no other time.
    void set(SteadyTime when);
    void clear();

    /// When it will ring; SteadyTime::max() = never.
    [[nodiscard]] SteadyTime when() const;

 private:
    struct Sleep;
    asio::any_io_executor executor_;
    Clock& clock_;
    std::function<void()> ring_;
    std::shared_ptr<Sleep> sleep_;
};

}  // namespace muster::checker
