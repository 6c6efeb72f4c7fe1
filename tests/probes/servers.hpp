#pragma once

#include "tests/support/certificates.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdint>
#include <map>
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
    /// With all that it has started, until each of their threads stands still.
    void freeze();
    void thaw();
    [[nodiscard]] std::string output() const { return process_->output(); }

 protected:
    Server();
    ~Server();
    void start(std::vector<std::string> argv);
    /// Debian's own, which has the libraries of its packages.
    void start_python(const std::string& program);

    TempDir directory_;
    std::uint16_t port_;

 private:
    std::unique_ptr<Process> process_;
    std::vector<pid_t> frozen_;
};

/// PEM files in `directory`: good.pem and good.key, expired.*, soon.* (five days left), other.* and
/// web.* (for other.example.org and web.example.org), client.pem (with its key), ca.pem.
void write_certificates(const TempDir& directory);
/// nginx's directives for the one of that name.
[[nodiscard]] std::string with_certificate(const TempDir& directory, const std::string& name);

class RedisServer : public Server {
 public:
    explicit RedisServer(const std::vector<std::string>& arguments);
};

/// `sql` is done before it starts, a statement a line.
class PostgresServer : public Server {
 public:
    explicit PostgresServer(const TempDir& certificates, const std::string& sql = "");
};

class MariadbServer : public Server {
 public:
    explicit MariadbServer(const TempDir& certificates, const std::string& sql = "");
};

/// Where TLS begins: when asked for (STARTTLS), or with the connection.
enum class TlsFrom { command, connection };

/// Its root is cn=probe,dc=example,dc=org.
class LdapServer : public Server {
 public:
    explicit LdapServer(const TempDir& certificates,
                        TlsFrom tls = TlsFrom::command,
                        const std::string& password = "s3cret");
};

class MailServer : public Server {
 public:
    /// `acl`: what becomes of connections, "accept" or "deny".
    MailServer(const TempDir& certificates, const std::string& acl, TlsFrom tls = TlsFrom::command);
};

/// Answers for example.org.
class NameServer : public Server {
 public:
    explicit NameServer(const std::string& address_of_www = "10.1.2.3");
};

/// nginx with one server block around `listen` (its options, such as "ssl") and `directives`.
class WebServer : public Server {
 public:
    WebServer(const std::string& options, const std::string& directives);
};

/// The states of services by their names: 1 = SERVING, 2 = NOT_SERVING.
using GrpcServices = std::map<std::string, int>;

/// grpcio with a health service that says so, and for "slow" nothing for some seconds. Over TLS
/// where it is given a certificate.
class GrpcServer : public Server {
 public:
    explicit GrpcServer(const TempDir* certificates = nullptr,
                        const GrpcServices& services = {{"", 1}, {"up", 1}, {"down", 2}});
};

/// Over TLS where it is given a certificate, and for pages of `origin` only where that is said.
class WebSocketServer : public Server {
 public:
    explicit WebSocketServer(const TempDir* certificates = nullptr, const std::string& origin = "");
};

/// Some lines of Python, which find their port in `port`, where there is no real server.
class PythonServer : public Server {
 public:
    explicit PythonServer(const std::string& program);
};

}  // namespace muster::test
