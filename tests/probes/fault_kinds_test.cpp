// What can go wrong between us and a backend, one kind a row, each over real sockets and each with
// the reason code that an operator is to see.
#include "checker/prober_set.hpp"
#include "tests/checker/support/backend_stub.hpp"
#include "tests/checker/support/name_server_stub.hpp"
#include "tests/checker/support/real_time.hpp"
#include "tests/probes/servers.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <deque>
#include <fstream>
#include <functional>
#include <set>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using asio::ip::tcp;
using config::HttpCheck;
using config::ProbeSpec;
using config::TlsSettings;
using test::with_certificate;

constexpr auto short_time = 300ms;

/// Where the faults happen.
class World {
 public:
    World() {
        test::write_certificates(certificates_);
        names_.set("nobody.test", {.kind = NameAnswer::Kind::no_such_name});
        names_.set("mute.test", {.kind = NameAnswer::Kind::silence});
        names_.set("broken.test", {.kind = NameAnswer::Kind::server_failure});
    }

    ProbeOutcome probe(const std::string& host,
                       std::uint16_t port,
                       ProbeSpec spec,
                       std::chrono::nanoseconds timeout = 2s,
                       config::PhaseTimeouts phases = {}) {
        if (!prober_) make_prober();
        std::optional<ProbeOutcome> outcome;
        prober_->start(
            std::make_shared<const ProbeRequest>(ProbeRequest{.host = host,
                                                              .port = port,
                                                              .probe = std::move(spec),
                                                              .timeout = timeout * test::slowdown(),
                                                              .timeouts = shared(phases)}),
            [&](ProbeOutcome result) { outcome = std::move(result); });
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }, 30s));
        return outcome.value_or(ProbeOutcome{});
    }
    ProbeOutcome probe(std::uint16_t port, ProbeSpec spec, std::chrono::nanoseconds timeout = 2s) {
        return probe("127.0.0.1", port, std::move(spec), timeout);
    }

    /// A backend that answers with `bytes`.
    ProbeOutcome answered(const std::string& bytes,
                          ProbeSpec spec,
                          Then then = Then::close,
                          std::chrono::nanoseconds timeout = 2s) {
        const BackendStub stub(context_.get_executor(), {.parts = {bytes}, .then = then});
        return probe(stub.port(), std::move(spec), timeout);
    }
    /// A backend that says `bytes` at once.
    ProbeOutcome greeted(const std::string& bytes, ProbeSpec spec, Then then = Then::hang) {
        const BackendStub stub(context_.get_executor(),
                               {.parts = {bytes}, .then = then, .speaks_first = true});
        return probe(stub.port(), std::move(spec));
    }
    ProbeOutcome dripped(ProbeSpec spec) {
        Script script{.pause = 50ms, .then = Then::hang};
        for (const char byte : "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"s)
            script.parts.emplace_back(1, byte);
        const BackendStub stub(context_.get_executor(), std::move(script));
        return probe(stub.port(), std::move(spec), short_time);
    }
    /// A listener whose queue is full: no connection stands.
    ProbeOutcome unconnected(std::chrono::nanoseconds timeout, config::PhaseTimeouts phases = {}) {
        tcp::acceptor crowded(context_, {asio::ip::make_address("127.0.0.1"), 0});
        crowded.listen(0);
        tcp::socket first(context_);
        first.connect(crowded.local_endpoint());
        return probe(
            "127.0.0.1", crowded.local_endpoint().port(), config::TcpCheck{}, timeout, phases);
    }
    /// nginx with this certificate.
    ProbeOutcome secured(const std::string& certificate,
                         const TlsSettings& settings,
                         const std::string& more = "",
                         HttpCheck check = {}) {
        const test::WebServer server("ssl", more + with_certificate(certificates_, certificate));
        ProbeSpec spec = std::move(check);
        spec.tls = settings;
        ProbeOutcome outcome;
        EXPECT_TRUE(test::eventually(30s, [&] {
            outcome = probe(server.port(), spec);
            return outcome.reason != Reason::l4_refused;
        })) << server.output();
        return outcome;
    }
    ProbeOutcome commanded(const std::string& text, std::chrono::nanoseconds timeout = 5s) {
        settings_.commands.programs["it"] = {
            .program = {.program = "/bin/sh", .arguments = {"-c", text}}, .identity = std::nullopt};
        make_prober();
        return probe("127.0.0.1", 1, config::CommandCheck{.name = "it"}, timeout);
    }
    ProbeOutcome plugged(const std::string& body, std::chrono::nanoseconds timeout = 5s) {
        const auto path = scripts_.write(
            "plugin.py",
            "import sys, time\nsys.stdin.readline()\n"
            "print('{\"hello\":{\"protocol\":1}}', flush=True)\nsys.stdin.readline()\n" +
                body);
        settings_.plugins["it"] = {
            .program = {.program = "/usr/bin/python3", .arguments = {"-ESs", path.string()}},
            .identity = std::nullopt};
        make_prober();
        return probe("127.0.0.1", 1, config::PluginCheck{.name = "it"}, timeout);
    }
    ProbeOutcome stopped() {
        const BackendStub stub(context_.get_executor(), {.then = Then::hang});
        make_prober();
        std::optional<ProbeOutcome> outcome;
        prober_->start(std::make_shared<const ProbeRequest>(
                           ProbeRequest{.host = "127.0.0.1", .port = stub.port(), .timeout = 2s}),
                       [&](ProbeOutcome result) { outcome = std::move(result); });
        prober_->stop();
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
        make_prober();
        return outcome.value_or(ProbeOutcome{});
    }
    /// A UDP port: nobody's, or a silent one.
    ProbeOutcome datagram(bool bound, const config::ProbeKind& kind) {
        asio::ip::udp::socket socket(context_, {asio::ip::make_address("127.0.0.1"), 0});
        const std::uint16_t port = socket.local_endpoint().port();
        if (!bound) socket.close();
        return probe(port, ProbeSpec(kind), short_time);
    }
    /// A port that is bound, so that nobody else listens there.
    std::uint16_t dead_port() {
        if (!dead_.is_open()) {
            dead_.open(tcp::v4());
            dead_.bind({asio::ip::make_address("127.0.0.1"), 0});
        }
        return dead_.local_endpoint().port();
    }
    /// A server of the same DNS that the prober resolves with.
    std::uint16_t name_server() const {
        const std::string address = names_.address();
        return static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    }

 private:
    void make_prober() {
        settings_.network.tls_dir = certificates_.path();
        settings_.network.secrets_dir = certificates_.path();
        settings_.network.resolver = {.servers = names_.address(), .query_timeout = 200ms};
        prober_.reset();
        prober_ = std::make_unique<ProberSet>(context_.get_executor(), clock_, settings_);
    }

    asio::io_context context_;
    AsioClock clock_;
    test::TempDir certificates_;
    test::TempDir scripts_;
    NameServerStub names_{context_.get_executor()};
    tcp::acceptor dead_{context_};
    ProberSetSettings settings_;
    std::unique_ptr<ProberSet> prober_;
};

