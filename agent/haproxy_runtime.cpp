#include "agent/haproxy_runtime.hpp"

#include "agent/haproxy_errc.hpp"
#include "common/base/with_timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::agent {
namespace {

using Socket = asio::local::stream_protocol::socket;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view prompt = "\n> ";
/// Of one line of commands: HAProxy takes as much as its buffer holds, 16 KiB.
constexpr std::size_t longest_line = 8000;
constexpr std::size_t longest_greeting = 4096;
/// `show stat` of 100,000 servers is 60 MB.
constexpr std::size_t longest_answer = 256UZ << 20U;

tl::unexpected<Error> failed(const boost::system::error_code& error, std::string_view what) {
    if (error == asio::error::not_found)
        return fail(HaproxyErrc::bad_answer, fmt::format("{}: longer than any answer", what));
    if (error == asio::error::eof)
        return fail(HaproxyErrc::bad_answer, fmt::format("{}: closed before the end", what));
    return fail(error, std::string(what));
}

/// A path may be too long for a socket, which Asio tells by throwing.
Result<asio::local::stream_protocol::endpoint> endpoint_of(const std::string& path) {
    try {
        return asio::local::stream_protocol::endpoint(path);
    } catch (const boost::system::system_error& error) {
        return fail(error.code(), path);
    }
}

asio::awaitable<Result<void>> connect(Socket& socket, const std::string& path) {
    const auto endpoint = endpoint_of(path);
    if (!endpoint) co_return tl::unexpected(endpoint.error());
    const auto [error] = co_await socket.async_connect(*endpoint, tuple);
    if (error == asio::error::connection_refused ||
        error == boost::system::errc::no_such_file_or_directory) {
        co_return fail(HaproxyErrc::no_process, fmt::format("{}: {}", path, error.message()));
    }
    if (error) co_return fail(error, path);
    co_return Result<void>();
}

/// A connection in interactive mode, where every answer ends with a prompt: else nothing tells
/// where that of one command of a line ends.
struct Dialogue {
    Socket socket;
    std::string received;
};

/// The next answer, without the newlines at its end.
asio::awaitable<Result<std::string>> read_answer(Dialogue& dialogue, std::string_view what) {
    const auto [error, size] = co_await asio::async_read_until(
        dialogue.socket, asio::dynamic_buffer(dialogue.received, longest_answer), prompt, tuple);
    if (error) co_return failed(error, what);
    std::string answer = dialogue.received.substr(0, size - prompt.size());
    dialogue.received.erase(0, size);
    answer.resize(answer.find_last_not_of('\n') + 1);
    co_return answer;
}

/// One that ends may still have taken the connection.
bool is_gone(const boost::system::error_code& error) {
    return error == asio::error::eof || error == asio::error::connection_reset ||
           error == asio::error::broken_pipe;
}

/// How many of the commands from `first` on go into one line.
std::size_t batch(const std::vector<std::string>& commands, std::size_t first) {
    std::size_t size = commands[first].size();
    std::size_t end = first + 1;
    while (end < commands.size() && size + 1 + commands[end].size() <= longest_line)
        size += 1 + commands[end++].size();
    return end - first;
}

std::string line_of(const std::vector<std::string>& commands, std::size_t first) {
    const std::size_t end = first + batch(commands, first);
    std::string line;
    for (std::size_t i = first; i < end; ++i) {
        line += commands[i];
        line += i + 1 < end ? ';' : '\n';
    }
    return line;
}

/// With the first commands: waiting for the prompt to say so would be another turn of HAProxy's,
/// which has other work.
asio::awaitable<Result<void>> open(Dialogue& dialogue,
                                   const std::string& path,
                                   const std::vector<std::string>& commands) {
    if (auto connected = co_await connect(dialogue.socket, path); !connected) co_return connected;
    const std::string line = "prompt\n" + line_of(commands, 0);
    const auto [lost, written] =
        co_await asio::async_write(dialogue.socket, asio::buffer(line), tuple);
    if (lost) co_return is_gone(lost) ? fail(HaproxyErrc::no_process, path) : failed(lost, path);
    const auto [error, size] = co_await asio::async_read_until(
        dialogue.socket, asio::dynamic_buffer(dialogue.received, longest_greeting), prompt, tuple);
    if (error) co_return is_gone(error) ? fail(HaproxyErrc::no_process, path) : failed(error, path);
    const std::string greeting = dialogue.received.substr(0, size - prompt.size());
    dialogue.received.erase(0, size);
    if (!greeting.empty()) co_return fail(HaproxyErrc::bad_answer, "prompt: " + greeting);
    co_return Result<void>();
}

asio::awaitable<Result<void>> read_answers(Dialogue& dialogue,
                                           const std::vector<std::string>& commands,
                                           std::vector<std::string>& answers) {
    const std::size_t first = answers.size();
    const std::size_t count = batch(commands, first);
    for (std::size_t i = first; i < first + count; ++i) {
        auto answer = co_await read_answer(dialogue, commands[i]);
        if (!answer) co_return tl::unexpected(answer.error());
        answers.push_back(std::move(*answer));
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> exchange(Dialogue& dialogue,
                                       const std::vector<std::string>& commands,
                                       std::vector<std::string>& answers) {
    const std::string line = line_of(commands, answers.size());
    const auto [error, size] =
        co_await asio::async_write(dialogue.socket, asio::buffer(line), tuple);
    if (error) co_return failed(error, "a command");
    co_return co_await read_answers(dialogue, commands, answers);
}

asio::awaitable<Result<std::string>> exchange_once(std::string path, std::string command) {
    Socket socket(co_await asio::this_coro::executor);
    if (auto connected = co_await connect(socket, path); !connected)
        co_return tl::unexpected(connected.error());
    command += '\n';
    const auto [error, written] = co_await asio::async_write(socket, asio::buffer(command), tuple);
    if (error) co_return failed(error, command);
    // The master waits for more, else.
    boost::system::error_code gone;
    socket.shutdown(Socket::shutdown_send, gone);
    std::string answer;
    const auto [end, read] =
        co_await asio::async_read(socket, asio::dynamic_buffer(answer, 1UZ << 20U), tuple);
    // A master that reloads may reset the connection: it has no answer anyway.
    if (end == asio::error::operation_aborted) co_return failed(end, command);
    co_return answer;
}

}  // namespace

HaproxyRuntime::HaproxyRuntime(std::string stats_socket,
                               std::string master_socket,
                               std::chrono::nanoseconds timeout,
                               Clock& clock)
    : stats_socket_(std::move(stats_socket)),
      master_socket_(std::move(master_socket)),
      timeout_(timeout),
      clock_(clock) {}

asio::awaitable<Result<std::vector<std::string>>> HaproxyRuntime::ask(
    std::vector<std::string> commands) {
    std::vector<std::string> answers;
    answers.reserve(commands.size());
    if (commands.empty()) co_return answers;
    Dialogue dialogue{.socket = Socket(co_await asio::this_coro::executor)};
    auto done = co_await with_timeout(clock_, timeout_, open(dialogue, stats_socket_, commands));
    if (done) {
        done = co_await with_timeout(clock_, timeout_, read_answers(dialogue, commands, answers));
    }
    while (done && answers.size() < commands.size())
        done = co_await with_timeout(clock_, timeout_, exchange(dialogue, commands, answers));
    if (!done) {
        if (done.error().context.empty()) done.error().context = stats_socket_;
        co_return tl::unexpected(done.error());
    }
    co_return answers;
}

asio::awaitable<Result<std::string>> HaproxyRuntime::ask_master(std::string command,
                                                                std::chrono::nanoseconds timeout) {
    return with_timeout(clock_, timeout, exchange_once(master_socket_, std::move(command)));
}

}  // namespace muster::agent
