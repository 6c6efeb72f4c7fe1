#pragma once

#include "tests/cluster/cluster.hpp"
#include "tests/cluster/machines.hpp"
#include "tests/support/coredns_server.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace muster::test {

/// A fleet "edge" that muster makes itself, with a name that a real CoreDNS answers: three nodes,
/// an etcd, and as machines of a process provider on n0 real HAProxies with their agents, each at
/// an address of its own, in front of backends that are quick. Blocking; one thread. Throws
/// std::runtime_error, with the logs, when something doesn't come up.
class ScaledFleet {
 public:
    struct Settings {
        std::chrono::seconds drain_timeout{60};
        std::chrono::seconds grace{10};
    };
    explicit ScaledFleet(Settings settings);
    ScaledFleet() : ScaledFleet(Settings()) {}
    ScaledFleet(const ScaledFleet&) = delete;
    ScaledFleet& operator=(const ScaledFleet&) = delete;

    [[nodiscard]] static std::string name() { return "api.muster.test"; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] Cluster& cluster() { return *cluster_; }
    [[nodiscard]] const EtcdServer& etcd() const { return etcd_; }
    [[nodiscard]] const CoreDnsServer& coredns() const { return *coredns_; }

    /// From now on it is to be of this size.
    void resize(int size);
    /// Until so many serve, there are no other machines, and the name answers with so many.
    [[nodiscard]] bool comes_to(std::size_t size, std::chrono::seconds limit);
    [[nodiscard]] std::set<std::string> answered();
    [[nodiscard]] std::set<std::string> serving();
    /// What a provider's removal does, and nothing before it: its HAProxy is ended softly.
    void end_at_once(const std::string& id) const;
    [[nodiscard]] std::string logs();

 private:
    void start_backends();
    [[nodiscard]] std::string document(int size) const;

    Settings settings_;
    std::uint16_t port_ = free_port();
    std::uint16_t backend_port_ = free_port();
    TempDir files_;
    EtcdServer etcd_;
    std::optional<CoreDnsServer> coredns_;
    std::optional<Process> backends_;
    Machines machines_;
    std::optional<Cluster> cluster_;
    std::string last_;
};

}  // namespace muster::test
