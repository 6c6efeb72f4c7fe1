#include "agent/certificates.hpp"
#include "agent/lb_program.hpp"
#include "agent/nginx_errc.hpp"
#include "common/base/with_timeout.hpp"
#include "tests/agent/lb_samples.hpp"
#include "tests/agent/lb_traffic.hpp"
#include "tests/agent/nginx_world.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/secret_directory.hpp"
#include "tests/support/tls_load.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

// What nginx makes of the files: hosts, paths, TLS, limits, WebSockets.
namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using test::NginxWorld;
using test::Sites;
using testing::HasSubstr;

TEST(NginxServing, SendsHostsAndPathsToTheFirstRouteThatMatches) {
    const Sites sites(4);
    NginxWorld world;
    LbState state = world.web({sites.server(0)});
    config::Listener& front = state.listeners[0];
    front.group = {};
    for (std::size_t number = 1; number < 4; ++number)
        state.pools.push_back(test::pool(fmt::format("g{}", number), {sites.server(number)}));
    state.pools.push_back(test::pool("none", {}));
    front.routes = {{.host = "*.a.org", .path = "/api/", .group = GroupName("g1")},
                    {.host = "WWW.a.org", .group = GroupName("g2")},
                    {.path = "/v1.0%20x", .group = GroupName("g3")},
                    {.path = "/off", .group = GroupName("none")},
                    {.path = "/api/deep", .group = GroupName("g3")},
                    {.path = "/api", .group = GroupName("web")}};
    world.start(state);
    struct Row {
        std::string host;
        std::string path;
        std::string answer;
    };
    for (const Row& row : {
             Row{"www.a.org", "/api/x", "1"},
             Row{"www.A.org:8080", "/", "2"},
             Row{"deep.sub.a.org", "/api/", "1"},
             Row{"x.a.org", "/api", "0"},
             Row{"x.a.org", "/", "no route\n"},
             Row{"a.org", "/v1.0%20x/y", "3"},
             Row{"a.org", "/v1a0%20x", "no route\n"},
             Row{"a.org", "/api/deep/er", "3"},
             Row{"b.org", "/apiary?q=1", "0"},
             Row{"b.org", "/off", "no server\n"},
         })
        EXPECT_EQ(world.get(row.path, row.host).body, row.answer) << row.host << row.path;
    EXPECT_EQ(world.get("/off").status, 503);
    EXPECT_EQ(world.get("/").status, 404);
}

TEST(NginxServing, LetsAClientSendNoMoreThanItsLimit) {
    const Sites sites(1);
    NginxWorld world;
    LbState state = world.web(sites.servers(1));
    state.listeners[0].limits = {
        .connections = 1000, .connections_per_client = 100, .requests_per_client = 3, .period = 1h};
    world.start(state);
    for (int request = 0; request < 3; ++request) EXPECT_EQ(world.get("/").status, 200);
    EXPECT_EQ(world.get("/").status, 429);
}

TEST(NginxServing, TriesAnotherServerWhenOneIsGone) {
    const Sites sites(1);
    NginxWorld world;
    Server gone = sites.server(0);
    gone.id = BackendId("gone");
    gone.port = test::free_port();
    world.start(world.web({gone, sites.server(0)}));
    for (int request = 0; request < 20; ++request) EXPECT_EQ(world.get("/").status, 200);
}

TEST(NginxServing, SpeaksTlsAndHttp2WithItsCertificate) {
    const Sites sites(1);
    NginxWorld world;
    LbState state = world.web(sites.servers(1));
    const test::Authority authority;
    const std::string bundle = world.directory().write("ca.pem", authority.bundle());
    const std::string pem = world.directory().write("a.pem", authority.issue({}).both());
    state.listeners[0].tls.certificates = {pem};
    world.start(state);
    const auto ask = [&] {
        return world.run(run_program(world.clock(),
                                     {"/usr/bin/curl",
                                      "-s",
                                      "--cacert",
                                      bundle,
                                      "-w",
                                      " over %{http_version}",
                                      fmt::format("https://localhost:{}/", world.port())},
                                     10s));
    };
    EXPECT_EQ(ask()->output, "0 over 2");
    // Another certificate is a change, though nothing else is.
    EXPECT_EQ(world.apply(state), Applied());
    const test::Authority other;
    world.directory().write("a.pem", other.issue({}).both() + "\n");
    EXPECT_EQ(world.apply(state), (Applied{.reloaded = true}));
    EXPECT_NE(ask()->code, 0);
    world.directory().write("ca.pem", other.bundle());
    EXPECT_EQ(ask()->output, "0 over 2");
}

TEST(NginxServing, ReloadsForACertificateOfASecretThatIsBetterOnly) {
    const Sites sites(1);
    NginxWorld world;
    const test::Authority authority;
    test::SecretDirectory secret(world.directory());
    const test::Authority::Pem first = authority.issue({});
    secret.put(first);
    metrics::Registry registry;
    Certificates certificates(
        {.secrets = {{"www", secret.path()}}}, (world.directory() / "own").string(), registry);
    const auto wanted = [&] {
        LbState state = world.web(sites.servers(1));
        state.listeners[0].tls.secrets = {"www"};
        certificates.follow(state.listeners, world.clock().wall());
        return state;
    };
    const auto fingerprint = [](const test::Authority::Pem& pem) {
        return read_certificate(pem.both(), pem.both())->fingerprint;
    };
    world.start(wanted());
    const test::TlsLoad load(world.port(), world.directory().write("ca.pem", authority.bundle()));
    EXPECT_TRUE(load.wait_for_certificate(fingerprint(first))) << load.counts().first_failure;
    const test::Authority::Pem second = authority.issue({});
    secret.put(second);
    EXPECT_EQ(world.apply(wanted()), (Applied{.reloaded = true}));
    EXPECT_TRUE(load.wait_for_certificate(fingerprint(second)));
    secret.put(first.certificate, second.key);
    EXPECT_EQ(world.apply(wanted()), Applied());
    secret.vanish();
    EXPECT_EQ(world.apply(wanted()), Applied());
    EXPECT_EQ(certificates.problems().size(), 1U);
    EXPECT_TRUE(load.wait_for_certificate(fingerprint(second)));
    EXPECT_EQ(load.counts().failed, 0) << load.counts().first_failure;
}

