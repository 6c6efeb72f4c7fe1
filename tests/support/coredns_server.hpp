#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace muster::test {

/// A real CoreDNS on a free loopback port (deploy/coredns/get), as nobody where we may choose.
/// Answers when constructed. Blocking; all calls on the thread that constructed it. Throws
/// std::runtime_error, with its output, when it doesn't come up.
class CoreDnsServer {
 public:
    /// Why there is none on this machine; empty: there is one. For GTEST_SKIP().
    [[nodiscard]] static std::string missing();

    /// `plugins`: lines of the zone's block ("etcd { ... }"); `port` and `/ready` are added.
    CoreDnsServer(const std::string& zone, const std::string& plugins);
    /// With a Corefile of ours, on loopback and a free port instead of 53; `changes`: what else is
    /// another thing here. Throws std::invalid_argument where one of these isn't in it.
    CoreDnsServer(const std::filesystem::path& corefile,
                  const std::map<std::string, std::string>& changes);
    CoreDnsServer(const CoreDnsServer&) = delete;
    CoreDnsServer& operator=(const CoreDnsServer&) = delete;
    ~CoreDnsServer();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string output() const { return process_->output(); }
    /// Its plug-in `ready`: 200.
    [[nodiscard]] bool says_ready() const;
    void kill() { process_->kill(); }
    void pause();
    void resume();

 private:
    void start(const std::string& corefile, std::uint16_t ready);

    TempDir directory_;
    std::uint16_t port_;
    std::string ready_url_;
    std::optional<Process> process_;
};

}  // namespace muster::test
