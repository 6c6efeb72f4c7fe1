// What real_servers_test.cpp leaves open of the matrix of probe kinds: for each real server what it
// answers (up, or wrong), what is seen of it frozen and thawed, and what after its end; result,
// reason and code to the letter.
#include "tests/probes/matrix.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cerrno>
#include <functional>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using config::CompositeCheck;
using config::DnsCheck;
using config::GrpcCheck;
using config::HttpCheck;
using config::HttpVersion;
using config::LdapCheck;
using config::ProbeSpec;
using config::ProxyProtocol;
using config::RedisCheck;
using config::SmtpCheck;
using config::TcpCheck;
using config::TextMatch;
using config::TlsSettings;
using config::WebSocketCheck;
using test::TempDir;
using test::with_certificate;

ProbeSpec plain(ProbeSpec spec) {
    return spec;
}
ProbeSpec behind(ProxyProtocol version, ProbeSpec spec) {
    spec.proxy = version;
    return spec;
}
/// `expect` is a regex where it begins with '^'.
ProbeSpec script(const std::string& send, const std::string& expect) {
    using Kind = config::ScriptStep::Kind;
    return TcpCheck{
        .script = {{.kind = Kind::send, .bytes = send},
                   {.kind = Kind::expect, .bytes = expect, .regex = expect.starts_with('^')}}};
}

struct Matrix {
    std::string name;
    std::function<std::shared_ptr<test::Server>(const TempDir& certificates)> start;
    Cells answers;  ///< the first: once it is ready
    Cells frozen;   ///< each is refused after the server's end
};

using Wrap = std::function<ProbeSpec(const ProbeSpec&)>;

/// Of `web`, one check each.
Cells http_cells(HttpVersion version, const Wrap& wrap) {
    // For nginx's 444 it closes a connection, and ends a stream by PROTOCOL_ERROR.
    const Verdict none =
        bad(version == HttpVersion::http1 ? Reason::l7_closed : Reason::l7_invalid);
    using Compare = config::JsonMatch::Compare;
    const auto json = [](Compare compare, const std::string& value) {
        return HttpCheck{.path = "/json",
                         .expect_json = {{.pointer = "/load", .compare = compare, .value = value}}};
    };
    const auto header = [](const config::HeaderMatch& match) {
        return HttpCheck{.expect_headers = {match}};
    };
    struct Row {
        const char* name;
        HttpCheck check;
        Verdict expected;
    };
    const std::vector<Row> rows{
        {"up", {}, good(Reason::l7_ok, 200)},
        {"body", {.expect_body = {{.text = "is well"}}}, good(Reason::l7_ok, 200)},
        {"header",
         header({.name = "X-Role", .value = TextMatch{.text = "main"}}),
         good(Reason::l7_ok, 200)},
        {"JSON", json(Compare::more, "0.8"), good(Reason::l7_ok, 200)},
        {"no 204", {.expect_status = {{.first = 204, .last = 204}}}, bad(Reason::l7_status, 200)},
        {"no 5xx", {.expect_status = {}, .expect_status_regex = "^5"}, bad(Reason::l7_status, 200)},
        {"not found", {.path = "/none"}, bad(Reason::l7_status, 404)},
        {"nobody behind it", {.path = "/gone"}, bad(Reason::l7_status, 502)},
        {"redirect",
         {.path = "/moved", .expect_status = {{.first = 200, .last = 299}}},
         bad(Reason::l7_status, 302)},
        {"other header",
         header({.name = "X-Role", .value = TextMatch{.text = "spare"}}),
         bad(Reason::l7_header, 200)},
        {"missing header", header({.name = "X-Other"}), bad(Reason::l7_header, 200)},
        {"header not to be there",
         header({.name = "X-Role", .absent = true}),
         bad(Reason::l7_header, 200)},
        {"other body", {.expect_body = {{.text = "lost"}}}, bad(Reason::l7_body, 200)},
        {"body not to be there",
         {.expect_body = {{.text = "well$", .regex = true, .negate = true}}},
         bad(Reason::l7_body, 200)},
        {"other JSON", json(Compare::less, "0.8"), bad(Reason::l7_json, 200)},
        {"no JSON", {.expect_json = {{.pointer = "/load"}}}, bad(Reason::l7_json, 200)},
        {"no reply", {.path = "/silent"}, none}};
    Cells cells;
    for (const Row& row : rows) {
        HttpCheck check = row.check;
        check.version = version;
        cells.push_back({row.name, wrap(check), row.expected});
    }
    return cells;
}

