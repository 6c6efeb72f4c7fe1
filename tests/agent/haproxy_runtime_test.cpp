#include "agent/haproxy_runtime.hpp"

#include "agent/haproxy_errc.hpp"
#include "common/base/asio_clock.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

// A HAProxy of few words, on a real socket.
namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using asio::local::stream_protocol;
using testing::HasSubstr;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

/// Takes one connection and gives one of its texts for each line that it reads; then it is silent,
/// or closes.
class FakeSocket {
 public:
    enum class After { silence, close };

    FakeSocket(std::vector<std::string> texts, After after)
        : texts_(std::move(texts)), after_(after) {
        asio::co_spawn(io_, serve(), test::rethrow);
    }

    Result<std::vector<std::string>> ask(std::vector<std::string> commands) {
        HaproxyRuntime runtime(path_, path_, 200ms, clock_);
        std::optional<Result<std::vector<std::string>>> answers;
        asio::co_spawn(io_, keep(runtime.ask(std::move(commands)), answers), test::rethrow);
        io_.run();
        return answers.value();
    }

    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
    asio::awaitable<void> keep(asio::awaitable<Result<std::vector<std::string>>> task,
                               std::optional<Result<std::vector<std::string>>>& result) {
        result = co_await std::move(task);
        io_.stop();
    }

    asio::awaitable<void> serve() {
        auto [error, socket] = co_await acceptor_.async_accept(tuple);
        std::string received;
        for (const std::string& text : texts_) {
            const auto [lost, size] = co_await asio::async_read_until(
                socket, asio::dynamic_buffer(received), '\n', tuple);
            if (lost) co_return;
            lines_.push_back(received.substr(0, size - 1));
            received.erase(0, size);
            (void)co_await asio::async_write(socket, asio::buffer(text), tuple);
        }
        if (after_ == After::close) co_return;
        (void)co_await asio::async_read_until(socket, asio::dynamic_buffer(received), '\0', tuple);
    }

    test::TempDir directory_;
    std::string path_ = directory_ / "socket";
    asio::io_context io_;
    AsioClock clock_;
    std::vector<std::string> texts_;
    After after_;
    std::vector<std::string> lines_;
    stream_protocol::acceptor acceptor_{io_, stream_protocol::endpoint(path_)};
};

TEST(HaproxyRuntime, TellsTheAnswersOfALineApart) {
    FakeSocket haproxy({"\n> ", "\n> No such server.\n\n> one\n\ntwo\n\n> "},
                       FakeSocket::After::silence);
    EXPECT_EQ(haproxy.ask({"a", "b", "c"}),
              (std::vector<std::string>{"", "No such server.", "one\n\ntwo"}));
    EXPECT_EQ(haproxy.lines(), (std::vector<std::string>{"prompt", "a;b;c"}));
}

TEST(HaproxyRuntime, KeepsLinesWithinHaproxysBuffer) {
    const std::vector<std::string> commands(3, std::string(3'000, 'x'));
    FakeSocket haproxy({"\n> ", "\n> \n> ", "\n> "}, FakeSocket::After::silence);
    EXPECT_EQ(haproxy.ask(commands), std::vector<std::string>(3));
    ASSERT_EQ(haproxy.lines().size(), 3U);
    for (const std::string& line : haproxy.lines()) EXPECT_LE(line.size(), 8'000U);
}

TEST(HaproxyRuntime, WaitsForNoAnswerLongerThanItsDeadline) {
    for (const auto& texts :
         {std::vector<std::string>{}, {""}, {"\n> "}, {"\n> ", "\n> half an answ"}}) {
        const auto answers = FakeSocket(texts, FakeSocket::After::silence).ask({"a", "b"});
        ASSERT_FALSE(answers);
        EXPECT_EQ(answers.error().code, std::errc::timed_out) << texts.size();
    }
}

TEST(HaproxyRuntime, TellsOneThatIsNotThereFromOneThatTalksNonsense) {
    struct Row {
        std::vector<std::string> texts;
        HaproxyErrc error;
    };
    for (const Row& row : {Row{{}, HaproxyErrc::no_process},
                           Row{{""}, HaproxyErrc::no_process},
                           Row{{"HTTP/1.0 400\n\n> "}, HaproxyErrc::bad_answer},
                           Row{{std::string(5'000, 'x')}, HaproxyErrc::bad_answer},
                           Row{{"\n> ", "half"}, HaproxyErrc::bad_answer}}) {
        const auto answers = FakeSocket(row.texts, FakeSocket::After::close).ask({"a"});
        ASSERT_FALSE(answers);
        EXPECT_EQ(answers.error().code, row.error) << answers.error().message();
    }
}

std::error_code error_at(const std::string& path) {
    AsioClock clock;
    asio::io_context io;
    HaproxyRuntime runtime(path, path, 1s, clock);
    std::error_code error;
    const auto ask = [](HaproxyRuntime& asked, std::error_code& told) -> asio::awaitable<void> {
        if (const auto answers = co_await asked.ask({"show info"}); !answers)
            told = answers.error().code;
    };
    asio::co_spawn(io, ask(runtime, error), test::rethrow);
    io.run();
    return error;
}

TEST(HaproxyRuntime, SaysWhenThereIsNoSocket) {
    EXPECT_EQ(error_at("/nowhere/socket"), HaproxyErrc::no_process);
    EXPECT_EQ(error_at("/" + std::string(200, 'x')), std::errc::filename_too_long);
}

}  // namespace
}  // namespace muster::agent
