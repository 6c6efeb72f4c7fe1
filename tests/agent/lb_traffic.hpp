#pragma once

#include "agent/lb_state.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// HTTP servers on loopback, each of which answers with its own number; a thread of their own.
class Sites {
 public:
    explicit Sites(std::size_t count);
    Sites(const Sites&) = delete;
    Sites& operator=(const Sites&) = delete;
    ~Sites();

    [[nodiscard]] std::uint16_t port(std::size_t number) const { return ports_[number]; }
    /// As a server of a pool, "s<number>".
    [[nodiscard]] agent::Server server(std::size_t number) const;
    /// The first `count` of them.
    [[nodiscard]] std::vector<agent::Server> servers(std::size_t count) const;

 private:
    struct Inside;
    std::vector<std::uint16_t> ports_;
    std::unique_ptr<Inside> inside_;
    std::jthread thread_;
};

/// A steady load on one port of loopback, over a new connection each time; a thread of its own.
class Load {
 public:
    explicit Load(std::uint16_t port);
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load();

    struct Counts {
        int sent = 0;
        int failed = 0;
        std::map<std::string, int> answered;  ///< by whom
        std::string first_failure;
    };
    [[nodiscard]] Counts counts() const;

    /// Until so many more requests have been answered: nothing older is under way any more.
    void wait_for(int requests) const;

    /// Who answers requests that begin from now on, sorted; looks at so many of them.
    [[nodiscard]] std::vector<std::string> answering(int requests = 60) const;

 private:
    [[nodiscard]] std::vector<int> finished() const;
    void wait_for_each_client() const;

    mutable std::mutex mutex_;
    Counts counts_;
    std::vector<int> finished_;  ///< requests of each client
    std::atomic<bool> stopping_ = false;
    std::jthread thread_;
};

}  // namespace muster::test
