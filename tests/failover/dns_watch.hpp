#pragma once

#include "common/base/clock.hpp"
#include "tests/support/etcd_server.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// Follows a real etcd by its own client, from its first revision on, and notes when it was told
/// what. On a thread of its own. Any thread.
class DnsWatch {
 public:
    struct Event {
        WallTime seen{};
        std::string key;
        std::string host;  ///< of the record; empty: deleted, or no record of an address
        bool deleted = false;
    };
    explicit DnsWatch(const EtcdServer& etcd);
    DnsWatch(const DnsWatch&) = delete;
    DnsWatch& operator=(const DnsWatch&) = delete;
    ~DnsWatch();

    [[nodiscard]] std::vector<Event> events() const;
    /// The addresses below a name that are published now.
    [[nodiscard]] std::size_t count(const std::string& prefix) const;
    /// Whether this host is published now, anywhere.
    [[nodiscard]] bool has(const std::string& host) const;

 private:
    void follow(const std::string& url);

    mutable std::mutex mutex_;
    std::vector<Event> events_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace muster::test
