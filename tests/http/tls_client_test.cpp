// https, against a server of ours that can misbehave.
#include "common/base/asio_clock.hpp"
#include "common/http/client.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include <array>
#include <thread>

namespace muster::http {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using test::Authority;
using testing::HasSubstr;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
constexpr const char* whole = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Shakes hands, answers with `reply`, and closes. On a thread of its own.
class TlsPeer {
 public:
    enum class End { in_order, cut_off };

    TlsPeer(const Authority::Pem& own, std::string reply = whole, End end = End::in_order)
        : reply_(std::move(reply)), end_(end) {
        tls_.use_certificate_chain(asio::buffer(own.certificate));
        tls_.use_private_key(asio::buffer(own.key), asio::ssl::context::pem);
    }
    ~TlsPeer() {
        context_.stop();
        if (thread_.joinable()) thread_.join();
    }
    TlsPeer(const TlsPeer&) = delete;
    TlsPeer& operator=(const TlsPeer&) = delete;

    SSL_CTX* ssl() { return tls_.native_handle(); }
    void wants_certificates_of(const Authority& authority) {
        tls_.add_certificate_authority(asio::buffer(authority.bundle()));
        tls_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
    void start() {
        asio::co_spawn(context_, serve(), test::rethrow);
        thread_ = std::thread([this] { context_.run(); });
    }
    [[nodiscard]] std::string url() const {
        return "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/x";
    }

 private:
    asio::awaitable<void> serve() {
        for (;;) {
            auto [error, socket] = co_await acceptor_.async_accept(use_result);
            if (error) co_return;
            co_await answer(std::move(socket));
        }
    }
    asio::awaitable<void> answer(tcp::socket socket) {
        asio::ssl::stream<tcp::socket> stream(std::move(socket), tls_);
        const auto [failed] = co_await stream.async_handshake(stream.server, use_result);
        if (failed) co_return;
        std::array<char, 4096> request{};
        const auto [lost, count] =
            co_await stream.async_read_some(asio::buffer(request), use_result);
        if (lost) co_return;
        co_await asio::async_write(stream, asio::buffer(reply_), use_result);
        if (end_ == End::in_order) co_await stream.async_shutdown(use_result);
    }

    std::string reply_;
    End end_;
    asio::io_context context_{1};
    asio::ssl::context tls_{asio::ssl::context::tls_server};
    tcp::acceptor acceptor_{context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    std::thread thread_;
};

class HttpsClient : public testing::Test {
 protected:
    Result<Response> get(const std::string& url,
                         std::shared_ptr<TlsClient> tls,
                         std::chrono::nanoseconds timeout = 10s) {
        auto got =
            asio::co_spawn(context_,
                           fetch(clock_, {.url = url, .timeout = timeout, .tls = std::move(tls)}),
                           asio::use_future);
        context_.restart();
        context_.run();
        return got.get();
    }
    Result<Response> get(TlsPeer& peer, TlsFiles files) {
        peer.start();
        return get(peer.url(), std::make_shared<TlsClient>(std::move(files)));
    }
    [[nodiscard]] TlsFiles trusting() const { return {.ca = ca_}; }

    test::TempDir directory_;
    Authority authority_;
    Authority::Pem own_ = authority_.issue({});
    std::string ca_ = directory_.write("ca.pem", authority_.bundle()).string();
    asio::io_context context_;
    AsioClock clock_;
};

TEST_F(HttpsClient, TalksToAServerThatProvesWhoItIs) {
    TlsPeer peer(own_);
    const auto got = get(peer, trusting());
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->body, "ok");
}

TEST_F(HttpsClient, SaysThatTheAuthorityIsAnother) {
    const Authority other;
    TlsPeer peer(other.issue({}));
    const auto got = get(peer, trusting());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::tls_failed);
    EXPECT_THAT(got.error().message(), HasSubstr("is of no authority in " + ca_));
}

TEST_F(HttpsClient, TrustsTheSystemsAuthoritiesWhenNoneIsNamed) {
    TlsPeer peer(own_);
    const auto got = get(peer, {});
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::tls_failed);
    EXPECT_THAT(got.error().message(), HasSubstr("of no authority in the system's bundle"));
}

TEST_F(HttpsClient, SaysThatTheNameIsAnother) {
    TlsPeer peer(authority_.issue({.names = "DNS:etcd.example.org"}));
    const auto got = get(peer, trusting());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::tls_failed);
    EXPECT_THAT(got.error().message(), HasSubstr("certificate is not for 127.0.0.1"));
    const auto named =
        get(peer.url(),
            std::make_shared<TlsClient>(TlsFiles{.ca = ca_, .server_name = "etcd.example.org"}));
    EXPECT_TRUE(named) << named.error().message();
    const auto other =
        get(peer.url(),
            std::make_shared<TlsClient>(TlsFiles{.ca = ca_, .server_name = "zk.example.org"}));
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().message(), HasSubstr("certificate is not for zk.example.org"));
}

TEST_F(HttpsClient, SaysThatTheCertificateHasExpired) {
    TlsPeer peer(authority_.issue({.expires_in = -1h}));
    const auto got = get(peer, trusting());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::tls_failed);
    EXPECT_THAT(got.error().message(),
                HasSubstr("the server's certificate, or one of its chain, has expired"));
}

