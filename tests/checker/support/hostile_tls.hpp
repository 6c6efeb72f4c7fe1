#pragma once

#include "tests/checker/support/hostile_peer.hpp"
#include "tests/checker/support/hostility_fixture.hpp"
#include "tests/support/certificates.hpp"

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace muster::checker {

/// Backends that mean ill below, within or on the way to TLS.
class HostileTlsTest : public HostilityTest {
 protected:
    HostileTlsTest() {
        dir_.write("ca.pem", authority_.bundle());
        dir_.write("server.pem", authority_.issue({}).both());
    }

 public:
    using Context = std::shared_ptr<SSL_CTX>;
    using Connection = std::unique_ptr<SSL, decltype(&SSL_free)>;

    /// Null: the other side has had enough.
    static Connection accepted(const Context& context, int socket) {
        Connection ssl(SSL_new(context.get()), SSL_free);
        SSL_set_fd(ssl.get(), socket);
        if (SSL_accept(ssl.get()) != 1) ssl.reset();
        return ssl;
    }

 protected:
    /// A server as it should be, for what it does then.
    [[nodiscard]] Context context(int version = TLS1_3_VERSION) const {
        Context made(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
        const std::string file = (dir_ / "server.pem").string();
        EXPECT_EQ(SSL_CTX_use_certificate_chain_file(made.get(), file.c_str()), 1);
        EXPECT_EQ(SSL_CTX_use_PrivateKey_file(made.get(), file.c_str(), SSL_FILETYPE_PEM), 1);
        SSL_CTX_set_min_proto_version(made.get(), version);
        SSL_CTX_set_max_proto_version(made.get(), version);
        return made;
    }

    void endure_peer(const std::string& what,
                     HostilePeer::OnConnection behaviour,
                     const std::set<Reason>& reasons,
                     config::ProbeSpec spec = config::HttpCheck{},
                     std::size_t share = usual_share) {
        spec.tls = config::TlsSettings{.ca = "ca"};
        const HostilePeer peer = HostilePeer::over_tcp(std::move(behaviour));
        endure(request(peer.port(), std::move(spec)), what, reasons, share);
    }

    test::Authority authority_;
};

}  // namespace muster::checker
