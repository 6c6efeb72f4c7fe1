#pragma once

#include "common/base/file_descriptor.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// What clients of a name see that do as DNS says, and no more: GET requests at a fixed rate, each
/// client over one connection that it keeps; it asks a name server once its last answer's TTL is
/// over and it needs a connection, and takes one of the addresses by chance. **It repeats
/// nothing**: a request has failed when its connection is refused, or ends or is reset before the
/// whole answer, when that isn't a 200, or isn't there in time. A connection that the LB has closed
/// while nothing was under way is no failure. A thread of its own. Any thread.
class DnsLoad {
 public:
    struct Settings {
        std::uint16_t name_server = 0;  ///< on loopback
        std::string name;
        std::uint16_t port = 0;  ///< of the LBs
        int per_second = 1'000;
        std::size_t clients = 100;
        /// Others that ask each 3 s only: their connections are idle nearly always.
        std::size_t idle_clients = 20;
        /// Clients give up a connection after so many requests at least, and twice as many at most.
        int requests_of_connection = 100;
        std::chrono::milliseconds patience{5'000};
    };
    struct Counts {
        std::uint64_t sent = 0;
        std::uint64_t answered = 0;
        std::uint64_t failed = 0;
        std::uint64_t skipped = 0;  ///< not sent in time, for want of a free client
        std::uint64_t connections = 0;
        std::uint64_t questions = 0;  ///< to the name server
        std::map<std::string, std::uint64_t> failures;
        std::map<std::string, std::uint64_t> by_address;  ///< requests that were answered
        std::chrono::nanoseconds elapsed{};
        /// Of answered requests, by quarter octaves of microseconds.
        std::array<std::uint64_t, 128> latencies{};

        [[nodiscard]] Counts since(const Counts& before) const;
        [[nodiscard]] double per_second() const;
        [[nodiscard]] std::chrono::microseconds latency(double share) const;
        [[nodiscard]] std::string str() const;
    };

    explicit DnsLoad(Settings settings);
    DnsLoad(const DnsLoad&) = delete;
    DnsLoad& operator=(const DnsLoad&) = delete;
    ~DnsLoad();

    [[nodiscard]] Counts counts() const;
    /// Until so many more were due. False after `limit`.
    [[nodiscard]] bool wait_for(std::uint64_t requests, std::chrono::seconds limit) const;

 private:
    struct Client {
        int socket = -1;
        std::string address;  ///< of the connection
        std::set<std::string> known;
        std::chrono::nanoseconds known_until{};
        int left = 0;  ///< requests of this connection
        bool waiting = false;
        std::chrono::nanoseconds since{};
        std::chrono::nanoseconds due{};  ///< of idle clients
        std::string got;
    };
    void run();
    void send_on(Client& client);
    void receive_on(Client& client);
    void give_up_late(std::chrono::nanoseconds now);
    void look_up(Client& client);
    [[nodiscard]] std::string open(Client& client);
    void answered(Client& client);
    void fail(Client& client, const std::string& why);
    void drop(Client& client);

    Settings settings_;
    std::chrono::nanoseconds start_;
    FileDescriptor epoll_;
    FileDescriptor resolver_;  ///< a socket
    std::uint16_t last_question_ = 0;
    std::vector<Client> clients_;  ///< the thread's own; the idle ones come last
    std::minstd_rand random_{1};
    mutable std::mutex mutex_;
    Counts counts_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace muster::test
