#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// A real Prometheus (Debian's 2.42) on a free loopback port, in a directory that goes with it.
/// Ready when constructed. Blocking; all calls on the thread that constructed it. Throws
/// std::runtime_error, with the server's output, when it doesn't come up.
class PrometheusServer {
 public:
    struct Target {
        std::string address;  ///< host:port, of which /metrics is scraped
        std::map<std::string, std::string> labels;
    };
    /// All empty: plain HTTP for everybody.
    struct Settings {
        std::vector<Target> targets{};
        std::string certificate{};    ///< file
        std::string key{};            ///< file
        std::string user{};           ///< who may ask
        std::string password_hash{};  ///< bcrypt
        std::chrono::milliseconds scrape_interval{200};
        std::string past{};  ///< OpenMetrics with times, of what was before it started
    };
    PrometheusServer() : PrometheusServer(Settings{}) {}
    explicit PrometheusServer(Settings settings);
    PrometheusServer(const PrometheusServer&) = delete;
    PrometheusServer& operator=(const PrometheusServer&) = delete;
    ~PrometheusServer();

    /// "http://127.0.0.1:port", or https.
    [[nodiscard]] std::string url() const;

    /// By file_sd; it takes up to 5 s until the server has taken them over.
    void set_targets(const std::vector<Target>& targets) const;

    void kill();    ///< SIGKILL
    void pause();   ///< SIGSTOP: its sockets stay open, nobody answers
    void resume();  ///< SIGCONT
    void start();   ///< after kill(): with its data and port. Waits until it serves.

 private:
    void remember();
    [[nodiscard]] bool uses_tls() const { return !settings_.certificate.empty(); }

    TempDir directory_;
    Settings settings_;
    std::uint16_t port_;
    int starts_ = 0;
    std::optional<Process> process_;
};

}  // namespace muster::test