/// nginx; `options` with "ssl" have the certificate of that name.
auto web(const std::string& options, const std::string& certificate = "good") {
    return [=](const TempDir& certificates) {
        const bool tls = options.find("ssl") != std::string::npos;
        return std::make_shared<test::WebServer>(
            options,
            (tls ? with_certificate(certificates, certificate) : "") +
                "add_header X-Role main always; "
                "location = /json { return 200 '{\"load\": 0.9}'; } "
                "location = /moved { return 302 /; } "
                "location = /none { return 404; } "
                "location = /silent { return 444; } "
                "location = /gone { proxy_pass http://127.0.0.1:1; } "
                "location = /slow { limit_rate 1; limit_rate_after 1000; return 200 '" +
                std::string(3000, 'x') + "end'; }");
    };
}

template <class Kind, class... Arguments>
auto one(const Arguments&... arguments) {
    return [=](const TempDir&) -> std::shared_ptr<test::Server> {
        return std::make_shared<Kind>(arguments...);
    };
}

Cells operator+(Cells cells, const Cells& more) {
    cells.insert(cells.end(), more.begin(), more.end());
    return cells;
}

const TlsSettings misnamed{.sni = "web.example.org", .ca = "ca"};
const TlsSettings strange{.ca = "stranger"};
const Verdict not_its_name = bad(Reason::l6_certificate, X509_V_ERR_HOSTNAME_MISMATCH);
// The stranger has the name of our authority, and another key.
const Verdict not_ours = bad(Reason::l6_certificate, X509_V_ERR_CERT_SIGNATURE_FAILURE);

const HttpCheck http1{};
const HttpCheck http2{.version = HttpVersion::http2};
const HttpCheck redirected{.path = "/moved", .redirects = 1};
HttpCheck endless(HttpVersion version) {
    return {.path = "/slow", .version = version, .expect_body = {{.text = "end"}}};
}
const Verdict headed = bad(Reason::l7_timeout, 200);
const std::string request = "GET / HTTP/1.0\r\n\r\n";
const std::string redis_echo = "*2\r\n$4\r\nECHO\r\n$2\r\n\0\xff\r\n"s;

Wrap proxied(ProxyProtocol version, const Wrap& wrap = plain) {
    return [=](const ProbeSpec& spec) { return behind(version, wrap(spec)); };
}
const Wrap with_tls = [](const ProbeSpec& spec) { return secure(spec); };

