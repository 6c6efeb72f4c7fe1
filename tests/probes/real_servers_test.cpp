// Each probe kind against the real server of its protocol: up, wrong, slow, TLS where it has it,
// down. Every server is asked for until it is ready, by the very probe that is tested.
#include "checker/network_prober.hpp"
#include "common/base/asio_clock.hpp"
#include "tests/probes/servers.hpp"
#include "tests/support/eventually.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <optional>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using config::ProbeSpec;
using config::TlsSettings;
using test::with_certificate;

class RealServers : public testing::Test {
 protected:
    static void SetUpTestSuite() {
        certificates_ = std::make_unique<test::TempDir>();
        test::write_certificates(*certificates_);
        const auto secret = certificates_->write("ldap", "s3cret\n");
        std::filesystem::permissions(secret, std::filesystem::perms(0600));
    }
    static void TearDownTestSuite() { certificates_.reset(); }

    ProbeOutcome probe(const test::Server& server,
                       ProbeSpec spec,
                       std::chrono::nanoseconds timeout = 5s,
                       const std::string& host = "127.0.0.1") {
        return probe(
            std::make_shared<ProbeRequest>(ProbeRequest{.host = host,
                                                        .port = server.port(),
                                                        .probe = std::move(spec),
                                                        .timeout = timeout * test::slowdown()}));
    }

    ProbeOutcome probe(std::shared_ptr<const ProbeRequest> request) {
        std::optional<ProbeOutcome> outcome;
        prober_.start(std::move(request), [&](ProbeOutcome result) { outcome = result; });
        context_.restart();
        while (!outcome) context_.run_one();
        return *outcome;
    }

    /// Until it is as it should be: the server may still be starting.
    void expect(const test::Server& server, const ProbeSpec& spec, Result result, Reason reason) {
        ProbeOutcome outcome;
        EXPECT_TRUE(test::eventually(60s,
                                     [&] {
                                         outcome = probe(server, spec);
                                         return outcome.result == result &&
                                                outcome.reason == reason;
                                     }))
            << to_string(outcome.result) << " " << to_string(outcome.reason) << " " << outcome.code
            << "\n"
            << server.output();
    }
    void expect_up(const test::Server& server, const ProbeSpec& spec) {
        expect(server, spec, Result::success, Reason::l7_ok);
    }
    void expect_slow_then_down(test::Server& server, const ProbeSpec& spec, Reason slow) {
        server.freeze();
        EXPECT_EQ(to_string(probe(server, spec, 300ms).reason), to_string(slow));
        server.thaw();
        server.stop();
        // A child of the server may hold the port a moment longer.
        expect(server, spec, Result::failure, Reason::l4_refused);
    }

    static TlsSettings tls() { return {.ca = "ca"}; }
    static ProbeSpec with_tls(ProbeSpec spec, TlsSettings settings = tls()) {
        spec.tls = std::move(settings);
        return spec;
    }
    static const test::TempDir& certificates() { return *certificates_; }

 private:
    static std::unique_ptr<test::TempDir> certificates_;
    asio::io_context context_;
    AsioClock clock_;
    NetworkProber prober_{context_.get_executor(),
                          clock_,
                          {.tls_dir = certificates_->path(), .secrets_dir = certificates_->path()}};
};
std::unique_ptr<test::TempDir> RealServers::certificates_;

TEST_F(RealServers, Redis) {
    test::RedisServer master({});
    const ProbeSpec ping = config::RedisCheck{};
    expect_up(master, ping);
    expect_up(master, config::RedisCheck{.role = "master"});
    EXPECT_EQ(probe(master, config::RedisCheck{.role = "replica"}).reason, Reason::l7_status);
    test::RedisServer replica({"--replicaof", "127.0.0.1 " + std::to_string(master.port())});
    expect_up(replica, config::RedisCheck{.role = "replica"});
    EXPECT_EQ(probe(replica, config::RedisCheck{.role = "master"}).reason, Reason::l7_status);

    test::RedisServer locked({"--requirepass", "s3cret"});
    expect_up(locked, config::RedisCheck{.secret = "ldap"});
    EXPECT_EQ(probe(locked, ping).reason, Reason::l7_auth);
    EXPECT_EQ(probe(locked, config::RedisCheck{.secret = "none"}).reason, Reason::prober_config);
    expect_slow_then_down(master, ping, Reason::l7_timeout);
    expect(replica, config::RedisCheck{.role = "replica"}, Result::failure, Reason::l7_status);
}

