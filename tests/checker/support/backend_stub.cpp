#include "tests/checker/support/backend_stub.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <exception>
#include <utility>

namespace muster::checker {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {
constexpr auto as_tuple = asio::as_tuple(asio::use_awaitable);
}

struct BackendStub::Inside {
    Inside(const asio::any_io_executor& executor,
           Script the_script,
           const asio::ip::address& address)
        : acceptor(executor, tcp::endpoint(address, 0)), script(std::move(the_script)) {}

    tcp::acceptor acceptor;
    Script script;
    Seen seen;

    static asio::awaitable<void> accept(std::shared_ptr<Inside> self) {
        for (;;) {
            auto [error, socket] = co_await self->acceptor.async_accept(as_tuple);
            if (error) co_return;
            asio::co_spawn(self->acceptor.get_executor(),
                           serve(self, std::move(socket)),
                           [](const std::exception_ptr&) {});
        }
    }

    static asio::awaitable<void> serve(std::shared_ptr<Inside> self, tcp::socket socket) {
        const Script todo = self->script;
        if (!todo.speaks_first) {
            std::string request;
            const auto [read_error, size] = co_await asio::async_read_until(
                socket, asio::dynamic_buffer(request, 64UZ * 1024), "\r\n\r\n", as_tuple);
            if (read_error) co_return;
            self->seen.requests.push_back(request);
        }
        for (std::size_t i = 0; i < todo.parts.size(); ++i) {
            if (i > 0 && todo.pause.count() > 0) {
                asio::steady_timer timer(socket.get_executor(), todo.pause);
                co_await timer.async_wait(asio::use_awaitable);
            }
            const auto [error, sent] =
                co_await asio::async_write(socket, asio::buffer(todo.parts[i]), as_tuple);
            if (error) break;
        }
        boost::system::error_code ignored;
        switch (todo.then) {
            case Then::close:
                socket.shutdown(tcp::socket::shutdown_send, ignored);
                break;
            case Then::reset:
                socket.set_option(tcp::socket::linger(true, 0), ignored);
                socket.close(ignored);
                co_return;
            case Then::hang:
                break;
        }
        std::array<char, 256> rest{};
        for (;;) {
            const auto [error, got] = co_await socket.async_read_some(asio::buffer(rest), as_tuple);
            if (error == asio::error::connection_reset) ++self->seen.resets;
            if (error == asio::error::eof) ++self->seen.ends;
            if (error) co_return;
        }
    }
};

Script good_script() {
    return {.parts = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
}

BackendStub::BackendStub(const asio::any_io_executor& executor,
                         Script script,
                         const asio::ip::address& address)
    : inside_(std::make_shared<Inside>(executor, std::move(script), address)) {
    asio::co_spawn(executor, Inside::accept(inside_), [](const std::exception_ptr&) {});
}

BackendStub::~BackendStub() {
    if (!inside_) return;
    boost::system::error_code ignored;
    inside_->acceptor.close(ignored);
}

std::uint16_t BackendStub::port() const {
    return inside_->acceptor.local_endpoint().port();
}

void BackendStub::change(Script script) {
    inside_->script = std::move(script);
}

const BackendStub::Seen& BackendStub::seen() const {
    return inside_->seen;
}

}  // namespace muster::checker