TEST_F(HttpsClient, ShowsItsCertificateWhenAsked) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        SCOPED_TRACE(version);
        TlsPeer peer(own_);
        SSL_CTX_set_min_proto_version(peer.ssl(), version);
        SSL_CTX_set_max_proto_version(peer.ssl(), version);
        peer.wants_certificates_of(authority_);
        const auto none = get(peer, trusting());
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().code, Errc::tls_failed) << none.error().message();

        const Authority::Pem mine = authority_.issue({});
        TlsFiles files{.ca = ca_,
                       .certificate = directory_.write("mine.pem", mine.certificate).string(),
                       .key = directory_.write("mine.key", mine.key).string()};
        const auto got = get(peer.url(), std::make_shared<TlsClient>(files));
        EXPECT_TRUE(got) << got.error().message();

        const Authority::Pem old = authority_.issue({.expires_in = -1h});
        directory_.write("mine.pem", old.certificate);
        directory_.write("mine.key", old.key);
        const auto expired = get(peer.url(), std::make_shared<TlsClient>(files));
        ASSERT_FALSE(expired);
        EXPECT_EQ(expired.error().code, Errc::tls_failed);
        EXPECT_THAT(expired.error().message(),
                    HasSubstr("the server refuses our certificate " + files.certificate));
    }
}

TEST_F(HttpsClient, SpeaksNothingOlderThanTls12) {
    TlsPeer peer(own_);
    SSL_CTX_set_security_level(peer.ssl(), 0);
    SSL_CTX_set_min_proto_version(peer.ssl(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(peer.ssl(), TLS1_1_VERSION);
    const auto got = get(peer, trusting());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::tls_failed);
}

TEST_F(HttpsClient, NoticesThatAReplyWasCutOff) {
    const std::string until_the_end = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf";
    TlsPeer cut(own_, until_the_end, TlsPeer::End::cut_off);
    const auto got = get(cut, trusting());
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::closed) << got.error().message();
    TlsPeer peer(own_, until_the_end);
    const auto all = get(peer, trusting());
    ASSERT_TRUE(all) << all.error().message();
    EXPECT_EQ(all->body, "half");
}

TEST_F(HttpsClient, CountsTheHandshakeInItsTimeOut) {
    asio::io_context elsewhere;
    // Connections wait in its queue: nobody accepts them, nor says a word.
    const tcp::acceptor silent(elsewhere, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto got = get("https://127.0.0.1:" + std::to_string(silent.local_endpoint().port()),
                         std::make_shared<TlsClient>(trusting()),
                         200ms);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::timed_out);
}

TEST_F(HttpsClient, SaysWhichFileIsWrong) {
    TlsPeer peer(own_);
    peer.start();
    const std::string junk = directory_.write("junk.pem", "junk").string();
    const std::string key = directory_.write("own.key", own_.key).string();
    const std::string certificate = directory_.write("own.pem", own_.certificate).string();
    const std::string other = directory_.write("other.key", authority_.issue({}).key).string();
    const std::string missing = (directory_ / "missing").string();
    const auto why = [&](TlsFiles files) {
        const auto got = get(peer.url(), std::make_shared<TlsClient>(std::move(files)));
        if (got) return std::string("works");
        EXPECT_EQ(got.error().code, Errc::bad_tls_files);
        return got.error().message();
    };
    EXPECT_THAT(why({.ca = junk}), HasSubstr(junk + ": no certificates of authorities in PEM"));
    EXPECT_THAT(why({.ca = missing}), HasSubstr(missing + ": "));
    EXPECT_THAT(why({.ca = ca_, .certificate = junk, .key = key}),
                HasSubstr(junk + ": no certificate in PEM"));
    EXPECT_THAT(why({.ca = ca_, .certificate = certificate, .key = junk}),
                HasSubstr(junk + ": no key in PEM"));
    EXPECT_THAT(why({.ca = ca_, .certificate = certificate, .key = missing}),
                HasSubstr(missing + ": "));
    EXPECT_THAT(why({.ca = ca_, .certificate = certificate, .key = other}),
                HasSubstr(other + ": not the key of the certificate in " + certificate));
    EXPECT_EQ(why({.ca = ca_, .certificate = certificate, .key = key}), "works");
}

TEST_F(HttpsClient, ReadsFilesAgainThatHaveChanged) {
    const Authority other;
    TlsPeer peer(own_);
    peer.start();
    directory_.write("ca.pem", other.bundle());
    const auto tls = std::make_shared<TlsClient>(trusting());
    EXPECT_FALSE(get(peer.url(), tls));
    directory_.write("ca.pem", authority_.bundle() + other.bundle());
    EXPECT_TRUE(get(peer.url(), tls));
    directory_.write("ca.pem", "half of a fi");
    EXPECT_TRUE(get(peer.url(), tls)) << "what worked goes on working";
    directory_.write("ca.pem", other.bundle());
    EXPECT_FALSE(get(peer.url(), tls));
}

TEST_F(HttpsClient, SaysThatThereIsNoTls) {
    asio::io_context elsewhere;
    tcp::acceptor plain(elsewhere, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    std::thread peer([&] {
        tcp::socket socket(elsewhere);
        plain.accept(socket);
        asio::write(socket, asio::buffer(std::string(whole)));
        std::array<char, 4096> request{};
        boost::system::error_code ignored;
        while (socket.read_some(asio::buffer(request), ignored) > 0) {
        }
    });
    const auto got = get("https://127.0.0.1:" + std::to_string(plain.local_endpoint().port()),
                         std::make_shared<TlsClient>(trusting()));
    peer.join();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::tls_failed);
    EXPECT_THAT(got.error().message(), HasSubstr("speaks no TLS"));
}

}  // namespace
}  // namespace muster::http
