#include "common/http/server.hpp"

#include "common/base/task_group.hpp"
#include "common/base/with_timeout.hpp"
#include "common/http/connection.hpp"
#include "common/observe/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <list>
#include <map>
#include <utility>

namespace muster::http {

namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr auto sweep_interval = std::chrono::milliseconds(100);

asio::ip::address plain(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    return address;
}

}  // namespace

struct Server::Inside {
    Inside(asio::any_io_executor on, Clock& clock, ServerSettings settings, Handler handler)
        : executor(std::move(on)),
          shared{.clock = clock,
                 .settings = std::move(settings),
                 .handler = std::move(handler),
                 .counters = {},
                 .work_ended = Signal(executor)},
          acceptor(executor) {}

    asio::any_io_executor executor;
    Shared shared;
    tcp::acceptor acceptor;
    std::list<Connection*> open;
    std::map<std::string, std::size_t> open_by_peer;

    asio::awaitable<void> run();
    asio::awaitable<void> accept(TaskGroup& group);
    void admit(TaskGroup& group, tcp::socket socket);
    asio::awaitable<void> serve(tcp::socket socket, asio::ip::address peer);
    asio::awaitable<void> sweep();
    [[nodiscard]] std::ptrdiff_t at_work() const;
    asio::awaitable<Result<void>> drained();
};

Server::Server(asio::any_io_executor executor,
               Clock& clock,
               ServerSettings settings,
               Handler handler)
    : inside_(std::make_unique<Inside>(
          std::move(executor), clock, std::move(settings), std::move(handler))) {}

Server::~Server() = default;

Result<void> Server::open() {
    const ServerSettings& settings = inside_->shared.settings;
    const std::string where = fmt::format("{}:{}", settings.address, settings.port);
    error_code error;
    const auto address = asio::ip::make_address(settings.address, error);
    if (error) return fail(error, where);
    tcp::acceptor& acceptor = inside_->acceptor;
    const tcp::endpoint endpoint(address, settings.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return fail(error, where);
    return {};
}

std::uint16_t Server::port() const {
    error_code ignored;
    return inside_->acceptor.local_endpoint(ignored).port();
}

Server::Counters Server::counters() const {
    Counters counters = inside_->shared.counters;
    counters.open_connections = inside_->open.size();
    return counters;
}

asio::awaitable<void> Server::run() {
    // As a coroutine thread of its own, since it changes how it takes cancellation.
    co_await asio::co_spawn(inside_->executor, inside_->run(), asio::use_awaitable);
}

asio::awaitable<void> Server::Inside::run() {
    TaskGroup group(executor);
    group.spawn("http deadlines", sweep());
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await accept(group);

    // Cancelled: from here on the end is ours to pace.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    shared.stopping = true;
    error_code ignored;
    acceptor.close(ignored);
    for (auto next = open.begin(); next != open.end();) (*next++)->finish();
    const auto drain =
        co_await with_timeout(shared.clock, shared.settings.drain_timeout, drained());
    if (!drain) log::warn("http_requests_cut", {{"requests", std::to_string(at_work())}});
    co_await group.stop();
}

asio::awaitable<void> Server::Inside::accept(TaskGroup& group) {
    while ((co_await asio::this_coro::cancellation_state).cancelled() ==
           asio::cancellation_type::none) {
        auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
        if (!error) {
            admit(group, std::move(socket));
        } else if (error != asio::error::operation_aborted) {
            // Out of descriptors, mostly: those in use will end, so waiting is what helps.
            log::warn("http_accept_failed", {{"error", error.message()}});
            try {
                co_await shared.clock.sleep_for(sweep_interval);
            } catch (const boost::system::system_error&) {
                continue;  // cancelled, which the loop's condition sees
            }
        }
    }
}

void Server::Inside::admit(TaskGroup& group, tcp::socket socket) {
    error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;
    const asio::ip::address peer = plain(remote.address());
    const auto of_peer = open_by_peer.find(peer.to_string());
    const std::size_t count = of_peer == open_by_peer.end() ? 0 : of_peer->second;
    if (group.size() > shared.settings.max_connections ||
        count >= shared.settings.max_connections_per_client) {
        ++shared.counters.refused_connections;
        constexpr std::string_view reply =
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n"
            "connection: close\r\nretry-after: 5\r\n\r\n";
        socket.non_blocking(true, error);
        socket.write_some(asio::buffer(reply.data(), reply.size()), error);
        return;
    }
    ++shared.counters.connections;
    ++open_by_peer[peer.to_string()];
    group.spawn("http connection", serve(std::move(socket), peer));
}

asio::awaitable<void> Server::Inside::serve(tcp::socket socket, asio::ip::address peer) {
    struct Registered {
        Inside& inside;
        std::string peer;
        std::list<Connection*>::iterator place;
        Registered(Inside& in, std::string from, Connection& connection)
            : inside(in),
              peer(std::move(from)),
              place(in.open.insert(in.open.end(), &connection)) {}
        ~Registered() {
            inside.open.erase(place);
            const auto count = inside.open_by_peer.find(peer);
            if (--count->second == 0) inside.open_by_peer.erase(count);
            inside.shared.work_ended.notify();
        }
    };
    Connection connection(std::move(socket), peer.to_string(), peer.is_loopback(), shared);
    const Registered registered(*this, peer.to_string(), connection);
    try {
        co_await connection.run();
    } catch (const std::exception& error) {
        // When the server stops, this is its cancellation coming out.
        if (shared.stopping) co_return;
        log::error("http_connection_failed", {{"error", error.what()}});
    }
}

/// One timer for all connections: a deadline costs a comparison, not a timer, and moving one is
/// free.
asio::awaitable<void> Server::Inside::sweep() {
    for (;;) {
        co_await shared.clock.sleep_for(sweep_interval);
        const SteadyTime now = shared.clock.now();
        for (auto next = open.begin(); next != open.end();) (*next++)->expire(now);
    }
}

std::ptrdiff_t Server::Inside::at_work() const {
    return std::ranges::count_if(open, [](const Connection* c) { return c->at_work(); });
}

asio::awaitable<Result<void>> Server::Inside::drained() {
    while (at_work() > 0) co_await shared.work_ended.wait();
    co_return Result<void>{};
}

}  // namespace muster::http
