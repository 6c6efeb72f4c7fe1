#pragma once

#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace muster::checker {

/// An HTTP server on a free loopback port that says what the test tells it to, request by request,
/// on connections that stay. Executor: the context's. Must not outlive it.
class AnsweringServer {
 public:
    struct Answer {
        std::string bytes;
        enum class Then { keep, close, hang } then = Then::keep;
    };
    /// Which request of which connection, both from 0; and its text to the end of the header.
    using Handler = std::function<Answer(int connection, int number, const std::string& request)>;

    AnsweringServer(boost::asio::io_context& context,
                    Handler handler,
                    const std::string& address = "127.0.0.1")
        : shared_(std::make_shared<Shared>(context, std::move(handler), address)) {
        boost::asio::co_spawn(context, accept(shared_), test::rethrow);
    }
    ~AnsweringServer() {
        boost::system::error_code ignored;
        (void)shared_->acceptor.close(ignored);
        drop_all();
    }
    AnsweringServer(const AnsweringServer&) = delete;
    AnsweringServer& operator=(const AnsweringServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return shared_->acceptor.local_endpoint().port(); }
    [[nodiscard]] int connections() const { return shared_->connections; }
    [[nodiscard]] const std::vector<std::string>& requests() const { return shared_->requests; }
    /// Closes every connection, as a server does that has waited long enough.
    void drop_all() {
        for (const auto& weak : shared_->sockets) {
            const auto socket = weak.lock();
            boost::system::error_code ignored;
            if (socket) (void)socket->close(ignored);
        }
        shared_->sockets.clear();
    }

 private:
    using Tcp = boost::asio::ip::tcp;
    struct Shared {
        Shared(boost::asio::io_context& context, Handler the_handler, const std::string& address)
            : acceptor(context, {boost::asio::ip::make_address(address), 0}),
              handler(std::move(the_handler)) {}
        Tcp::acceptor acceptor;
        Handler handler;
        int connections = 0;
        std::vector<std::string> requests;
        std::vector<std::weak_ptr<Tcp::socket>> sockets;
    };

    static boost::asio::awaitable<void> accept(std::shared_ptr<Shared> shared) {
        try {
            for (;;) {
                auto socket = std::make_shared<Tcp::socket>(
                    co_await shared->acceptor.async_accept(boost::asio::use_awaitable));
                shared->sockets.push_back(socket);
                const int number = shared->connections++;
                boost::asio::co_spawn(
                    shared->acceptor.get_executor(), serve(shared, socket, number), test::rethrow);
            }
        } catch (const std::exception&) {
            // Closed.
        }
    }

    static boost::asio::awaitable<void> serve(std::shared_ptr<Shared> shared,
                                              std::shared_ptr<Tcp::socket> socket,
                                              int connection) {
        try {
            std::string input;
            for (int number = 0;; ++number) {
                const std::size_t size =
                    co_await boost::asio::async_read_until(*socket,
                                                           boost::asio::dynamic_buffer(input),
                                                           "\r\n\r\n",
                                                           boost::asio::use_awaitable);
                shared->requests.push_back(input.substr(0, size));
                input.erase(0, size);
                const Answer answer = shared->handler(connection, number, shared->requests.back());
                co_await boost::asio::async_write(
                    *socket, boost::asio::buffer(answer.bytes), boost::asio::use_awaitable);
                if (answer.then == Answer::Then::close) co_return;
            }
        } catch (const std::exception&) {
            // The peer, or the test, has had enough.
        }
    }

    std::shared_ptr<Shared> shared_;
};

}  // namespace muster::checker
