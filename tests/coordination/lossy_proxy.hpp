#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

namespace muster::test {

/// A network between a client and one loopback server, which can fail in ways that a server can't
/// be told to. Executor: the context given. Must be destroyed after the loop has stopped.
class LossyProxy {
 public:
    LossyProxy(boost::asio::io_context& context, std::uint16_t server_port);
    LossyProxy(const LossyProxy&) = delete;
    LossyProxy& operator=(const LossyProxy&) = delete;
    ~LossyProxy();

    /// "127.0.0.1:port", where clients connect.
    [[nodiscard]] std::string address() const;

    void drop_replies(bool drop) { drop_replies_ = drop; }    ///< server to client
    void drop_requests(bool drop) { drop_requests_ = drop; }  ///< client to server
    void refuse(bool refuse) { refuse_ = refuse; }  ///< new connections are closed at once
    void break_connections();                       ///< those that stand

    [[nodiscard]] std::size_t accepted() const { return accepted_; }
    [[nodiscard]] std::size_t requests_bytes() const { return request_bytes_; }

 private:
    struct Connection;
    void accept();
    void relay(const std::shared_ptr<Connection>& connection,
               boost::asio::ip::tcp::socket Connection::* from,
               boost::asio::ip::tcp::socket Connection::* to);
    [[nodiscard]] bool drops(boost::asio::ip::tcp::socket Connection::* from) const;

    boost::asio::io_context& context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::ip::tcp::endpoint server_;
    std::list<std::weak_ptr<Connection>> connections_;
    bool drop_replies_ = false;
    bool drop_requests_ = false;
    bool refuse_ = false;
    std::size_t accepted_ = 0;
    std::size_t request_bytes_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace muster::test
