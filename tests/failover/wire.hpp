#pragma once

#include "common/base/task_group.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// A network between clients and loopback servers that knows what they say, and at one chosen
/// request lets something happen. On a thread of its own. Any thread.
class Wire {
 public:
    enum class Protocol : std::uint8_t {
        zookeeper,  ///< only transactions are looked at
        http,       ///< each piece that arrives is
    };
    enum class When : std::uint8_t {
        before,  ///< the request never reaches the server
        after,   ///< it was carried out; the reply never reaches the client
    };
    struct Trap {
        std::vector<std::string> needles;  ///< all of them in one request,
        std::string lacks{};               ///< and not this
        When when = When::before;
        /// On the wire's thread; the connection is closed when it returns.
        std::function<void(const std::string& request)> act;
    };

    Wire(Protocol protocol, const std::vector<std::uint16_t>& servers);
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    ~Wire();

    /// "127.0.0.1:port", one for each server.
    [[nodiscard]] std::vector<std::string> addresses() const;

    /// For one request. `after`, of ZooKeeper: one that is refused doesn't count.
    void set(Trap trap);
    [[nodiscard]] bool sprung() const;

 private:
    struct Connection;
    using Socket = boost::asio::ip::tcp::socket;
    using Acceptor = boost::asio::ip::tcp::acceptor;

    asio::awaitable<void> accept(Acceptor& acceptor, std::uint16_t server);
    asio::awaitable<void> requests(std::shared_ptr<Connection> connection);
    asio::awaitable<void> replies(std::shared_ptr<Connection> connection);
    asio::awaitable<std::string> read(Socket& from) const;
    [[nodiscard]] std::optional<Trap> caught(const std::string& request);
    void spring(const Trap& trap, const std::string& request);

    Protocol protocol_;
    mutable std::mutex mutex_;
    std::optional<Trap> trap_;
    bool sprung_ = false;

    asio::io_context context_{1};
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    TaskGroup tasks_;
    std::thread thread_;
};

}  // namespace muster::test