TEST_F(RealServers, RedisOverTls) {
    test::RedisServer server({"--tls-port",
                              "PORT",
                              "--tls-cert-file",
                              certificates() / "good.crt",
                              "--tls-key-file",
                              certificates() / "good.key",
                              "--tls-ca-cert-file",
                              certificates() / "ca.pem"});
    TlsSettings mutual = tls();
    mutual.certificate = "client";
    expect_up(server, with_tls(config::RedisCheck{}, mutual));
    // Without a certificate of ours it says so, by an alert, after the handshake (TLS 1.3).
    EXPECT_EQ(probe(server, with_tls(config::RedisCheck{})).result, Result::failure);
    EXPECT_EQ(probe(server, config::RedisCheck{}).result, Result::failure);
}

TEST_F(RealServers, Postgres) {
    test::PostgresServer server(certificates());
    const ProbeSpec spec = config::PostgresCheck{};
    expect_up(server, spec);
    expect_up(server, config::PostgresCheck{.user = "nobody", .database = ""});
    EXPECT_EQ(probe(server, config::PostgresCheck{.database = "none"}).reason, Reason::l7_status);
    expect_up(server, with_tls(spec));
    EXPECT_EQ(probe(server, with_tls(spec, {.ca = "stranger"})).reason, Reason::l6_certificate);
    expect_slow_then_down(server, spec, Reason::l7_timeout);
}

TEST_F(RealServers, Mysql) {
    test::MariadbServer server(certificates());
    const ProbeSpec spec = config::MysqlCheck{.user = "root"};
    expect_up(server, spec);
    expect_up(server, config::MysqlCheck{});
    EXPECT_EQ(probe(server, config::MysqlCheck{.user = "none"}).reason, Reason::l7_auth);
    expect_up(server, with_tls(spec));
    EXPECT_EQ(probe(server, with_tls(spec, {.ca = "stranger"})).reason, Reason::l6_certificate);
    expect_slow_then_down(server, spec, Reason::l7_timeout);
}

TEST_F(RealServers, Ldap) {
    test::LdapServer server(certificates());
    const config::LdapCheck bind{.dn = "cn=probe,dc=example,dc=org", .secret = "ldap"};
    expect_up(server, config::LdapCheck{});
    expect_up(server, bind);
    EXPECT_EQ(probe(server, config::LdapCheck{.dn = "cn=none,dc=example,dc=org", .secret = "ldap"})
                  .reason,
              Reason::l7_auth);
    const ProbeSpec start_tls = config::LdapCheck{.start_tls = true};
    expect_up(server, with_tls(start_tls));
    EXPECT_EQ(probe(server, with_tls(start_tls, {.ca = "stranger"})).reason,
              Reason::l6_certificate);
    expect_slow_then_down(server, bind, Reason::l7_timeout);
}

/// SMTP by hand, with STARTTLS.
config::TcpCheck mail_script() {
    using Kind = config::ScriptStep::Kind;
    const auto send = [](std::string bytes) {
        return config::ScriptStep{.kind = Kind::send, .bytes = std::move(bytes)};
    };
    const auto expect = [](std::string bytes) {
        return config::ScriptStep{.kind = Kind::expect, .bytes = std::move(bytes)};
    };
    return {.script = {expect("220"),
                       send("EHLO muster\r\n"),
                       {.kind = Kind::expect, .bytes = "250 ", .regex = true},
                       send("STARTTLS\r\n"),
                       expect("220"),
                       {.kind = Kind::start_tls},
                       send("EHLO muster\r\n"),
                       expect("250")}};
}

TEST_F(RealServers, Smtp) {
    test::MailServer server(certificates(), "accept");
    const ProbeSpec spec = config::SmtpCheck{};
    expect_up(server, spec);
    const ProbeSpec start_tls = config::SmtpCheck{.start_tls = true};
    expect_up(server, with_tls(start_tls));
    EXPECT_EQ(probe(server, with_tls(start_tls, {.ca = "stranger"})).reason,
              Reason::l6_certificate);
    EXPECT_EQ(probe(server, with_tls(mail_script())).reason, Reason::l7_ok);
    EXPECT_EQ(probe(server, with_tls(mail_script(), {.ca = "stranger"})).reason,
              Reason::l6_certificate);
    // The standard settings: the system's authorities, which do not know ours.
    EXPECT_EQ(probe(server, mail_script()).reason, Reason::l6_certificate);
    test::MailServer closed(certificates(), "deny");
    expect(closed, spec, Result::failure, Reason::l7_status);
    EXPECT_EQ(probe(closed, spec).code, 550);
    expect_slow_then_down(server, spec, Reason::l7_timeout);
}

