#pragma once

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace muster::test {

/// A real BIND or Knot (Debian's) with one zone that takes dynamic updates, on a free loopback
/// port, in a directory that goes with it. The key "muster" may update and transfer the zone, the
/// key "guest" is known but may do nothing. Ready when constructed. Blocking; all calls on the
/// thread that constructed it. Throws std::runtime_error, with its output, when it doesn't come up.
class NameServer {
 public:
    enum class Kind { bind, knot };

    /// `records`: lines of a zone file beside SOA and NS.
    NameServer(Kind kind, const std::string& zone, const std::string& records);
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;
    ~NameServer();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string output() const { return process_->output(); }
    /// Of both keys, in base64.
    [[nodiscard]] static std::string secret();
    void pause();
    void resume();
    void kill() { process_->kill(); }

 private:
    void start_bind(const std::string& zone);
    void start_knot(const std::string& zone);

    TempDir directory_;
    std::uint16_t port_;
    std::optional<Process> process_;
};

[[nodiscard]] std::string to_string(NameServer::Kind kind);

}  // namespace muster::test
