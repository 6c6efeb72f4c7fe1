#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

namespace asio = boost::asio;

/// Between a unix socket's server and its clients, to count what they say: takes the place of the
/// socket at `path`, and passes everything on, on a thread of its own.
class SocketTap {
 public:
    struct Counts {
        std::vector<std::string> commands;  ///< in order: the lines of clients, split at ';'
        std::size_t bytes_answered = 0;
    };

    explicit SocketTap(std::string path);
    SocketTap(const SocketTap&) = delete;
    SocketTap& operator=(const SocketTap&) = delete;
    ~SocketTap();

    /// Since the last call.
    [[nodiscard]] Counts take();

 private:
    using Protocol = asio::local::stream_protocol;
    /// Ends when either side does.
    struct Pair {
        Protocol::socket client;
        Protocol::socket server;
        void close() {
            boost::system::error_code gone;
            client.close(gone);
            server.close(gone);
        }
    };
    asio::awaitable<void> accept();
    asio::awaitable<void> serve(Protocol::socket client);
    asio::awaitable<void> pass_commands(std::shared_ptr<Pair> pair);
    asio::awaitable<void> pass_answers(std::shared_ptr<Pair> pair);

    std::string behind_;
    asio::io_context context_{1};
    Protocol::acceptor acceptor_{context_};
    std::mutex mutex_;
    Counts counts_;
    std::thread thread_;
};

}  // namespace muster::test
