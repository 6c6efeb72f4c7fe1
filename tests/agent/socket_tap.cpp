#include "tests/agent/socket_tap.hpp"

#include "tests/support/rethrow.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <filesystem>
#include <sstream>
#include <utility>

namespace muster::test {
namespace {

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

SocketTap::SocketTap(std::string path) : behind_(path + ".behind") {
    std::filesystem::rename(path, behind_);
    acceptor_.open();
    acceptor_.bind(path);
    acceptor_.listen();
    asio::co_spawn(context_, accept(), rethrow);
    thread_ = std::thread([this] { context_.run(); });
}

SocketTap::~SocketTap() {
    context_.stop();
    thread_.join();
}

SocketTap::Counts SocketTap::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(counts_, {});
}

asio::awaitable<void> SocketTap::accept() {
    for (;;) {
        auto [error, client] = co_await acceptor_.async_accept(tuple);
        if (error) co_return;
        asio::co_spawn(context_, serve(std::move(client)), rethrow);
    }
}

asio::awaitable<void> SocketTap::serve(Protocol::socket client) {
    auto pair = std::make_shared<Pair>(
        Pair{.client = std::move(client), .server = Protocol::socket(context_)});
    const auto [error] = co_await pair->server.async_connect(behind_, tuple);
    if (error) co_return;
    asio::co_spawn(context_, pass_answers(pair), rethrow);
    co_await pass_commands(pair);
}

asio::awaitable<void> SocketTap::pass_commands(std::shared_ptr<Pair> pair) {
    std::string received;
    for (;;) {
        const auto [error, size] = co_await asio::async_read_until(
            pair->client, asio::dynamic_buffer(received), '\n', tuple);
        if (error) break;
        const std::string line = received.substr(0, size);
        received.erase(0, size);
        {
            const std::lock_guard lock(mutex_);
            std::istringstream words(line.substr(0, size - 1));
            for (std::string command; std::getline(words, command, ';');)
                counts_.commands.push_back(command);
        }
        const auto [lost, written] =
            co_await asio::async_write(pair->server, asio::buffer(line), tuple);
        if (lost) break;
    }
    pair->close();
}

asio::awaitable<void> SocketTap::pass_answers(std::shared_ptr<Pair> pair) {
    std::array<char, 65536> buffer{};
    for (;;) {
        const auto [error, size] =
            co_await pair->server.async_read_some(asio::buffer(buffer), tuple);
        if (error) break;
        {
            const std::lock_guard lock(mutex_);
            counts_.bytes_answered += size;
        }
        const auto [lost, written] =
            co_await asio::async_write(pair->client, asio::buffer(buffer.data(), size), tuple);
        if (lost) break;
    }
    pair->close();
}

}  // namespace muster::test