std::vector<Matrix> web_matrices() {
    const Verdict closed = bad(Reason::l7_closed);
    const Verdict silent = bad(Reason::l7_timeout);
    const Verdict no_tls = bad(Reason::l6_timeout);
    return {
        {"Http",
         web(""),
         http_cells(HttpVersion::http1, plain) +
             Cells{{"redirect followed", redirected, good(Reason::l7_ok, 200)},
                   {"endless body", endless(HttpVersion::http1), headed},
                   {"a connection", TcpCheck{}, good(Reason::l4_ok)},
                   {"script", script(request, "all is well"), good(Reason::l7_ok)},
                   {"script that fails", script(request, "lost"), closed},
                   {"no HTTP/2", http2, bad(Reason::l7_invalid)},
                   {"no WebSocket", WebSocketCheck{}, bad(Reason::l7_status, 200)},
                   {"no gRPC", GrpcCheck{}, bad(Reason::l7_invalid)},
                   {"no TLS", secure(TcpCheck{}), bad(Reason::l6_handshake)},
                   {"no TLS for HTTP", secure(http1), bad(Reason::l6_handshake)},
                   {"no TLS for HTTP/2", secure(http2), bad(Reason::l6_handshake)}},
         // The kernel accepts for it: a connection alone is never slow.
         {{"a connection", TcpCheck{}, good(Reason::l4_ok)},
          {"HTTP", http1, silent},
          {"script", script(request, "all is well"), silent},
          {"WebSocket", WebSocketCheck{}, silent},
          {"TLS", secure(TcpCheck{}), no_tls}}},
        {"Https",
         web("ssl"),
         http_cells(HttpVersion::http1, with_tls) +
             Cells{{"redirect followed", secure(redirected), good(Reason::l7_ok, 200)},
                   {"endless body", secure(endless(HttpVersion::http1)), headed},
                   {"a handshake", secure(TcpCheck{}), good(Reason::l6_ok)},
                   {"a connection", TcpCheck{}, good(Reason::l4_ok)},
                   {"script", secure(script(request, "all is well")), good(Reason::l7_ok)},
                   {"script that fails", secure(script(request, "lost")), closed},
                   {"other name", secure(TcpCheck{}, misnamed), not_its_name},
                   {"stranger", secure(TcpCheck{}, strange), not_ours},
                   {"HTTP, other name", secure(http1, misnamed), not_its_name},
                   {"no TLS from us", http1, bad(Reason::l7_status, 400)},
                   {"no HTTP/2",
                    secure(http2),
                    bad(Reason::l6_handshake, SSL_AD_NO_APPLICATION_PROTOCOL)},
                   {"no WebSocket", secure(WebSocketCheck{}), bad(Reason::l7_status, 200)}},
         {{"a handshake", secure(TcpCheck{}), no_tls},
          {"HTTP", secure(http1), no_tls},
          {"script", secure(script(request, "all is well")), no_tls},
          {"WebSocket", secure(WebSocketCheck{}), no_tls}}},
        {"TlsOfAnotherName",
         web("ssl", "other"),
         {{"its name",
           secure(TcpCheck{}, {.sni = "other.example.org", .ca = "ca"}),
           good(Reason::l6_ok)},
          {"its address",
           secure(TcpCheck{}),
           bad(Reason::l6_certificate, X509_V_ERR_IP_ADDRESS_MISMATCH)},
          {"another name", secure(TcpCheck{}, misnamed), not_its_name}},
         {}},
        {"Http2",
         web("http2"),
         http_cells(HttpVersion::http2, plain) +
             Cells{{"endless body", endless(HttpVersion::http2), headed},
                   {"no HTTP/1.1", http1, bad(Reason::l7_invalid)}},
         {{"HTTP/2", http2, silent}}},
        {"Http2OverTls",
         web("ssl http2"),
         http_cells(HttpVersion::http2, with_tls) +
             Cells{{"endless body", secure(endless(HttpVersion::http2)), headed},
                   {"other name", secure(http2, misnamed), not_its_name},
                   {"stranger", secure(http2, strange), not_ours},
                   {"no TLS from us", http2, bad(Reason::l7_invalid)},
                   {"no gRPC", secure(GrpcCheck{}), bad(Reason::l7_invalid)}},
         {{"HTTP/2", secure(http2), no_tls}}},
    };
}

std::vector<Matrix> proxy_matrices() {
    const Verdict closed = bad(Reason::l7_closed);
    const Verdict silent = bad(Reason::l7_timeout);
    std::vector<Matrix> matrices;
    for (const ProxyProtocol version : {ProxyProtocol::v1, ProxyProtocol::v2}) {
        const std::string name = version == ProxyProtocol::v1 ? "ProxyV1" : "ProxyV2";
        const auto with = [=](const ProbeSpec& spec) { return behind(version, spec); };
        matrices.push_back(
            {name,
             web("proxy_protocol"),
             http_cells(HttpVersion::http1, proxied(version)) +
                 Cells{{"script", with(script(request, "all is well")), good(Reason::l7_ok)},
                       {"script that fails", with(script(request, "lost")), closed},
                       {"a connection", with(TcpCheck{}), good(Reason::l4_ok)},
                       {"no header from us", http1, closed}},
             {{"HTTP", with(http1), silent},
              {"script", with(script(request, "all is well")), silent}}});
        matrices.push_back({name + "OverTls",
                            web("ssl proxy_protocol"),
                            {{"a handshake", with(secure(TcpCheck{})), good(Reason::l6_ok)},
                             {"HTTP", with(secure(http1)), good(Reason::l7_ok, 200)},
                             {"other name", with(secure(TcpCheck{}, misnamed)), not_its_name},
                             {"no header from us", secure(TcpCheck{}), bad(Reason::l6_handshake)}},
                            {{"a handshake", with(secure(TcpCheck{})), bad(Reason::l6_timeout)}}});
        matrices.push_back({name + "Http2",
                            web("http2 proxy_protocol"),
                            http_cells(HttpVersion::http2, proxied(version)) +
                                Cells{{"no header from us", http2, closed}},
                            {{"HTTP/2", with(http2), silent}}});
        matrices.push_back({name + "Http2OverTls",
                            web("ssl http2 proxy_protocol"),
                            http_cells(HttpVersion::http2, proxied(version, with_tls)),
                            {{"HTTP/2", with(secure(http2)), bad(Reason::l6_timeout)}}});
    }
    matrices.push_back({"NoProxyProtocol",
                        web(""),
                        {{"up", http1, good(Reason::l7_ok, 200)},
                         {"v1", behind(ProxyProtocol::v1, http1), bad(Reason::l7_status, 400)},
                         {"v2", behind(ProxyProtocol::v2, http1), bad(Reason::l7_status, 400)}},
                        {}});
    return matrices;
}

