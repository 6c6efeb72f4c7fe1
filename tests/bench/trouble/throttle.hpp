#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace muster::test {

/// A process that runs for so long, stands still for so long, and so on, as one that has used up
/// its quota does. Until this ends; the process must still be there then. A thread of its own.
class Throttle {
 public:
    /// A child of ours, or a child of one.
    Throttle(pid_t process, std::chrono::milliseconds runs, std::chrono::milliseconds stands);
    ~Throttle();
    Throttle(const Throttle&) = delete;
    Throttle& operator=(const Throttle&) = delete;

 private:
    void alternate(const std::stop_token& ending);

    pid_t process_;
    std::chrono::milliseconds runs_;
    std::chrono::milliseconds stands_;
    std::mutex mutex_;
    std::condition_variable_any ended_;
    std::jthread thread_;
};

}  // namespace muster::test
