// Against a real etcd that speaks TLS and asks for certificates.
#include "common/base/asio_clock.hpp"
#include "dnsupdate/etcd_client.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/etcd_server.hpp"
#include "tests/support/eventually.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::dnsupdate::etcd {
namespace {

using namespace std::chrono_literals;
using test::Authority;
using testing::HasSubstr;

class EtcdTls : public testing::Test {
 protected:
    std::string write(const std::string& name, const std::string& text) const {
        return directory_.write(name, text).string();
    }
    /// A client certificate and its key.
    TlsFiles shown(const std::string& name, const Authority::Leaf& leaf, const Authority& by) {
        const Authority::Pem pem = by.issue(leaf);
        return {.ca = ca_,
                .certificate = write(name + ".pem", pem.certificate),
                .key = write(name + ".key", pem.key)};
    }
    test::EtcdServer::Tls settings() {
        // The gateway of etcd shows the server's own certificate to the server.
        const Authority::Pem own = authority_.issue({.common_name = ""});
        const TlsFiles operators = shown("etcdctl", {.common_name = ""}, authority_);
        return {.certificate = write("server.pem", own.certificate),
                .key = write("server.key", own.key),
                .client_ca = ca_,
                .ca = ca_,
                .client_certificate = operators.certificate,
                .client_key = operators.key};
    }
    template <class T>
    T run(asio::awaitable<T> work) {
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.restart();
        context_.run();
        return result.get();
    }
    Result<RangeReply> get(ClientSettings with) {
        Client client(clock_, std::move(with));
        return run(client.get("/x"));
    }
    Result<RangeReply> get(TlsFiles files) {
        return get({.endpoints = {server_.url()}, .tls = std::move(files)});
    }

    test::TempDir directory_;
    Authority authority_;
    Authority other_;
    std::string ca_ = write("ca.pem", authority_.bundle());
    test::EtcdServer server_{settings()};
    TlsFiles ours_ = shown("ours", {}, authority_);
    asio::io_context context_;
    AsioClock clock_;
};

TEST_F(EtcdTls, ReadsAndWrites) {
    Client client(clock_, {.endpoints = {server_.url()}, .tls = ours_});
    const auto put = run(client.commit({.ops = {Put{.key = "/x", .value = "1"}}}));
    ASSERT_TRUE(put) << put.error().message();
    EXPECT_TRUE(put->succeeded);
    const auto got = run(client.get("/x"));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->entries.at(0).value, "1");
}

TEST_F(EtcdTls, BelievesNoOtherAuthority) {
    TlsFiles files = ours_;
    files.ca = write("other.pem", other_.bundle());
    const auto got = get(files);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, make_error_code(Errc::unavailable));
    EXPECT_THAT(got.error().message(), HasSubstr("is of no authority in " + files.ca));
}

TEST_F(EtcdTls, BelievesNoOtherName) {
    TlsFiles files = ours_;
    files.server_name = "etcd.example.org";
    const auto got = get(files);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, make_error_code(Errc::unavailable));
    EXPECT_THAT(got.error().message(), HasSubstr("certificate is not for etcd.example.org"));
    files.server_name = "localhost";
    EXPECT_TRUE(get(files)) << "that is in it, too";
}

TEST_F(EtcdTls, IsRefusedWithoutAGoodCertificate) {
    const auto none = get({.ca = ca_});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, make_error_code(Errc::unavailable));
    EXPECT_THAT(none.error().message(), HasSubstr("certificate of ours, and none is configured"));

    const TlsFiles stranger = shown("stranger", {}, other_);
    const auto refused = get(stranger);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(),
                HasSubstr("the server refuses our certificate " + stranger.certificate));

    const TlsFiles old = shown("old", {.expires_in = -1h}, authority_);
    const auto expired = get(old);
    ASSERT_FALSE(expired);
    EXPECT_THAT(expired.error().message(),
                HasSubstr("the server refuses our certificate " + old.certificate));
}

TEST_F(EtcdTls, AWriteThatWasRefusedIsNoUnknownOutcome) {
    Client client(clock_, {.endpoints = {server_.url()}, .tls = {.ca = ca_}});
    const auto put = run(client.commit({.ops = {Put{.key = "/x", .value = "1"}}}));
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, make_error_code(Errc::unavailable)) << put.error().message();
    EXPECT_TRUE(get(ours_)->entries.empty());
}

TEST_F(EtcdTls, SeesThatTheServersCertificateHasExpired) {
    test::EtcdServer::Tls with = settings();
    const Authority::Pem old = authority_.issue({.common_name = "", .expires_in = 3s});
    with.certificate = write("short.pem", old.certificate);
    with.key = write("short.key", old.key);
    // etcdctl, which waits for the server, would not talk to it later.
    const test::EtcdServer server(with);
    EXPECT_TRUE(test::eventually(20s, [&] {
        const auto got = get({.endpoints = {server.url()}, .tls = ours_});
        return !got && got.error().message().contains("one of its chain, has expired");
    }));
}

TEST_F(EtcdTls, GoesOnWithAnEndpointThatCanProveWhoItIs) {
    const TlsFiles files = ours_;
    Client client(clock_,
                  {.endpoints = {"https://127.0.0.1:1", "https://localhost:1", server_.url()},
                   .timeout = 2s,
                   .tls = files});
    EXPECT_TRUE(run(client.get("/x")));
    const auto put = run(client.commit({.ops = {Put{.key = "/x", .value = "1"}}}));
    ASSERT_TRUE(put) << put.error().message();
    EXPECT_TRUE(put->succeeded);

    // One that is there, but is another than it should be.
    test::EtcdServer::Tls with = settings();
    const Authority::Pem elsewhere = other_.issue({.common_name = ""});
    with.certificate = write("elsewhere.pem", elsewhere.certificate);
    with.key = write("elsewhere.key", elsewhere.key);
    with.ca = write("elsewhere.ca", other_.bundle());
    with.client_ca = write("both.ca", authority_.bundle() + other_.bundle());
    const test::EtcdServer impostor(with);
    Client careful(clock_,
                   {.endpoints = {impostor.url(), server_.url()}, .timeout = 2s, .tls = files});
    const auto got = run(careful.get("/x"));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->entries.at(0).value, "1");
}

TEST_F(EtcdTls, FailsOverFromHttpsToHttp) {
    test::EtcdServer plain;
    Client client(clock_,
                  {.endpoints = {"https://127.0.0.1:" + std::to_string(plain.port()), plain.url()},
                   .timeout = 2s,
                   .tls = ours_});
    const auto got = run(client.get("/x"));
    EXPECT_TRUE(got) << got.error().message();
}

TEST_F(EtcdTls, TakesUserAndPasswordBesideACertificateWithoutAName) {
    server_.ctl({"user", "add", "root:secret"});
    server_.ctl({"user", "grant-role", "root", "root"});
    server_.ctl({"auth", "enable"});
    const TlsFiles nameless = shown("nameless", {.common_name = ""}, authority_);
    const auto with = [&](const TlsFiles& files) {
        return get(
            {.endpoints = {server_.url()}, .user = "root", .password = "secret", .tls = files});
    };
    const auto got = with(nameless);
    EXPECT_TRUE(got) << got.error().message();
    const auto anyone = get(nameless);
    ASSERT_FALSE(anyone);
    EXPECT_EQ(anyone.error().code, make_error_code(Errc::refused)) << anyone.error().message();
}

}  // namespace
}  // namespace muster::dnsupdate::etcd