/// nginx with TLS before the WebSocket server, and on "/gone" before nobody.
std::shared_ptr<test::Server> websocket_proxy(const TempDir& certificates) {
    struct Both {
        explicit Both(const TempDir& pems)
            : front("ssl",
                    with_certificate(pems, "good") +
                        fmt::format("proxy_http_version 1.1; "
                                    "proxy_set_header Upgrade $http_upgrade; "
                                    "proxy_set_header Connection upgrade; "
                                    "location = /chat {{ proxy_pass http://127.0.0.1:{}; }} "
                                    "location = /gone {{ proxy_pass http://127.0.0.1:1; }}",
                                    behind.port())) {}
        test::WebSocketServer behind;
        test::WebServer front;
    };
    const auto both = std::make_shared<Both>(certificates);
    return {both, &both->front};
}

std::vector<Matrix> service_matrices() {
    const Verdict silent = bad(Reason::l7_timeout);
    const Verdict no_tls = bad(Reason::l6_timeout);
    const auto grpc = [](const std::string& service) {
        return secure(GrpcCheck{.service = service});
    };
    const auto dns = [](const std::string& name) { return DnsCheck{.name = name, .tcp = true}; };
    const auto bind = [](const std::string& name) {
        return secure(LdapCheck{.dn = "cn=" + name + ",dc=example,dc=org", .secret = "ldap"});
    };
    return {
        {"Redis",
         one<test::RedisServer>(std::vector<std::string>{}),
         {{"script", script("PING\r\n", "+PONG\r\n"), good(Reason::l7_ok)},
          {"script of bytes", script(redis_echo, "\0\xff\r\n"s), good(Reason::l7_ok)},
          {"script with a regex",
           script("INFO server\r\n", "^\\$\\d+\\r\\n# Server"),
           good(Reason::l7_ok)},
          {"a connection", TcpCheck{}, good(Reason::l4_ok)},
          {"other answer", script("PING\r\n", "+OK\r\n"), silent},
          {"other bytes", script(redis_echo, "\0\xfe\r\n"s), silent},
          {"other answer, and an end", script("QUIT\r\n", "+PONG\r\n"), bad(Reason::l7_closed)},
          {"no HTTP", http1, bad(Reason::l7_closed)}},
         {{"script", script("PING\r\n", "+PONG\r\n"), silent},
          {"script of bytes", script(redis_echo, "\0\xff\r\n"s), silent},
          {"a connection", TcpCheck{}, good(Reason::l4_ok)}}},
        {"RedisOverTls",
         [](const TempDir& certificates) -> std::shared_ptr<test::Server> {
             return std::make_shared<test::RedisServer>(
                 std::vector<std::string>{"--tls-port",
                                          "PORT",
                                          "--tls-auth-clients",
                                          "no",
                                          "--tls-cert-file",
                                          certificates / "good.crt",
                                          "--tls-key-file",
                                          certificates / "good.key",
                                          "--tls-ca-cert-file",
                                          certificates / "ca.pem"});
         },
         {{"up", secure(RedisCheck{.role = "master"}), good(Reason::l7_ok)},
          {"script", secure(script("PING\r\n", "+PONG\r\n")), good(Reason::l7_ok)},
          {"other role", secure(RedisCheck{.role = "replica"}), bad(Reason::l7_status)},
          {"other answer", secure(script("PING\r\n", "+OK\r\n")), silent},
          {"other name", secure(RedisCheck{}, misnamed), not_its_name},
          {"stranger", secure(RedisCheck{}, strange), not_ours}},
         {{"Redis", secure(RedisCheck{}), no_tls},
          {"script", secure(script("PING\r\n", "+PONG\r\n")), no_tls}}},
        {"GrpcOverTls",
         [](const TempDir& certificates) -> std::shared_ptr<test::Server> {
             return std::make_shared<test::GrpcServer>(&certificates);
         },
         {{"up", grpc(""), good(Reason::l7_ok)},
          {"one service", grpc("up"), good(Reason::l7_ok)},
          {"NOT_SERVING", grpc("down"), bad(Reason::l7_body, 2)},
          {"NOT_FOUND", grpc("other"), bad(Reason::l7_status, 5)},
          {"other name", secure(GrpcCheck{}, misnamed), not_its_name},
          {"stranger", secure(GrpcCheck{}, strange), not_ours},
          {"no TLS from us", GrpcCheck{}, bad(Reason::l7_closed)},
          {"an answer that is late", grpc("slow"), silent}},
         {{"gRPC", grpc(""), no_tls}}},
        {"WebSocketOverTls",
         [](const TempDir& certificates) -> std::shared_ptr<test::Server> {
             return std::make_shared<test::WebSocketServer>(&certificates);
         },
         {{"up", secure(WebSocketCheck{}), good(Reason::l7_ok, 101)},
          {"subprotocol", secure(WebSocketCheck{.subprotocol = "chat"}), good(Reason::l7_ok, 101)},
          {"other subprotocol",
           secure(WebSocketCheck{.subprotocol = "other"}),
           bad(Reason::l7_header, 101)},
          {"other name", secure(WebSocketCheck{}, misnamed), not_its_name},
          {"stranger", secure(WebSocketCheck{}, strange), not_ours}},
         {{"WebSocket", secure(WebSocketCheck{}), no_tls}}},
        {"WebSocketBehindNginx",
         websocket_proxy,
         {{"up", secure(WebSocketCheck{.path = "/chat"}), good(Reason::l7_ok, 101)},
          {"nobody behind it",
           secure(WebSocketCheck{.path = "/gone"}),
           bad(Reason::l7_status, 502)},
          {"no WebSocket", secure(WebSocketCheck{}), bad(Reason::l7_status, 200)}},
         {{"WebSocket", secure(WebSocketCheck{.path = "/chat"}), no_tls}}},
        {"DnsOverTcp",
         one<test::NameServer>(),
         {{"up", dns("example.org"), good(Reason::l7_ok)},
          {"NXDOMAIN", dns("none.example.org"), bad(Reason::l7_status, 3)},
          {"REFUSED", dns("elsewhere.test"), bad(Reason::l7_status, 5)}},
         {{"over TCP", dns("example.org"), silent},
          {"over UDP", DnsCheck{.name = "example.org"}, bad(Reason::l4_timeout)}}},
        {"Ldaps",
         [](const TempDir& certificates) -> std::shared_ptr<test::Server> {
             return std::make_shared<test::LdapServer>(certificates, test::TlsFrom::connection);
         },
         {{"anonymous", secure(LdapCheck{}), good(Reason::l7_ok)},
          {"bind", bind("probe"), good(Reason::l7_ok)},
          {"nobody's name", bind("none"), bad(Reason::l7_auth, 49)},
          {"other name", secure(LdapCheck{}, misnamed), not_its_name},
          {"stranger", secure(LdapCheck{}, strange), not_ours}},
         {{"bind", bind("probe"), no_tls}}},
        {"Smtps",
         [](const TempDir& certificates) -> std::shared_ptr<test::Server> {
             return std::make_shared<test::MailServer>(
                 certificates, "accept", test::TlsFrom::connection);
         },
         {{"up", secure(SmtpCheck{}), good(Reason::l7_ok, 250)},
          {"other name", secure(SmtpCheck{}, misnamed), not_its_name},
          {"stranger", secure(SmtpCheck{}, strange), not_ours}},
         {{"SMTP", secure(SmtpCheck{}), no_tls}}},
        {"SmtpsThatTurnsUsAway",
         [](const TempDir& certificates) -> std::shared_ptr<test::Server> {
             return std::make_shared<test::MailServer>(
                 certificates, "deny", test::TlsFrom::connection);
         },
         {{"turned away", secure(SmtpCheck{}), bad(Reason::l7_status, 550)}},
         {}},
    };
}

// NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's name.
void PrintTo(const Matrix& matrix, std::ostream* to) {
    *to << matrix.name;
}

class RealMatrix : public testing::TestWithParam<Matrix> {
 protected:
    static void SetUpTestSuite() {
        certificates_ = std::make_unique<TempDir>();
        test::write_certificates(*certificates_);
        std::filesystem::permissions(certificates_->write("ldap", "s3cret\n"),
                                     std::filesystem::perms(0600));
    }
    static void TearDownTestSuite() { certificates_.reset(); }

    static std::unique_ptr<TempDir> certificates_;
    Probing probing_{certificates_->path()};
};
std::unique_ptr<TempDir> RealMatrix::certificates_;

TEST_P(RealMatrix, HasExactlyItsReasons) {
    const Matrix& matrix = GetParam();
    const auto server = matrix.start(*certificates_);
    probing_.await(*server, matrix.answers.front());
    for (const Cell& cell : matrix.answers) probing_.expect(server->port(), cell, 1s);
    server->freeze();
    for (const Cell& cell : matrix.frozen) probing_.expect(server->port(), cell);
    server->thaw();
    probing_.await(*server, matrix.answers.front());
    server->stop();
    const Verdict refused = bad(Reason::l4_refused, ECONNREFUSED);
    // A child of the server may hold the port a moment longer.
    for (const Cell& cell : matrix.frozen) probing_.await(*server, {cell.name, cell.spec, refused});
}

