#include "tests/failover/wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <utility>

namespace muster::test {

using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t most_bytes = 4UZ << 20U;
constexpr std::int32_t op_multi = 14;

/// Big-endian; of bytes that aren't there: 0.
std::int32_t number_at(const std::string& bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = at; i < at + 4; ++i)
        number = (number << 8U) | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    return static_cast<std::int32_t>(number);
}

// A frame of ZooKeeper is its length and what follows: of requests xid and op, of replies xid,
// zxid and error.
constexpr std::size_t at_xid = 4;
constexpr std::size_t at_op = 8;
constexpr std::size_t at_error = 16;

}  // namespace

struct Wire::Connection {
    explicit Connection(asio::io_context& context) : client(context), server(context) {}

    void close() {
        error_code ignored;
        client.close(ignored);
        server.close(ignored);
    }

    Socket client;
    Socket server;
    std::optional<Trap> waits;  ///< for the reply
    std::string request;        ///< of that
    bool greeted = false;       ///< the first frame is of another kind
};

Wire::Wire(Protocol protocol, const std::vector<std::uint16_t>& servers)
    : protocol_(protocol), tasks_(context_.get_executor()) {
    for (const std::uint16_t server : servers) {
        acceptors_.push_back(std::make_unique<Acceptor>(
            context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)));
        tasks_.spawn("accept", accept(*acceptors_.back(), server));
    }
    thread_ = std::thread([this] { context_.run(); });
}

Wire::~Wire() {
    asio::post(context_, [this] { tasks_.cancel(); });
    thread_.join();
}

std::vector<std::string> Wire::addresses() const {
    std::vector<std::string> all;
    for (const auto& acceptor : acceptors_)
        all.push_back("127.0.0.1:" + std::to_string(acceptor->local_endpoint().port()));
    return all;
}

void Wire::set(Trap trap) {
    const std::scoped_lock lock(mutex_);
    trap_ = std::move(trap);
    sprung_ = false;
}

bool Wire::sprung() const {
    const std::scoped_lock lock(mutex_);
    return sprung_;
}

std::optional<Wire::Trap> Wire::caught(const std::string& request) {
    if (protocol_ == Protocol::zookeeper && number_at(request, at_op) != op_multi)
        return std::nullopt;
    const std::scoped_lock lock(mutex_);
    if (!trap_) return std::nullopt;
    const bool all = std::ranges::all_of(
        trap_->needles, [&](const std::string& needle) { return request.contains(needle); });
    if (!trap_->lacks.empty() && request.contains(trap_->lacks)) return std::nullopt;
    return all ? std::exchange(trap_, std::nullopt) : std::nullopt;
}

void Wire::spring(const Trap& trap, const std::string& request) {
    trap.act(request);
    const std::scoped_lock lock(mutex_);
    sprung_ = true;
}

asio::awaitable<void> Wire::accept(Acceptor& acceptor, std::uint16_t server) {
    for (;;) {
        auto connection = std::make_shared<Connection>(context_);
        co_await acceptor.async_accept(connection->client, asio::use_awaitable);
        error_code refused;
        connection->server.connect(tcp::endpoint(asio::ip::address_v4::loopback(), server),
                                   refused);
        if (refused) continue;
        tasks_.spawn("requests", requests(connection));
        tasks_.spawn("replies", replies(connection));
    }
}

asio::awaitable<std::string> Wire::read(Socket& from) const {
    std::string bytes;
    if (protocol_ == Protocol::http) {
        bytes.resize(256UZ << 10U);
        bytes.resize(co_await from.async_read_some(asio::buffer(bytes), asio::use_awaitable));
        co_return bytes;
    }
    bytes.resize(4);
    co_await asio::async_read(from, asio::buffer(bytes), asio::use_awaitable);
    const auto length = static_cast<std::size_t>(number_at(bytes, 0));
    if (length > most_bytes) throw boost::system::system_error(asio::error::message_size);
    bytes.resize(4 + length);
    co_await asio::async_read(from, asio::buffer(bytes.data() + 4, length), asio::use_awaitable);
    co_return bytes;
}

asio::awaitable<void> Wire::requests(std::shared_ptr<Connection> connection) {
    try {
        for (;;) {
            const std::string request = co_await read(connection->client);
            const bool looked_at =
                std::exchange(connection->greeted, true) || protocol_ == Protocol::http;
            std::optional<Trap> trap = looked_at ? caught(request) : std::nullopt;
            if (trap && trap->when == When::before) {
                spring(*trap, request);
                break;
            }
            if (trap) {
                connection->waits = std::move(trap);
                connection->request = request;
            }
            co_await asio::async_write(
                connection->server, asio::buffer(request), asio::use_awaitable);
        }
    } catch (const boost::system::system_error&) {  // one of the two has closed it
    }
    connection->close();
}

asio::awaitable<void> Wire::replies(std::shared_ptr<Connection> connection) {
    try {
        for (;;) {
            const std::string reply = co_await read(connection->server);
            const bool of_it = connection->waits &&
                               (protocol_ == Protocol::http ||
                                number_at(reply, at_xid) == number_at(connection->request, at_xid));
            if (of_it) {
                const Trap trap = *std::exchange(connection->waits, std::nullopt);
                if (protocol_ == Protocol::http || number_at(reply, at_error) == 0) {
                    spring(trap, connection->request);
                    break;
                }
                set(trap);
            }
            co_await asio::async_write(
                connection->client, asio::buffer(reply), asio::use_awaitable);
        }
    } catch (const boost::system::system_error&) {  // as above
    }
    connection->close();
}

}  // namespace muster::test