struct Fault {
    const char* name;
    std::function<ProbeOutcome(World&)> happens;
    Reason reason;
    Result result = Result::failure;
    std::optional<int> code = {};
};

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

HttpCheck body(const std::string& text) {
    return {.expect_body = {{.text = text}}};
}
ProbeSpec secure(ProbeSpec spec, const TlsSettings& tls = {.ca = "ca"}) {
    spec.tls = tls;
    return spec;
}

std::vector<Fault> faults() {
    constexpr Result unclear = Result::inconclusive;
    const TlsSettings ours{.ca = "ca"};
    return {
        // --- to the connection
        {"connection refused",
         [](World& w) { return w.probe(w.dead_port(), HttpCheck{}); },
         Reason::l4_refused,
         Result::failure,
         ECONNREFUSED},
        {"packets vanish", [](World& w) { return w.unconnected(short_time); }, Reason::l4_timeout},
        {"connecting takes longer than its phase may",
         [](World& w) { return w.unconnected(2s, {.connect = short_time}); },
         Reason::l4_timeout},
        {"no such name",
         [](World& w) { return w.probe("nobody.test", 80, HttpCheck{}); },
         Reason::resolve_failed},
        {"name servers are silent",
         [](World& w) { return w.probe("mute.test", 80, HttpCheck{}); },
         Reason::prober_resolver,
         unclear},
        {"name servers fail",
         [](World& w) { return w.probe("broken.test", 80, HttpCheck{}); },
         Reason::prober_resolver,
         unclear},
        {"UDP port unreachable",
         [](World& w) { return w.datagram(false, config::UdpCheck{.send = "x"}); },
         Reason::l4_refused},
        {"UDP silence",
         [](World& w) {
             return w.datagram(
                 true, config::UdpCheck{.send = "x", .expect = config::TextMatch{.text = "y"}});
         },
         Reason::l4_timeout},
        // --- TLS
        {"expired certificate",
         [=](World& w) { return w.secured("expired", ours); },
         Reason::l6_expiry,
         Result::failure,
         0},
        {"certificate of another name",
         [=](World& w) { return w.secured("other", ours); },
         Reason::l6_certificate,
         Result::failure,
         X509_V_ERR_IP_ADDRESS_MISMATCH},
        {"certificate of a stranger",
         [](World& w) { return w.secured("good", {}); },
         Reason::l6_certificate},
        {"certificate that expires too soon",
         [](World& w) {
             return w.secured("soon",
                              {.ca = "ca", .expires_degraded_days = 30, .expires_failed_days = 7});
         },
         Reason::l6_expiry,
         Result::failure,
         5},
        {"certificate that expires soon",
         [](World& w) { return w.secured("soon", {.ca = "ca", .expires_degraded_days = 30}); },
         Reason::l6_expiry,
         Result::degraded,
         5},
        {"protocol too old",
         [](World& w) {
             return w.secured("good",
                              {.ca = "ca", .min_version = config::TlsVersion::tls13},
                              "ssl_protocols TLSv1.2; ");
         },
         Reason::l6_handshake,
         Result::failure,
         70},
        {"no HTTP/2 agreed on",
         [=](World& w) {
             return w.secured("good", ours, "", {.version = config::HttpVersion::http2});
         },
         Reason::l6_handshake},
        {"no TLS is spoken",
         [](World& w) { return w.greeted(ok, secure(HttpCheck{})); },
         Reason::l6_handshake},
        {"closed within the handshake",
         [](World& w) { return w.greeted("", secure(HttpCheck{}), Then::close); },
         Reason::l6_handshake},
        {"silence within the handshake",
         [](World& w) { return w.answered("", secure(HttpCheck{}), Then::hang, short_time); },
         Reason::l6_timeout},
        {"our own certificate is missing",
         [](World& w) { return w.answered("", secure(HttpCheck{}, {.ca = "none"})); },
         Reason::prober_config,
         unclear},
        // --- HTTP
        {"500",
         [](World& w) { return w.answered("HTTP/1.1 500 x\r\n\r\n", HttpCheck{}); },
         Reason::l7_status,
         Result::failure,
         500},
        {"a redirect where none is expected",
         [](World& w) {
             return w.answered("HTTP/1.1 302 x\r\nLocation: /\r\n\r\n",
                               HttpCheck{.expect_status = {{.first = 200, .last = 299}}});
         },
         Reason::l7_status,
         Result::failure,
         302},
        {"wrong body",
         [](World& w) { return w.answered(ok, body("ready")); },
         Reason::l7_body,
         Result::failure,
         200},
        {"a text that must not be there",
         [](World& w) {
             return w.answered(ok, HttpCheck{.expect_body = {{.text = "b", .negate = true}}});
         },
         Reason::l7_body},
        {"wrong value in JSON",
         [](World& w) {
             return w.answered(
                 "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"up\":\"no\"}",
                 HttpCheck{.expect_json = {{.pointer = "/up",
                                            .compare = config::JsonMatch::Compare::equals,
                                            .value = "\"yes\""}}});
         },
         Reason::l7_json},
        {"no JSON",
         [](World& w) {
             return w.answered(
                 ok,
                 HttpCheck{.expect_json = {{.pointer = "/up",
                                            .compare = config::JsonMatch::Compare::equals,
                                            .value = "true"}}});
         },
         Reason::l7_json},
        {"missing header",
         [](World& w) {
             return w.answered(
                 ok,
                 HttpCheck{.expect_headers = {
                               {.name = "X-Role", .value = config::TextMatch{.text = "main"}}}});
         },
         Reason::l7_header},
        {"garbage",
         [](World& w) { return w.answered("SSH-2.0-x\r\n\r\n", HttpCheck{}); },
         Reason::l7_invalid},
        {"two lengths",
         [](World& w) {
             return w.answered(
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", body("a"));
         },
         Reason::l7_invalid},
        {"endless header",
         [](World& w) {
             return w.answered(
                 "HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x'), HttpCheck{}, Then::hang);
         },
         Reason::l7_too_large},
        {"reset instead of a reply",
         [](World& w) { return w.answered("", HttpCheck{}, Then::reset); },
         Reason::l7_closed},
        {"closed instead of a reply",
         [](World& w) { return w.answered("", HttpCheck{}); },
         Reason::l7_closed},
        {"half a body",
         [](World& w) {
             return w.answered("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", body("z"));
         },
         Reason::l7_closed},
        {"silence",
         [](World& w) { return w.answered("", HttpCheck{}, Then::hang, short_time); },
         Reason::l7_timeout},
        {"a byte now and then",
         [](World& w) { return w.dripped(HttpCheck{}); },
         Reason::l7_timeout},
        {"HTTP/1.1 where HTTP/2 is expected",
         [](World& w) { return w.answered(ok, HttpCheck{.version = config::HttpVersion::http2}); },
         Reason::l7_invalid},
        {"no WebSocket",
         [](World& w) {
             return w.answered("HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n",
                               config::WebSocketCheck{});
         },
         Reason::l7_status,
         Result::failure,
         403},
        {"gRPC is not spoken",
         [](World& w) { return w.answered(ok, config::GrpcCheck{}); },
         Reason::l7_invalid},
        // --- services
        {"a greeting that is another one",
         [](World& w) {
             return w.greeted("goodbye\r\n",
                              config::TcpCheck{.script = {{.kind = config::ScriptStep::Kind::expect,
                                                           .bytes = "hello"}}},
                              Then::close);
         },
         Reason::l7_closed},
        {"SMTP turns us away",
         [](World& w) { return w.greeted("554 no\r\n", config::SmtpCheck{}); },
         Reason::l7_status,
         Result::failure,
         554},
        {"Redis is loading",
         [](World& w) { return w.greeted("-LOADING x\r\n", config::RedisCheck{}); },
         Reason::l7_status},
        {"Redis wants a password",
         [](World& w) { return w.greeted("-NOAUTH x\r\n", config::RedisCheck{}); },
         Reason::l7_auth},
        {"our own password is missing",
         [](World& w) { return w.greeted("", config::RedisCheck{.secret = "none"}); },
         Reason::prober_config,
         unclear},
        {"Postgres is starting up",
         [](World& w) {
             return w.greeted("E\0\0\0\x13SFATAL\0C57P03\0\0"s, config::PostgresCheck{});
         },
         Reason::l7_status},
        {"LDAP is not spoken",
         [](World& w) { return w.greeted("HTTP/1.1 400 x\r\n\r\n", config::LdapCheck{}); },
         Reason::l7_invalid},
        {"a DNS server that does not know the name",
         [](World& w) { return w.probe(w.name_server(), config::DnsCheck{.name = "nobody.test"}); },
         Reason::l7_status,
         Result::failure,
         3},
        {"a DNS server that fails",
         [](World& w) { return w.probe(w.name_server(), config::DnsCheck{.name = "broken.test"}); },
         Reason::l7_status,
         Result::failure,
         2},
        {"a DNS server that is silent",
         [](World& w) {
             return w.probe(w.name_server(), config::DnsCheck{.name = "mute.test"}, short_time);
         },
         Reason::l4_timeout},
        // --- programs
        {"a command says CRITICAL",
         [](World& w) { return w.commanded("echo no; exit 2"); },
         Reason::l7_status,
         Result::failure,
         2},
        {"a command says UNKNOWN",
         [](World& w) { return w.commanded("exit 3"); },
         Reason::prober_custom,
         unclear,
         3},
        {"a command crashes",
         [](World& w) { return w.commanded("kill -SEGV $$"); },
         Reason::prober_custom,
         unclear},
        {"a command hangs",
         [](World& w) { return w.commanded("sleep 60", short_time); },
         Reason::prober_custom_timeout,
         unclear},
        {"a command that is not registered",
         [](World& w) { return w.probe(1, config::CommandCheck{.name = "other"}); },
         Reason::prober_no_kind,
         unclear},
        {"a plug-in crashes",
         [](World& w) { return w.plugged("sys.exit(1)\n"); },
         Reason::prober_custom,
         unclear},
        {"a plug-in hangs",
         [](World& w) { return w.plugged("time.sleep(60)\n", 1s); },
         Reason::prober_custom_timeout,
         unclear},
        {"a plug-in that is not registered",
         [](World& w) { return w.probe(1, config::PluginCheck{.name = "other"}); },
         Reason::prober_no_kind,
         unclear},
        {"we are stopped", [](World& w) { return w.stopped(); }, Reason::prober_stopped, unclear},
    };
}

TEST(FaultKinds, EachHaveExactlyTheirReason) {
    World world;
    std::set<std::string> names;
    for (const Fault& fault : faults()) {
        const ProbeOutcome outcome = fault.happens(world);
        EXPECT_EQ(to_string(outcome.reason), to_string(fault.reason)) << fault.name;
        EXPECT_EQ(to_string(outcome.result), to_string(fault.result)) << fault.name;
        if (fault.code) EXPECT_EQ(outcome.code, *fault.code) << fault.name;
        EXPECT_TRUE(names.insert(fault.name).second) << fault.name << " is there twice";
    }
    EXPECT_GE(names.size(), 40U);
    // Out of ports, out of descriptors and late: tests/checker (NetworkProberDeathTest,
    // EngineTest).
}

}  // namespace
}  // namespace muster::checker