std::string name_of(const testing::TestParamInfo<Matrix>& info) {
    return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Web, RealMatrix, testing::ValuesIn(web_matrices()), name_of);
INSTANTIATE_TEST_SUITE_P(Proxy, RealMatrix, testing::ValuesIn(proxy_matrices()), name_of);
INSTANTIATE_TEST_SUITE_P(Service, RealMatrix, testing::ValuesIn(service_matrices()), name_of);

TEST(RealComposite, OfHttpAndRedis) {
    const TempDir certificates;
    Probing probing(certificates.path());
    test::WebServer web("", "");
    test::RedisServer redis({});
    const auto of = [&](int need) {
        CompositeCheck check;
        check.parts = {{.name = "web", .probe = http1},
                       {.name = "redis", .probe = RedisCheck{}, .port = redis.port()}};
        check.need = need;
        return ProbeSpec(check);
    };
    const ProbeSpec all = of(0);
    const ProbeSpec any = of(1);
    const Verdict first = good(Reason::l7_ok, 200);
    const Verdict second = good(Reason::l7_ok);
    const Verdict refused = bad(Reason::l4_refused, ECONNREFUSED);
    const auto expect = [&](const char* when, const Verdict& of_all, const Verdict& of_any) {
        probing.expect(web.port(), {when + ", all"s, all, of_all});
        probing.expect(web.port(), {when + ", any"s, any, of_any});
    };
    probing.await(web, {"start", all, first});
    expect("both up", first, first);
    redis.freeze();
    probing.expect(web.port(), {"redis frozen, all", all, bad(Reason::l7_timeout)});
    EXPECT_EQ(probing.probe(web.port(), any, 300ms), first);
    redis.thaw();
    web.stop();
    probing.await(web, {"web down", all, refused});
    expect("web down", refused, second);
    redis.stop();
    probing.await(web, {"both down", any, refused});
    expect("both down", refused, refused);
}

TEST(RealComposite, NamesThePartThatIsNotThere) {
    const TempDir certificates;
    Probing probing(certificates.path());
    test::WebServer web("", "");
    test::RedisServer redis({});
    CompositeCheck check;
    check.parts = {{.name = "web", .probe = http1},
                   {.name = "cache", .probe = RedisCheck{}, .port = redis.port()}};
    probing.await(web, {"both up", check, good(Reason::l7_ok, 200)});
    redis.stop();
    const Verdict refused = bad(Reason::l4_refused, ECONNREFUSED);
    probing.await(web, {"Redis down, all", check, refused});
    const ProbeOutcome outcome = probing.outcome(web.port(), check);
    ASSERT_TRUE(outcome.said);
    EXPECT_EQ(*outcome.said, "cache");
    check.need = 1;
    probing.expect(web.port(), {"Redis down, any", check, good(Reason::l7_ok, 200)});
    check.need = 2;
    probing.expect(web.port(), {"Redis down, both", check, refused});
}

TEST(RealComposite, HasTheReasonOfAPartThatIsWrong) {
    const TempDir certificates;
    Probing probing(certificates.path());
    CompositeCheck wrong;
    wrong.parts = {{.name = "redis", .probe = RedisCheck{.role = "replica"}}};
    test::RedisServer master({});
    probing.await(master, {"wrong part", wrong, bad(Reason::l7_status)});
}

}  // namespace
}  // namespace muster::checker
