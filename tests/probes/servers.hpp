#pragma once

#include "tests/support/certificates.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::test {

/// A real server on a free loopback port, with a directory of its own; gone with this object.
/// Started, not yet ready. Blocking; one thread.
class Server {
 public:
    [[nodiscard]] std::uint16_t port() const { return port_; }
    void stop() { process_->terminate(); }
    /// Until each of its threads stands still.
    void freeze();
    void thaw() { process_->signal_group(SIGCONT); }
    [[nodiscard]] std::string output() const { return process_->output(); }

 protected:
    Server();
    void start(std::vector<std::string> argv);

    TempDir directory_;
    std::uint16_t port_;

 private:
    std::unique_ptr<Process> process_;
};

/// PEM files in `directory`: good.pem and good.key, expired.*, soon.* (five days left), other.*
/// (for another name), client.pem (with its key), ca.pem.
void write_certificates(const TempDir& directory);

class RedisServer : public Server {
 public:
    explicit RedisServer(const std::vector<std::string>& arguments);
};

class PostgresServer : public Server {
 public:
    explicit PostgresServer(const TempDir& certificates);
};

class MariadbServer : public Server {
 public:
    explicit MariadbServer(const TempDir& certificates);
};

/// Where TLS begins: when asked for (STARTTLS), or with the connection.
enum class TlsFrom { command, connection };

/// Its root is cn=probe,dc=example,dc=org with the password "s3cret".
class LdapServer : public Server {
 public:
    explicit LdapServer(const TempDir& certificates, TlsFrom tls = TlsFrom::command);
};

class MailServer : public Server {
 public:
    /// `acl`: what becomes of connections, "accept" or "deny".
    MailServer(const TempDir& certificates, const std::string& acl, TlsFrom tls = TlsFrom::command);
};

/// Answers for example.org: www is 10.1.2.3.
class NameServer : public Server {
 public:
    NameServer();
};

/// nginx with one server block around `listen` (its options, such as "ssl") and `directives`.
class WebServer : public Server {
 public:
    WebServer(const std::string& options, const std::string& directives);
};

/// grpcio with a health service: SERVING for "" and "up", NOT_SERVING for "down", and for "slow"
/// nothing for some seconds. Over TLS where it is given a certificate.
class GrpcServer : public Server {
 public:
    explicit GrpcServer(const TempDir* certificates = nullptr);
};

/// Over TLS where it is given a certificate.
class WebSocketServer : public Server {
 public:
    explicit WebSocketServer(const TempDir* certificates = nullptr);
};

}  // namespace muster::test
