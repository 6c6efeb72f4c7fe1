// Several endpoints, some of which are dead, frozen, or ask who we are.
#include "common/http/url.hpp"
#include "tests/scaler/prometheus/prometheus_fixture.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include <array>
#include <filesystem>

namespace muster::scaler::prometheus {
namespace {

using test::PrometheusServer;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

/// bcrypt of "secret"
constexpr const char* hash_of_secret =
    "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

class PrometheusAccess : public PrometheusFixture {
 protected:
    PrometheusAccess() {
        expect_instances(1);
        add_exporter("load 20\n");
    }
    static MetricQuery load() { return {.name = "load", .query = "sum(load)"}; }

    std::string write_secret(const std::string& name, const std::string& text) const {
        const std::filesystem::path path = directory_.write(name, text + "\n");
        std::filesystem::permissions(path, std::filesystem::perms(0600));
        return path.string();
    }

    test::TempDir directory_;
};

TEST_F(PrometheusAccess, PassesOverADeadEndpointAndStaysWithTheOneThatAnswers) {
    const PrometheusServer server(PrometheusServer::Settings{.targets = targets()});
    const std::string dead = fmt::format("http://127.0.0.1:{}", test::free_port());
    PrometheusClient client(clock_, {.endpoints = {dead, server.url() + "/"}});
    collect_now(client, load());
    EXPECT_EQ(record_.endpoint, server.url() + "/");
    EXPECT_THAT(record_.passed_over, ElementsAre(StartsWith(dead + ": ")));
    ASSERT_TRUE(until(client, load(), is_whole)) << record_.found.detail;
    EXPECT_THAT(record_.passed_over, IsEmpty()) << "it doesn't ask the dead one again";
}

TEST_F(PrometheusAccess, GoesOnWithTheOtherServerWhenOneFreezesOrDies) {
    PrometheusServer one(PrometheusServer::Settings{.targets = targets()});
    PrometheusServer other(PrometheusServer::Settings{.targets = targets()});
    PrometheusClient client(clock_, {.endpoints = {one.url(), other.url()}, .timeout = 500ms});
    PrometheusClient ready(clock_, {.endpoints = {other.url()}});
    ASSERT_TRUE(until(client, load(), is_whole)) << record_.found.detail;
    ASSERT_TRUE(until(ready, load(), is_whole)) << record_.found.detail;
    one.pause();
    const test::Stopwatch watch;
    EXPECT_TRUE(is_whole(collect_now(client, load()))) << record_.found.detail;
    EXPECT_LT(watch.elapsed(), 3s * test::slowdown());
    EXPECT_EQ(record_.endpoint, other.url());
    ASSERT_THAT(record_.passed_over, SizeIs(1));
    EXPECT_THAT(record_.passed_over[0], HasSubstr("no complete reply in time"));
    one.resume();
    other.kill();
    EXPECT_TRUE(until(client, load(), is_whole)) << record_.found.detail;
    EXPECT_EQ(record_.endpoint, one.url());
}

TEST_F(PrometheusAccess, EndsInTimeWhenAllAreFrozen) {
    PrometheusServer server(PrometheusServer::Settings{.targets = targets()});
    const std::string again =
        "http://localhost:" + server.url().substr(server.url().rfind(':') + 1);
    PrometheusClient client(clock_, {.endpoints = {server.url(), again}, .timeout = 60s});
    ASSERT_TRUE(until(client, load(), is_whole)) << record_.found.detail;
    server.pause();
    const test::Stopwatch watch;
    std::vector<MetricQuery> metrics(9, load());
    for (std::size_t i = 0; i < metrics.size(); ++i) metrics[i].name = fmt::format("m{}", i);
    const Collected all = run(collect(client, metrics, roster_, clock_.wall(), within(1s)));
    EXPECT_GE(watch.elapsed(), 900ms);
    EXPECT_LT(watch.elapsed(), 3s * test::slowdown()) << "of 9 metrics and 2 endpoints";
    ASSERT_THAT(all.samples, SizeIs(9));
    for (const auto& [name, sample] : all.samples) {
        EXPECT_EQ(sample.quality, Quality::bad) << name;
        EXPECT_EQ(sample.flaw, Flaw::late) << name;
    }
    server.resume();
    EXPECT_TRUE(until(client, load(), is_whole)) << record_.found.detail;
}

TEST_F(PrometheusAccess, GivesUpAtOnceWithoutTimeOrEndpoints) {
    PrometheusClient client(clock_, {.endpoints = {"http://127.0.0.1:1"}});
    EXPECT_EQ(collect_now(client, load(), 0s).sample.flaw, Flaw::late);
    PrometheusClient nowhere(clock_, {.endpoints = {}});
    EXPECT_EQ(collect_now(nowhere, load()).sample.flaw, Flaw::no_reply);
    PrometheusClient wrong(clock_, {.endpoints = {"prometheus:9090"}});
    EXPECT_EQ(collect_now(wrong, load()).sample.flaw, Flaw::no_reply);
    EXPECT_THAT(record_.found.detail, HasSubstr("not an http:// or https:// URL"));
}

TEST_F(PrometheusAccess, RefusesRepliesOverItsLimit) {
    const PrometheusServer server(PrometheusServer::Settings{.targets = targets()});
    PrometheusClient client(clock_, {.endpoints = {server.url()}, .max_reply_bytes = 40});
    EXPECT_EQ(collect_now(client, load()).sample.flaw, Flaw::too_large);
}

TEST_F(PrometheusAccess, ShowsUserAndPasswordOverTls) {
    const test::Authority authority;
    const test::Authority stranger;
    const test::Authority::Pem pem = authority.issue({});
    const PrometheusServer server(PrometheusServer::Settings{
        .targets = targets(),
        .certificate = directory_.write("server.pem", pem.certificate).string(),
        .key = directory_.write("server.key", pem.key).string(),
        .user = "muster",
        .password_hash = hash_of_secret});
    ASSERT_THAT(server.url(), StartsWith("https://"));
    const std::string ca = directory_.write("ca.pem", authority.bundle()).string();
    const std::string password = write_secret("password", "wrong");
    const PrometheusSettings settings{.endpoints = {server.url()},
                                      .user = "muster",
                                      .password_file = password,
                                      .tls = {.ca = ca}};
    PrometheusClient client(clock_, settings);
    EXPECT_EQ(collect_now(client, load()).sample.flaw, Flaw::unauthorized);
    EXPECT_THAT(record_.found.detail, HasSubstr("status 401"));
    // The new password is in the file: no restart.
    write_secret("password", "secret");
    ASSERT_TRUE(until(client, load(), is_whole)) << record_.found.detail;

    std::filesystem::permissions(password, std::filesystem::perms(0644));
    EXPECT_EQ(collect_now(client, load()).sample.flaw, Flaw::unauthorized);
    EXPECT_THAT(record_.found.detail, HasSubstr("chmod 600"));

    PrometheusSettings nobody = settings;
    nobody.user.clear();
    PrometheusClient unknown(clock_, nobody);
    EXPECT_EQ(collect_now(unknown, load()).sample.flaw, Flaw::unauthorized);

    PrometheusSettings distrustful = settings;
    write_secret("password", "secret");
    distrustful.tls.ca = directory_.write("other.pem", stranger.bundle()).string();
    PrometheusClient careful(clock_, distrustful);
    EXPECT_EQ(collect_now(careful, load()).sample.flaw, Flaw::no_reply);
    EXPECT_THAT(record_.found.detail, HasSubstr("is of no authority in"));
}

/// Answers every connection with the same bytes and closes it.
asio::awaitable<void> answer_all(asio::ip::tcp::acceptor& acceptor, std::string bytes) {
    constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
    for (;;) {
        auto [error, socket] = co_await acceptor.async_accept(use_result);
        if (error) co_return;
        std::array<char, 4096> request{};
        co_await socket.async_read_some(asio::buffer(request), use_result);
        co_await asio::async_write(socket, asio::buffer(bytes), use_result);
    }
}

TEST_F(PrometheusAccess, NamesWhatEndsTooEarlyOrIsNoHttp) {
    struct Row {
        const char* bytes;
        Flaw flaw;
    };
    constexpr const char* half =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
        "{\"status\":\"success\",";
    for (const Row& row : {Row{half, Flaw::truncated},
                           Row{"", Flaw::no_reply},
                           Row{"HTTP/1.1 200", Flaw::no_reply},
                           Row{"SSH-2.0-OpenSSH_9.2\r\n", Flaw::wrong_shape}}) {
        asio::ip::tcp::acceptor acceptor(
            context_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        asio::co_spawn(context_, answer_all(acceptor, row.bytes), test::rethrow);
        PrometheusClient client(
            clock_,
            {.endpoints = {fmt::format("http://127.0.0.1:{}", acceptor.local_endpoint().port())}});
        const MetricSample found = collect_now(client, load());
        EXPECT_EQ(found.sample.flaw, row.flaw) << row.bytes << ": " << found.detail;
        acceptor.close();
        context_.restart();
        context_.poll();
    }
}

/// What is asked, by name.
std::string form_value(const http::Request& request, const std::string& name) {
    const auto target = http::parse_target("/?" + request.body);
    if (!target) return {};
    for (const auto& [key, value] : target->query)
        if (key == name) return value;
    return {};
}

TEST_F(PrometheusAccess, ShowsABearerTokenThatMayBeReplaced) {
    std::string valid = "first";
    std::vector<std::string> asked;
    const Exporter& guard = add_server([&](const http::Request& request) -> http::Reply {
        if (request.field("authorization").value_or("") != "Bearer " + valid)
            return http::Response::text(401, "who are you?");
        asked.push_back(form_value(request, "query"));
        const bool is_value = asked.back() == "sum(load)";
        const std::string time = form_value(request, "time");
        return http::Response::json(
            200,
            fmt::format(R"({{"status":"success","data":{{"resultType":"vector","result":[)"
                        R"({{"metric":{{{}}},"value":[{},"{}"]}}]}}}})",
                        is_value ? "" : R"("instance_id":"web-1-1","muster_selector":"0")",
                        time,
                        is_value ? "20" : time));
    });
    PrometheusClient client(clock_,
                            {.endpoints = {"http://" + guard.address() + "/prometheus/"},
                             .token_file = write_secret("token", "first")});
    EXPECT_TRUE(is_whole(collect_now(client, load()))) << record_.found.detail;
    ASSERT_THAT(asked, SizeIs(2));
    EXPECT_THAT(asked, Contains("sum(load)"));
    valid = "second";
    EXPECT_EQ(collect_now(client, load()).sample.flaw, Flaw::unauthorized);
    EXPECT_THAT(record_.found.detail, HasSubstr("who are you?"));
    write_secret("token", "second");
    EXPECT_TRUE(is_whole(collect_now(client, load()))) << record_.found.detail;
    std::filesystem::remove(directory_ / "token");
    EXPECT_EQ(collect_now(client, load()).sample.flaw, Flaw::unauthorized);
    EXPECT_THAT(record_.found.detail, HasSubstr("token"));
}

TEST_F(PrometheusAccess, AsksTheNextOneWhereAProxyAnswersWithAPage) {
    const PrometheusServer server(PrometheusServer::Settings{.targets = targets()});
    const Exporter& proxy = add_server([](const http::Request&) -> http::Reply {
        return http::Response{.status = 200,
                              .fields = {{"Content-Type", "text/html"}},
                              .body = "<html>please log in</html>"};
    });
    PrometheusClient client(clock_, {.endpoints = {"http://" + proxy.address(), server.url()}});
    ASSERT_TRUE(until(client, load(), is_whole)) << record_.found.detail;
    PrometheusClient lost(clock_, {.endpoints = {"http://" + proxy.address()}});
    EXPECT_EQ(collect_now(lost, load()).sample.flaw, Flaw::not_json);
}

}  // namespace
}  // namespace muster::scaler::prometheus
