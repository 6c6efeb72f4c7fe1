#pragma once

#include "tests/cluster/observer.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// Looks on while a fleet changes: what comes into and leaves etcd, by a watch there, and the
/// phases of the instances, from ZooKeeper. No musterd is asked. A thread of its own; made and
/// ended by one thread. Any thread may ask.
class DnsOrder {
 public:
    DnsOrder(const EtcdServer& etcd, const Observer& observer, std::string fleet);
    DnsOrder(const DnsOrder&) = delete;
    DnsOrder& operator=(const DnsOrder&) = delete;
    ~DnsOrder();

    /// Of one instance, when it was seen first; of `withdrawn` and `published`, last.
    struct Life {
        std::optional<std::chrono::nanoseconds> healthy;  ///< warming
        std::optional<std::chrono::nanoseconds> serving;
        std::optional<std::chrono::nanoseconds> draining;
        std::optional<std::chrono::nanoseconds> leaving;  ///< its record says: out of DNS
        std::optional<std::chrono::nanoseconds> deleting;
        std::optional<std::chrono::nanoseconds> published;
        std::optional<std::chrono::nanoseconds> withdrawn;
        bool in_etcd = false;
    };
    [[nodiscard]] std::map<std::string, Life> lives() const;

    /// Records of what isn't in service: that came before it was healthy, or before it served
    /// though another one did, or were still there when its removal began.
    [[nodiscard]] std::vector<std::string> wrong() const;
    /// A line for each instance that has left: how long each step took.
    [[nodiscard]] std::string str() const;

 private:
    void run();
    void read_etcd(std::chrono::nanoseconds now);
    void read_phases(std::chrono::nanoseconds now);

    const Observer& observer_;
    std::string fleet_;
    TempDir directory_;
    Process watch_;
    std::size_t read_ = 0;  ///< of the watch's output
    mutable std::mutex mutex_;
    std::map<std::string, Life> lives_;
    std::atomic<bool> ending_ = false;
    std::thread thread_;
};

}  // namespace muster::test
