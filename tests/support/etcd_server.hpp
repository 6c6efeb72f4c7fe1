#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// A real etcd (Debian's 3.4) of one member, on free ports of loopback or of `host`, in a directory
/// that goes with it. Ready when constructed. Blocking; all calls on the thread that constructed
/// it. Throws std::runtime_error, with the server's output, when it doesn't come up.
class EtcdServer {
 public:
    /// Files for TLS; all empty: plain HTTP. The server asks its clients for certificates of
    /// `client_ca`, which etcdctl has, too.
    struct Tls {
        std::string certificate;
        std::string key;
        std::string client_ca;  ///< empty: clients need no certificate
        std::string ca;         ///< these are for etcdctl
        std::string client_certificate;
        std::string client_key;
    };
    EtcdServer() : EtcdServer(Tls{}) {}
    explicit EtcdServer(Tls tls, std::string host = "127.0.0.1");
    EtcdServer(const EtcdServer&) = delete;
    EtcdServer& operator=(const EtcdServer&) = delete;
    ~EtcdServer();

    /// "http://127.0.0.1:port", or https.
    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::uint16_t port() const { return port_; }

    void kill();    ///< SIGKILL
    void pause();   ///< SIGSTOP: its sockets stay open, nobody answers
    void resume();  ///< SIGCONT
    void start();   ///< after kill(): with its data and ports. Waits until it serves.

    /// Debian's etcdctl with these arguments; what it prints. Throws when it fails.
    std::string ctl(std::vector<std::string> arguments) const;
    /// Stops it, and starts it again with what is in this snapshot (etcdctl snapshot save).
    void restore(const std::filesystem::path& snapshot);

 private:
    [[nodiscard]] std::filesystem::path data_dir() const;

    TempDir directory_;
    Tls tls_;
    std::string host_;
    std::uint16_t port_;
    std::uint16_t peer_port_;
    int restored_ = 0;
    std::optional<Process> process_;
};

}  // namespace muster::test
