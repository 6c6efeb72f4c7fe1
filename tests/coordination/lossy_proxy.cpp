#include "tests/coordination/lossy_proxy.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <utility>

namespace muster::test {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

struct LossyProxy::Connection {
    explicit Connection(asio::io_context& context) : client(context), server(context) {}

    void close() {
        error_code ignored;
        client.close(ignored);
        server.close(ignored);
    }

    tcp::socket client;
    tcp::socket server;
    std::array<char, 65'536> from_client{};
    std::array<char, 65'536> from_server{};
};

LossyProxy::LossyProxy(asio::io_context& context, std::uint16_t server_port)
    : context_(context),
      acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      server_(asio::ip::address_v4::loopback(), server_port) {
    accept();
}

LossyProxy::~LossyProxy() {
    break_connections();
}

std::string LossyProxy::address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
}

void LossyProxy::break_connections() {
    for (const auto& weak : connections_)
        if (const auto connection = weak.lock()) connection->close();
    connections_.clear();
}

void LossyProxy::accept() {
    auto connection = std::make_shared<Connection>(context_);
    acceptor_.async_accept(
        connection->client,
        [this, connection, alive = std::weak_ptr<bool>(alive_)](const error_code& error) {
            if (error || alive.expired()) return;
            ++accepted_;
            error_code refused;
            if (!refuse_) connection->server.connect(server_, refused);
            if (refuse_ || refused) {
                connection->close();
            } else {
                connections_.push_back(connection);
                relay(connection, &Connection::client, &Connection::server);
                relay(connection, &Connection::server, &Connection::client);
            }
            accept();
        });
}

bool LossyProxy::drops(tcp::socket Connection::* from) const {
    return from == &Connection::client ? drop_requests_ : drop_replies_;
}

void LossyProxy::relay(const std::shared_ptr<Connection>& connection,
                       tcp::socket Connection::* from,
                       tcp::socket Connection::* to) {
    auto& buffer = from == &Connection::client ? connection->from_client : connection->from_server;
    ((*connection).*from)
        .async_read_some(asio::buffer(buffer),
                         [this, connection, from, to, &buffer, alive = std::weak_ptr<bool>(alive_)](
                             const error_code& error, std::size_t size) {
                             if (alive.expired()) return;
                             error_code failed = error;
                             if (!failed && from == &Connection::client) request_bytes_ += size;
                             // Blocking, but what a test sends fits the socket's buffer.
                             if (!failed && !drops(from))
                                 asio::write((*connection).*to, asio::buffer(buffer, size), failed);
                             if (failed) return connection->close();
                             relay(connection, from, to);
                         });
}

}  // namespace muster::test