TEST_F(RealServers, Dns) {
    test::NameServer server;
    for (const bool tcp : {false, true}) {
        const config::DnsCheck soa{.name = "example.org", .tcp = tcp};
        expect_up(server, soa);
        config::DnsCheck www{.name = "www.example.org.", .type = "A", .tcp = tcp};
        www.answers = {{.text = " IN A 10.1.2.3"}};
        expect_up(server, www);
        www.answers = {{.text = "10.9.9.9"}};
        EXPECT_EQ(probe(server, www).reason, Reason::l7_body);
        const ProbeOutcome missing =
            probe(server, config::DnsCheck{.name = "none.example.org", .tcp = tcp});
        EXPECT_EQ(missing.reason, Reason::l7_status);
        EXPECT_EQ(missing.code, 3);  // NXDOMAIN
        expect_up(server,
                  config::DnsCheck{.name = "elsewhere.test", .rcodes = {"REFUSED"}, .tcp = tcp});
    }
    expect_slow_then_down(server, config::DnsCheck{.name = "example.org"}, Reason::l4_timeout);
}

TEST_F(RealServers, Udp) {
    test::NameServer server;
    // "example.org SOA", by hand.
    const std::string query("\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3org\0\0\6\0\1", 29);
    config::UdpCheck udp{.send = query, .expect = config::TextMatch{.text = "hostmaster"}};
    expect_up(server, udp);
    udp.expect->text = "postmaster";
    EXPECT_EQ(probe(server, udp).reason, Reason::l7_body);
    // Without an expectation silence is healthy, but a closed port is not.
    const config::UdpCheck silent{.send = "?"};
    EXPECT_EQ(probe(server, silent, 200ms).result, Result::success);
    server.stop();
    EXPECT_EQ(probe(server, silent).reason, Reason::l4_refused);
    EXPECT_EQ(probe(server, udp).reason, Reason::l4_refused);
}

TEST_F(RealServers, Ping) {
    const test::NameServer some;  // the port is not looked at
    for (const char* host : {"127.0.0.1", "::1"}) {
        const ProbeOutcome outcome = probe(some, config::PingCheck{.size = 1000}, 2s, host);
        EXPECT_EQ(outcome.reason, Reason::l4_ok) << host << to_string(outcome.reason);
        EXPECT_GT(outcome.total.count(), 0);
    }
}

TEST_F(RealServers, Grpc) {
    test::GrpcServer server;
    const ProbeSpec spec = config::GrpcCheck{};
    expect_up(server, spec);
    expect_up(server, config::GrpcCheck{.service = "up"});
    const ProbeOutcome down = probe(server, config::GrpcCheck{.service = "down"});
    EXPECT_EQ(down.reason, Reason::l7_body);
    EXPECT_EQ(down.code, 2);  // NOT_SERVING
    const ProbeOutcome unknown = probe(server, config::GrpcCheck{.service = "other"});
    EXPECT_EQ(unknown.reason, Reason::l7_status);
    EXPECT_EQ(unknown.code, 5);  // NOT_FOUND
    EXPECT_EQ(probe(server, config::HttpCheck{}).result, Result::failure);
    expect_slow_then_down(server, spec, Reason::l7_timeout);
}

TEST_F(RealServers, WebSocket) {
    test::WebSocketServer server;
    const ProbeSpec spec = config::WebSocketCheck{};
    expect_up(server, spec);
    expect_up(server, config::WebSocketCheck{.subprotocol = "chat"});
    EXPECT_EQ(probe(server, config::WebSocketCheck{.subprotocol = "other"}).reason,
              Reason::l7_header);
    expect_slow_then_down(server, spec, Reason::l7_timeout);
    test::WebServer web("", "");
    expect(web, spec, Result::failure, Reason::l7_status);
}

