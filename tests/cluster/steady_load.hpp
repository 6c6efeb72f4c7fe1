#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// GET requests at a fixed rate over connections that are kept, from a thread of its own: what
/// clients of an LB see. A request has failed when its answer is not a 200, is not whole, or is not
/// there after `patience`; one whose kept connection the LB has closed before it could be sent is
/// sent over another. Any thread.
class SteadyLoad {
 public:
    struct Settings {
        std::string host = "127.0.0.1";
        std::uint16_t port = 0;
        std::string path = "/traffic";
        int per_second = 200;
        std::size_t connections = 16;
        std::chrono::milliseconds patience{5'000};
    };
    struct Counts {
        std::uint64_t sent = 0;
        std::uint64_t answered = 0;  ///< with 200
        std::uint64_t failed = 0;
        std::uint64_t skipped = 0;  ///< not sent in time, for want of a free connection
        std::map<std::string, std::uint64_t> by_body;
        std::string first_failure;
    };

    explicit SteadyLoad(Settings settings);
    SteadyLoad(const SteadyLoad&) = delete;
    SteadyLoad& operator=(const SteadyLoad&) = delete;
    ~SteadyLoad();

    [[nodiscard]] Counts counts() const;
    /// Until so many more have been answered or have failed. False after `limit`.
    [[nodiscard]] bool wait_for(std::uint64_t requests, std::chrono::seconds limit) const;

 private:
    struct Connection {
        int socket = -1;
        bool fresh = true;  ///< nothing was answered on it yet
        bool waiting = false;
        std::chrono::nanoseconds since{};
        std::string got;
    };
    void run();
    void send_on(Connection& connection);
    void receive_on(Connection& connection);
    void fail(Connection& connection, const std::string& why);
    void drop(Connection& connection);
    [[nodiscard]] bool open(Connection& connection);

    Settings settings_;
    int epoll_ = -1;
    std::vector<Connection> connections_;  ///< the thread's own
    mutable std::mutex mutex_;
    Counts counts_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace muster::test
