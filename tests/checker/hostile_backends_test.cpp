// Backends that mean ill, over real sockets: floods, noise and silence for every kind of probe that
// speaks over TCP, and malformed replies for HTTP. Whatever they do, a probe ends in time and in
// bounded memory, is not taken in, and its neighbours notice nothing.
#include "checker/network_prober.hpp"
#include "tests/checker/support/backend_stub.hpp"
#include "tests/checker/support/real_time.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);

/// Sends the same bytes again and again, on every connection, without listening.
class Flood {
 public:
    Flood(asio::io_context& context, std::string bytes)
        : inside_(std::make_shared<Inside>(context, std::move(bytes))) {
        asio::co_spawn(context, accept(inside_), [](const std::exception_ptr&) {});
    }
    ~Flood() {
        boost::system::error_code ignored;
        (void)inside_->acceptor.close(ignored);
    }
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;
    [[nodiscard]] std::uint16_t port() const { return inside_->acceptor.local_endpoint().port(); }

 private:
    struct Inside {
        Inside(asio::io_context& context, std::string the_bytes)
            : acceptor(context, {asio::ip::make_address("127.0.0.1"), 0}),
              bytes(std::move(the_bytes)) {}
        tcp::acceptor acceptor;
        std::string bytes;
    };
    static asio::awaitable<void> accept(std::shared_ptr<Inside> self) {
        for (;;) {
            auto [error, socket] = co_await self->acceptor.async_accept(as_tuple);
            if (error) co_return;
            asio::co_spawn(self->acceptor.get_executor(),
                           pour(self, std::move(socket)),
                           [](const std::exception_ptr&) {});
        }
    }
    static asio::awaitable<void> pour(std::shared_ptr<Inside> self, tcp::socket socket) {
        for (;;) {
            const auto [error, sent] =
                co_await asio::async_write(socket, asio::buffer(self->bytes), as_tuple);
            if (error) co_return;
        }
    }

    std::shared_ptr<Inside> inside_;
};

struct Kind {
    const char* name;
    config::ProbeKind kind;
};

std::vector<Kind> kinds() {
    config::HttpCheck body{.expect_body = {{.text = "all is well"}}};
    config::HttpCheck json{.expect_json = {{.pointer = "/up"}}};
    config::HttpCheck http2{.version = config::HttpVersion::http2,
                            .expect_body = {{.text = "all is well"}}};
    const config::TcpCheck script{
        .script = {{.kind = config::ScriptStep::Kind::expect, .bytes = "220 ready"}}};
    return {{"http", body},
            {"http json", json},
            {"http2", http2},
            {"grpc", config::GrpcCheck{}},
            {"websocket", config::WebSocketCheck{}},
            {"tcp script", script},
            {"dns over tcp", config::DnsCheck{.tcp = true}},
            {"redis", config::RedisCheck{}},
            {"redis role", config::RedisCheck{.role = "master"}},
            {"postgres", config::PostgresCheck{}},
            {"mysql", config::MysqlCheck{.user = "probe"}},
            {"smtp", config::SmtpCheck{}},
            {"ldap", config::LdapCheck{}}};
}

std::string noise(std::uint32_t seed, std::size_t size) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

struct Pour {
    const char* name;
    std::string bytes;
};

std::vector<Pour> pours() {
    constexpr std::size_t size = 256UZ * 1024UZ;
    std::string lines;
    while (lines.size() < size) lines += "\r\n";
    std::string headers = "HTTP/1.1 200 OK\r\n";
    while (headers.size() < size) headers += "X-Y: z\r\n";
    return {{"zeros", std::string(size, '\0')},
            {"ones", std::string(size, '\xff')},
            {"letters", std::string(size, 'x')},
            {"empty lines", lines},
            {"fields", headers},
            {"noise", noise(21, size)},
            {"noise of another seed", noise(22, size)}};
}

class HostileBackends : public testing::Test {
 protected:
    std::shared_ptr<const ProbeRequest> request(std::uint16_t port,
                                                const config::ProbeKind& kind) const {
        return std::make_shared<const ProbeRequest>(
            ProbeRequest{.host = "127.0.0.1",
                         .port = port,
                         .probe = config::ProbeSpec(kind),
                         .timeout = 300ms * test::slowdown()});
    }
    /// So many at a time; what the heap grew by for each at most.
    std::size_t memory_of(std::uint16_t port, const config::ProbeKind& kind) {
        constexpr std::size_t probes = 16;
        std::size_t ended = 0;
        const std::size_t before = mallinfo2().uordblks;
        std::size_t most = before;
        for (std::size_t i = 0; i < probes; ++i) {
            prober_.start(request(port, kind), [&](ProbeOutcome outcome) {
                ++ended;
                EXPECT_NE(outcome.result, Result::success);
                EXPECT_NE(outcome.result, Result::degraded);
            });
        }
        EXPECT_TRUE(run_until(context_, [&] {
            most = std::max(most, mallinfo2().uordblks);
            return ended == probes;
        }));
        return (most - before) / probes;
    }
    bool neighbour_is_well() {
        std::optional<ProbeOutcome> outcome;
        prober_.start(
            std::make_shared<const ProbeRequest>(ProbeRequest{
                .host = "127.0.0.1", .port = neighbour_.port(), .timeout = 2s * test::slowdown()}),
            [&](ProbeOutcome result) { outcome = std::move(result); });
        EXPECT_TRUE(run_until(context_, [&] { return outcome.has_value(); }));
        return outcome && outcome->result == Result::success;
    }

    asio::io_context context_;
    AsioClock clock_;
    NetworkProber prober_{context_.get_executor(), clock_};
    BackendStub neighbour_{context_.get_executor(), good_script()};
};

TEST_F(HostileBackends, TakeInNoProbeAndNoMoreMemoryThanTheirShare) {
    // What is allowed to a probe, and what the flood's own side of a connection takes.
    constexpr std::size_t share = 96UZ * 1024UZ;
    std::size_t cases = hostile_replies().size();  // NetworkProberTest has them
    for (const Pour& pour : pours()) {
        const Flood flood(context_, pour.bytes);
        for (const Kind& kind : kinds()) {
            const std::size_t memory = memory_of(flood.port(), kind.kind);
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
            EXPECT_LE(memory, share) << kind.name << " against " << pour.name;
#else
            (void)memory;
            (void)share;
#endif
            EXPECT_TRUE(neighbour_is_well()) << kind.name << " against " << pour.name;
            EXPECT_EQ(prober_.running(), 0U);
            ++cases;
        }
    }
    EXPECT_GE(cases, 180U);
}

}  // namespace
}  // namespace muster::checker
