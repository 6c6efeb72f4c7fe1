#pragma once

#include "common/base/file_descriptor.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace muster::test {

/// Thousands of HTTP backends in one thread, and the oracle of every test: what it saw and answered
/// is the truth, not what musterd counts. Backend i is NETWORK.<i/250>.<i%250+1> on one port (and
/// after NETWORK.255 comes the next network), all served by one socket. In the network 127.1 it is
/// bound to the loopback device; another one must be the machine's own. Any thread.
class Responder {
 public:
    enum class Behaviour : std::uint8_t {
        healthy,          ///< 200
        failing,          ///< 503
        reset,            ///< closes with RST at once
        hanging,          ///< accepts and says nothing
        dripping,         ///< a byte of its reply each second
        failing_traffic,  ///< 200 to probes, 503 to what is none
    };
    static constexpr std::string_view traffic_path = "/traffic";
    /// What is asked for below this is a 503, "/traffic/fails/3" by backend 3 alone: one LB may see
    /// what others don't.
    static constexpr std::string_view failing_path = "/traffic/fails/";
    /// CLOCK_MONOTONIC.
    using Time = std::chrono::nanoseconds;

    explicit Responder(std::size_t backends, const std::string& network = "127.1");
    ~Responder();
    Responder(const Responder&) = delete;
    Responder& operator=(const Responder&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::size_t size() const { return backends_.size(); }
    [[nodiscard]] std::string host(std::size_t backend) const;
    /// "host:port", as a group's backend.
    [[nodiscard]] std::string address(std::size_t backend) const;

    void set(std::size_t backend, Behaviour behaviour);
    void set_all(Behaviour behaviour);

    struct Record {
        std::uint64_t probes = 0;
        Time last{};         ///< of the last probe's arrival
        Time longest_gap{};  ///< between two arrivals, since reset_gaps()
        // Of what is no probe: its path begins with traffic_path. Answered with the backend's
        // number.
        std::uint64_t requests = 0;
        Time last_request{};
    };
    [[nodiscard]] Record record(std::size_t backend) const;
    /// Counts gaps from now on (an open gap counts from here).
    void reset_gaps();
    /// The longest gap of any backend since reset_gaps(), open ones included.
    [[nodiscard]] Time longest_gap() const;
    [[nodiscard]] std::uint64_t probes() const;

    /// While on, remembers each arrival as (time, backend), for cadence checks.
    void trace(bool on);
    [[nodiscard]] std::vector<std::pair<Time, std::uint32_t>> traced() const;

    [[nodiscard]] static Time now();

 private:
    struct Backend {
        std::atomic<Behaviour> behaviour{Behaviour::healthy};
        Record record;
    };
    void serve();
    void accept_all();
    void answer(int connection);
    void drop(int connection);
    void arrived(std::uint32_t backend);
    void arrived_traffic(std::uint32_t backend);
    void drip();

    std::uint32_t network_;
    std::uint16_t port_ = 0;
    FileDescriptor listener_;
    FileDescriptor epoll_;
    FileDescriptor wake_;
    std::vector<Backend> backends_;
    std::map<int, std::uint32_t> connections_;  ///< socket -> backend; the serving thread's own
    /// A connection that drips, when it is due; likewise.
    struct Drip {
        Time due{};
        int connection = -1;
        std::uint64_t serial = 0;
        std::size_t sent = 0;
    };
    std::deque<Drip> drips_;
    std::map<int, std::uint64_t> dripping_;  ///< socket -> serial, to know it from its successor
    std::uint64_t last_serial_ = 0;
    mutable std::mutex mutex_;  ///< records and trace
    std::vector<std::pair<Time, std::uint32_t>> trace_;
    bool tracing_ = false;
    std::uint64_t probes_ = 0;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace muster::test