TEST_F(RealServers, Https) {
    test::WebServer server("ssl", with_certificate(certificates(), "good"));
    config::HttpCheck http;
    http.expect_body = {{.text = "all is well"}};
    expect_up(server, with_tls(http));
    const ProbeOutcome outcome = probe(server, with_tls(http));
    EXPECT_GT(outcome.tls, outcome.connect);
    EXPECT_GE(outcome.sent, outcome.tls);
    EXPECT_GE(outcome.first_byte, outcome.sent);
    // A handshake and no more.
    EXPECT_EQ(probe(server, with_tls(config::TcpCheck{})).reason, Reason::l6_ok);
    EXPECT_EQ(probe(server, with_tls(http, {.sni = "localhost", .ca = "ca"})).reason,
              Reason::l7_ok);
    EXPECT_EQ(probe(server, with_tls(http, {.verify = false})).reason, Reason::l7_ok);
    // Not of ours, and of ours under another name.
    const ProbeOutcome strange = probe(server, with_tls(http, {.ca = "stranger"}));
    EXPECT_EQ(strange.reason, Reason::l6_certificate);
    const ProbeOutcome misnamed =
        probe(server, with_tls(http, {.sni = "web.example.org", .ca = "ca"}));
    EXPECT_EQ(misnamed.reason, Reason::l6_certificate);
    EXPECT_EQ(misnamed.code, X509_V_ERR_HOSTNAME_MISMATCH);
    // Names that this node does not have are its own trouble.
    EXPECT_EQ(probe(server, with_tls(http, {.ca = "none"})).reason, Reason::prober_config);
    EXPECT_EQ(probe(server, with_tls(http, {.ca = "ca", .certificate = "none"})).reason,
              Reason::prober_config);
    // Plain where TLS is spoken, and the other way round.
    EXPECT_EQ(probe(server, http).reason, Reason::l7_status);
    test::WebServer plain("", "");
    expect_up(plain, http);
    EXPECT_EQ(probe(plain, with_tls(http)).reason, Reason::l6_handshake);
    expect_slow_then_down(server, with_tls(http), Reason::l6_timeout);
}

TEST_F(RealServers, Http2) {
    config::HttpCheck http{.version = config::HttpVersion::http2};
    http.expect_headers = {{.name = "Server", .value = config::TextMatch{.text = "nginx"}}};
    http.expect_body = {{.text = "all is"}, {.text = "^all is well$", .regex = true}};
    test::WebServer plain("http2", "");
    expect_up(plain, http);
    http.expect_body = {{.text = "all is lost"}};
    EXPECT_EQ(probe(plain, http).reason, Reason::l7_body);
    http.expect_status = {{.first = 204, .last = 204}};
    const ProbeOutcome outcome = probe(plain, http);
    EXPECT_EQ(outcome.reason, Reason::l7_status);
    EXPECT_EQ(outcome.code, 200);

    const config::HttpCheck simple{.version = config::HttpVersion::http2};
    test::WebServer secure("ssl http2", with_certificate(certificates(), "good"));
    expect_up(secure, with_tls(simple));
    test::WebServer old("ssl", with_certificate(certificates(), "good"));
    expect_up(old, with_tls(config::HttpCheck{}));
    // No agreement on HTTP/2.
    EXPECT_EQ(probe(old, with_tls(simple)).reason, Reason::l6_handshake);
    expect_slow_then_down(plain, simple, Reason::l7_timeout);
}

TEST_F(RealServers, TlsOfWhatIsOfferedByAlpn) {
    const auto offering = [](ProbeSpec spec, std::vector<std::string> protocols) {
        TlsSettings settings = tls();
        settings.alpn = std::move(protocols);
        return with_tls(std::move(spec), settings);
    };
    // nginx says what it has chosen.
    const auto chooses = [](const std::string& protocol) {
        config::HttpCheck http;
        http.expect_body = {{.text = "<" + protocol + ">"}};
        return http;
    };
    const auto over_http2 = [](config::HttpCheck http) {
        http.version = config::HttpVersion::http2;
        return http;
    };
    const std::string site =
        "return 200 <$ssl_alpn_protocol>; " + with_certificate(certificates(), "good");
    test::WebServer server("ssl http2", site);
    expect_up(server, offering(chooses(""), {}));
    expect_up(server, offering(chooses("http/1.1"), {"http/1.1"}));
    expect_up(server, offering(chooses("http/1.0"), {"x", "http/1.0"}));
    expect_up(server, offering(over_http2(chooses("h2")), {}));
    expect_up(server, offering(over_http2(chooses("h2")), {"http/1.1"}));
    // It begins with HTTP/2 then, and the kind is another.
    EXPECT_EQ(probe(server, offering(config::HttpCheck{}, {"h2"})).reason, Reason::l7_invalid);
    EXPECT_EQ(probe(server, offering(config::TcpCheck{}, {"h2"})).reason, Reason::l6_ok);
    const ProbeOutcome none = probe(server, offering(config::TcpCheck{}, {"x"}));
    EXPECT_EQ(none.reason, Reason::l6_handshake);
    EXPECT_EQ(none.code, SSL_AD_NO_APPLICATION_PROTOCOL);

    test::WebServer old("ssl", site);
    expect_up(old, offering(chooses("http/1.1"), {"http/1.1"}));
    const ProbeOutcome other = probe(old, offering(over_http2({}), {"http/1.1"}));
    EXPECT_EQ(other.reason, Reason::l6_handshake);
    EXPECT_EQ(other.code, 0);
    // slapd does not look at it.
    test::LdapServer without(certificates(), test::TlsFrom::connection);
    expect_up(without, offering(config::LdapCheck{}, {"x"}));
}

