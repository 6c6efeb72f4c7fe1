#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// Real ZooKeeper servers (Debian's 3.8) for tests: one, or an ensemble, on free loopback ports, in
/// a directory that goes with them. Ready when constructed. Numbers count from 0. Blocking; all
/// calls on the thread that constructed it, and that thread must outlive it (the servers die with
/// it). Throws std::runtime_error, with the servers' output, when they don't come up.
class ZooKeeperServers {
 public:
    struct Settings {
        std::size_t servers = 1;
        std::string host = "127.0.0.1";       ///< an address of this machine (IPv4)
        std::chrono::milliseconds tick{200};  ///< of expiry, and of the ensemble's own failover
        std::chrono::milliseconds min_session_timeout{400};
        std::chrono::milliseconds max_session_timeout{60'000};
        bool durable = false;  ///< false: no fsync, for speed
        std::vector<std::string> java_options;
        std::chrono::seconds start_limit{30};
    };

    explicit ZooKeeperServers(Settings settings);
    ZooKeeperServers() : ZooKeeperServers(Settings()) {}
    ZooKeeperServers(const ZooKeeperServers&) = delete;
    ZooKeeperServers& operator=(const ZooKeeperServers&) = delete;
    ~ZooKeeperServers();

    /// "host:port" of each.
    [[nodiscard]] std::vector<std::string> addresses() const;
    [[nodiscard]] std::uint16_t port(std::size_t number) const { return servers_[number].port; }
    [[nodiscard]] std::size_t size() const { return servers_.size(); }
    [[nodiscard]] std::optional<pid_t> pid(std::size_t number) const;
    /// Holds transaction logs and snapshots ("version-2"): the history of all that was written.
    [[nodiscard]] std::filesystem::path data_dir(std::size_t number) const;

    void kill(std::size_t number);    ///< SIGKILL
    void stop(std::size_t number);    ///< SIGTERM
    void pause(std::size_t number);   ///< SIGSTOP: its sockets stay open, nobody answers
    void resume(std::size_t number);  ///< SIGCONT
    /// After kill() or stop(): starts it again, with its data and port. Does not wait.
    void start(std::size_t number);

    /// Until each running server serves.
    void wait_until_serving();

    /// "standalone", "leader" or "follower"; empty while it does not serve.
    [[nodiscard]] std::string mode(std::size_t number) const;
    /// The standalone server counts as the leader. Waits for one to be there.
    [[nodiscard]] std::size_t leader() const;

    /// What a server answers to a four-letter word ("srvr", "cons", "wchs", "mntr"); empty when it
    /// does not answer within a second.
    [[nodiscard]] std::string ask(std::size_t number, const std::string& word) const;

 private:
    struct Server {
        std::uint16_t port = 0;
        std::uint16_t quorum_port = 0;
        std::uint16_t election_port = 0;
        std::filesystem::path directory;
        std::optional<Process> process;
        bool paused = false;
    };

    void configure(std::size_t number);
    [[nodiscard]] std::string output() const;

    Settings settings_;
    TempDir directory_;
    std::vector<Server> servers_;
};

}  // namespace muster::test