/// A server that agrees to an upgrade, and then says again what it hears.
asio::awaitable<void> echo_upgraded(tcp::acceptor& acceptor) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    std::string head;
    co_await asio::async_read_until(
        socket, asio::dynamic_buffer(head), "\r\n\r\n", asio::use_awaitable);
    const std::string_view agreed =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(agreed), asio::use_awaitable);
    std::string heard(5, '\0');
    const std::size_t size =
        co_await socket.async_read_some(asio::buffer(heard), asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(heard, size), asio::use_awaitable);
}

asio::awaitable<Result<std::string>> read_until(tcp::socket& socket, std::string end) {
    std::string text;
    const auto [error, size] = co_await asio::async_read_until(
        socket, asio::dynamic_buffer(text), end, asio::as_tuple(asio::use_awaitable));
    if (error) co_return fail(error, text);
    co_return text;
}

asio::awaitable<std::string> talk_upgraded(NginxWorld& world, tcp::acceptor& acceptor) {
    asio::co_spawn(world.io(), echo_upgraded(acceptor), test::rethrow);
    tcp::socket socket(world.io());
    co_await socket.async_connect({asio::ip::address_v4::loopback(), world.port()},
                                  asio::use_awaitable);
    const std::string_view ask =
        "GET /chat HTTP/1.1\r\nHost: a.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(ask), asio::use_awaitable);
    const auto head = co_await with_timeout(world.clock(), 5s, read_until(socket, "\r\n\r\n"));
    if (!head) co_return head.error().message();
    // Silence for longer than the server's time-out.
    const auto silence = co_await with_timeout(world.clock(), 600ms, read_until(socket, "\n"));
    if (silence || silence.error().code != std::errc::timed_out) co_return "it was closed";
    const std::string_view words = "ping\n";
    co_await asio::async_write(socket, asio::buffer(words), asio::use_awaitable);
    const auto echo = co_await with_timeout(world.clock(), 5s, read_until(socket, "\n"));
    co_return head->substr(0, head->find('\r')) + ", " + echo.value_or("nothing");
}

TEST(NginxServing, KeepsWebSocketsOpenForTheTimeOutOfTheirOwn) {
    NginxWorld world;
    tcp::acceptor acceptor(world.io(), {asio::ip::address_v4::loopback(), 0});
    LbState state = world.web({test::server("a", "127.0.0.1")});
    state.pools[0].servers[0].port = acceptor.local_endpoint().port();
    state.pools[0].lb.server_timeout = 200ms;
    state.listeners[0].tunnel_timeout = 30s;
    world.start(state);
    EXPECT_EQ(world.run(talk_upgraded(world, acceptor)),
              "HTTP/1.1 101 Switching Protocols, ping\n");
}

TEST(NginxServing, TakesTcpListeners) {
    if (!test::has_stream_module()) GTEST_SKIP() << "libnginx-mod-stream is not installed";
    const Sites sites(2);
    NginxWorld world;
    LbState state = world.web(sites.servers(2));
    state.listeners[0].mode = config::ListenMode::tcp;
    state.listeners[0].limits = {.connections = 100, .connections_per_client = 100};
    world.start(state);
    {
        const test::Load load(world.port());
        EXPECT_EQ(load.answering(), (std::vector<std::string>{"0", "1"}));
        state.pools[0].servers[0].state = ServerState::drain;
        EXPECT_EQ(world.apply(state), (Applied{.reloaded = true}));
        EXPECT_EQ(load.answering(), std::vector<std::string>{"1"});
        EXPECT_EQ(load.counts().failed, 0) << load.counts().first_failure;
    }
    state.pools[0].servers.clear();
    ASSERT_TRUE(world.apply(state));
    EXPECT_ANY_THROW((void)world.get("/")) << "closed without a word";
    EXPECT_TRUE(world.check());
}

TEST(NginxItself, TakesWhateverIsRendered) {
    using config::Algorithm;
    NginxWorld world;
    Server limited = test::server("b", "10.0.0.2");
    limited.max_connections = 7;
    limited.weight = 1000;
    Server down = test::server("[::1]:80", "::1");
    down.state = ServerState::maintenance;
    world.settings().idle_connections = 16;
    world.settings().passive_checks = PassiveChecks();
    for (const config::ListenMode mode : {config::ListenMode::http, config::ListenMode::tcp}) {
        for (int algorithm = 0; algorithm <= static_cast<int>(Algorithm::random_two_choices);
             ++algorithm) {
            LbState state = world.web({test::server("a"), limited, down});
            state.listeners[0].mode = mode;
            state.listeners[0].address = "";
            state.listeners[0].name = "Front_1";
            state.listeners[0].limits = {.connections = 1,
                                         .connections_per_client = 2,
                                         .requests_per_client = 2147483647,
                                         .period = 1ms};
            state.pools[0].lb = {.algorithm = Algorithm(algorithm), .retries = algorithm % 2};
            const auto applied = world.apply(state);
            EXPECT_EQ(applied.error().code, NginxErrc::no_process) << applied.error().message();
        }
    }
}

}  // namespace
}  // namespace muster::agent
