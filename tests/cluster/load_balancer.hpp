#pragma once

#include "tests/cluster/cluster.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// A histogram of Prometheus' text format: by upper bounds, how many were not above.
class HistogramReading {
 public:
    HistogramReading() = default;
    HistogramReading(const std::string& text, const std::string& name);

    /// What came between two readings.
    void add(const HistogramReading& after, const HistogramReading& before);
    [[nodiscard]] double count() const { return below_.empty() ? 0 : below_.rbegin()->second; }
    /// The upper bound of the step below which this share lies.
    [[nodiscard]] double at(double share) const;

 private:
    std::map<double, double> below_;
};

/// A real HAProxy with its muster-agent, both of one host. Blocking; one thread.
class LoadBalancer {
 public:
    struct Settings {
        std::string fleet = "edge";
        std::string instance = "lb1";
        std::string bind_address = "127.0.0.1";
        std::string address;             ///< as the agent registers it; empty: none
        std::uint16_t agent_port = 0;    ///< of the agent's /healthz, at bind_address; 0: any
        std::string more_settings;       ///< of the agent
        std::vector<std::string> enter;  ///< a command before both programs', which ends in theirs
    };

    LoadBalancer(const Cluster& cluster, Settings settings);

    /// The agent, and HAProxy once its file is there; until the LB accepts. Throws, with the logs,
    /// when that does not happen.
    void start();
    void start_agent();
    void start_haproxy();
    void kill_agent() { agent_.reset(); }
    void kill_haproxy() { haproxy_.reset(); }

    /// What the agent says of itself; null while it doesn't answer.
    [[nodiscard]] boost::json::value state() const;
    /// Of its metrics, without labels; nothing while it doesn't answer.
    [[nodiscard]] std::optional<double> metric(const std::string& name) const;
    [[nodiscard]] HistogramReading histogram(const std::string& name) const;
    /// The server's state and weight (of 256) as HAProxy tells: "ready 26", "drain 26",
    /// "maintenance 26"; "none".
    [[nodiscard]] std::string server(const std::string& backend, const std::string& name) const;
    [[nodiscard]] bool wait_in_step(std::chrono::seconds limit) const;
    /// As people do with socat; empty when HAProxy doesn't answer.
    [[nodiscard]] std::string tell_haproxy(const std::string& command) const;
    /// Of the worker that has the sockets now; 0: none.
    [[nodiscard]] int worker_pid() const;
    [[nodiscard]] std::string logs() const;

 private:
    [[nodiscard]] std::string metrics() const;
    [[nodiscard]] std::vector<std::string> entered(std::vector<std::string> command) const;

    Settings settings_;
    TempDir directory_;
    std::uint16_t agent_port_;
    std::optional<Process> agent_;
    std::optional<Process> haproxy_;
};

}  // namespace muster::test
