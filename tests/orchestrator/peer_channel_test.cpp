// Nodes that have the cluster's secret understand each other, and nobody else does.

#include "orchestrator/peer_channel.hpp"

#include "common/base/asio_clock.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

class PeerChannelTest : public testing::Test {
 protected:
    PeerChannelTest() {
        EXPECT_TRUE(server_.open("127.0.0.1", 0));
        server_.start([](std::string question) -> asio::awaitable<std::string> {
            co_return "heard: " + question;
        });
    }
    ~PeerChannelTest() override {
        asio::co_spawn(context_, server_.stop(), test::rethrow);
        context_.restart();
        context_.run_for(10s);
    }

    [[nodiscard]] std::string address() const {
        return "127.0.0.1:" + std::to_string(server_.port());
    }
    Result<std::string> ask(PeerChannel& from, const std::string& to, const std::string& question) {
        std::optional<Result<std::string>> answer;
        asio::co_spawn(
            context_,
            [&]() -> asio::awaitable<void> { answer = co_await from.ask(to, question, 5s); },
            test::rethrow);
        context_.restart();
        while (!answer) context_.run_one();
        return *answer;
    }
    /// What a stranger's bytes bring: the server must go on.
    void expect_it_lives() {
        EXPECT_EQ(ask(client_, address(), "still there?").value_or("no"), "heard: still there?");
    }

    asio::io_context context_;
    AsioClock clock_;
    PeerChannel server_{context_.get_executor(), clock_, "the secret of the cluster"};
    PeerChannel client_{context_.get_executor(), clock_, "the secret of the cluster"};
};

TEST_F(PeerChannelTest, CarriesQuestionsAndAnswers) {
    EXPECT_EQ(ask(client_, address(), "who?").value_or(""), "heard: who?");
    EXPECT_EQ(ask(client_, address(), "").value_or(""), "heard: ");
    const std::string large(60'000, 'x');
    EXPECT_EQ(ask(client_, address(), large).value_or(""), "heard: " + large);
    for (int i = 0; i < 50; ++i) expect_it_lives();
}

TEST_F(PeerChannelTest, KnowsNobodyWithAnotherSecret) {
    PeerChannel stranger(context_.get_executor(), clock_, "another secret");
    EXPECT_FALSE(ask(stranger, address(), "who?"));
    PeerChannel nameless(context_.get_executor(), clock_, "");
    EXPECT_FALSE(ask(nameless, address(), "who?"));
    expect_it_lives();
}

TEST_F(PeerChannelTest, IsNotFooledByAServerWithAnotherSecret) {
    PeerChannel impostor(context_.get_executor(), clock_, "another secret");
    ASSERT_TRUE(impostor.open("127.0.0.1", 0));
    bool asked = false;
    impostor.start([&](std::string) -> asio::awaitable<std::string> {
        asked = true;
        co_return "";
    });
    EXPECT_FALSE(ask(client_, "127.0.0.1:" + std::to_string(impostor.port()), "secret question"));
    EXPECT_FALSE(asked);
    asio::co_spawn(context_, impostor.stop(), test::rethrow);
    context_.restart();
    context_.run_for(1s);
}

TEST_F(PeerChannelTest, RefusesQuestionsThatAreTooLong) {
    EXPECT_FALSE(ask(client_, address(), std::string(70'000, 'x')));
    expect_it_lives();
}

TEST_F(PeerChannelTest, OutlivesStrangers) {
    for (const std::string& bytes : {std::string(),
                                     std::string("GET / HTTP/1.1\r\n\r\n"),
                                     std::string(100'000, '\x16'),
                                     std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10)}) {
        tcp::socket socket(context_);
        socket.connect({asio::ip::make_address("127.0.0.1"), server_.port()});
        boost::system::error_code ignored;
        asio::write(socket, asio::buffer(bytes), ignored);
        expect_it_lives();
        socket.close();
        expect_it_lives();
    }
}

TEST_F(PeerChannelTest, HasNoUseForTlsWithoutTheKey) {
    asio::ssl::context plain(asio::ssl::context::tls_client);
    asio::ssl::stream<tcp::socket> stream(context_, plain);
    stream.lowest_layer().connect({asio::ip::make_address("127.0.0.1"), server_.port()});
    boost::system::error_code refused;
    bool over = false;
    stream.async_handshake(asio::ssl::stream_base::client,
                           [&](const boost::system::error_code& error) {
                               refused = error;
                               over = true;
                           });
    context_.restart();
    while (!over) context_.run_one();
    EXPECT_TRUE(refused);
    expect_it_lives();
}

TEST_F(PeerChannelTest, GivesUpInTime) {
    // Nobody accepts.
    tcp::acceptor deaf(context_, {asio::ip::make_address("127.0.0.1"), 0});
    std::optional<Result<std::string>> answer;
    asio::co_spawn(
        context_,
        [&]() -> asio::awaitable<void> {
            answer = co_await client_.ask(
                "127.0.0.1:" + std::to_string(deaf.local_endpoint().port()), "?", 100ms);
        },
        test::rethrow);
    context_.restart();
    while (!answer) context_.run_one();
    EXPECT_EQ(answer->error().code, std::errc::timed_out);
    EXPECT_FALSE(ask(client_, "no.address.here:1", "?"));
    EXPECT_FALSE(ask(client_, "", "?"));
}

}  // namespace
}  // namespace muster::orchestrator