TEST_F(RealServers, HttpsNewEnough) {
    test::WebServer old("ssl",
                        "ssl_protocols TLSv1.2; " + with_certificate(certificates(), "good"));
    expect_up(old, with_tls(config::HttpCheck{}));
    TlsSettings only_13 = tls();
    only_13.min_version = config::TlsVersion::tls13;
    const ProbeOutcome refused = probe(old, with_tls(config::HttpCheck{}, only_13));
    EXPECT_EQ(refused.reason, Reason::l6_handshake);
    EXPECT_EQ(refused.code, 70);  // protocol_version
}

TEST_F(RealServers, HttpsWithAClientsCertificate) {
    test::WebServer server("ssl",
                           "ssl_verify_client on; ssl_client_certificate " +
                               (certificates() / "ca.pem").string() + "; " +
                               with_certificate(certificates(), "good"));
    TlsSettings mutual = tls();
    mutual.certificate = "client";
    expect_up(server, with_tls(config::HttpCheck{}, mutual));
    const ProbeOutcome without = probe(server, with_tls(config::HttpCheck{}));
    EXPECT_EQ(without.reason, Reason::l7_status);  // nginx answers 400
}

TEST_F(RealServers, HttpsThatResumesSessions) {
    for (const std::string protocol : {"TLSv1.2", "TLSv1.3"}) {
        test::WebServer server("ssl",
                               "ssl_protocols " + protocol +
                                   "; if ($ssl_session_reused = r) { return 201 'resumed'; } " +
                                   with_certificate(certificates(), "good"));
        const auto seen = [&](const ProbeSpec& spec) {
            const auto request = std::make_shared<const ProbeRequest>(
                ProbeRequest{.host = "127.0.0.1",
                             .port = server.port(),
                             .probe = spec,
                             .timeout = 5s * test::slowdown()});
            std::string codes;
            for (int i = 0; i < 33; ++i) {
                const ProbeOutcome outcome = probe(request);
                EXPECT_EQ(outcome.reason, Reason::l7_ok);
                codes += outcome.code == 201 ? 'r' : '.';
            }
            return codes;
        };
        expect_up(server, with_tls(config::HttpCheck{}));
        EXPECT_EQ(seen(with_tls(config::HttpCheck{})), std::string(33, '.')) << protocol;
        TlsSettings settings = tls();
        settings.resume = true;
        const std::string fifteen(15, 'r');
        EXPECT_EQ(seen(with_tls(config::HttpCheck{}, settings)),
                  "." + fifteen + "." + fifteen + ".")
            << protocol;
    }
}

TEST_F(RealServers, HttpsWithCertificatesThatExpire) {
    test::WebServer expired("ssl", with_certificate(certificates(), "expired"));
    expect(expired, with_tls(config::HttpCheck{}), Result::failure, Reason::l6_expiry);
    test::WebServer soon("ssl", with_certificate(certificates(), "soon"));
    expect_up(soon, with_tls(config::HttpCheck{}));
    TlsSettings careful = tls();
    careful.expires_degraded_days = 30;
    ProbeOutcome outcome = probe(soon, with_tls(config::HttpCheck{}, careful));
    EXPECT_EQ(outcome.result, Result::degraded);
    EXPECT_EQ(outcome.reason, Reason::l6_expiry);
    EXPECT_EQ(outcome.code, 5);
    careful.expires_failed_days = 7;
    outcome = probe(soon, with_tls(config::HttpCheck{}, careful));
    EXPECT_EQ(outcome.result, Result::failure);
    EXPECT_EQ(outcome.reason, Reason::l6_expiry);
    // Not looked at with the chain unverified, but told apart by its days all the same.
    careful.verify = false;
    EXPECT_EQ(probe(expired, with_tls(config::HttpCheck{}, careful)).reason, Reason::l6_expiry);
}

TEST_F(RealServers, BehindTheProxyProtocol) {
    test::WebServer server("proxy_protocol", "");
    for (const auto version : {config::ProxyProtocol::v1, config::ProxyProtocol::v2}) {
        ProbeSpec spec = config::HttpCheck{};
        spec.proxy = version;
        expect_up(server, spec);
    }
    EXPECT_EQ(probe(server, config::HttpCheck{}).result, Result::failure);
    test::WebServer both("ssl proxy_protocol", with_certificate(certificates(), "good"));
    ProbeSpec spec = with_tls(config::HttpCheck{});
    spec.proxy = config::ProxyProtocol::v2;
    expect_up(both, spec);
}

}  // namespace
}  // namespace muster::checker
