#include "checker/resolver.hpp"

#include "tests/checker/support/name_server_stub.hpp"
#include "tests/checker/support/real_time.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;
using Status = Resolution::Status;

class ResolverTest : public testing::Test {
 protected:
    ResolverTest() { restart({}); }

    void restart(ResolverSettings settings, std::chrono::milliseconds query_timeout = 200ms) {
        settings.servers = server_.address();
        settings.query_timeout = query_timeout;
        resolver_.reset();
        resolver_ =
            std::make_unique<Resolver>(context_.get_executor(), clock_, poll_set_, settings);
    }

    Resolution resolve(const std::string& name) {
        std::optional<Resolution> answer;
        resolver_->resolve(name, [&](const Resolution& resolution) { answer = resolution; });
        EXPECT_TRUE(run_until(context_, [&] { return answer.has_value(); })) << name;
        return answer.value_or(Resolution{});
    }

    static Resolution found(const std::vector<std::string>& addresses) {
        Resolution resolution{.status = Status::found};
        for (const auto& text : addresses) {
            resolution.addresses.push_back(asio::ip::make_address(text));
        }
        return resolution;
    }

    asio::io_context context_;
    ShiftedClock clock_;
    PollSet poll_set_{context_.get_executor()};
    NameServerStub server_{context_.get_executor()};
    std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, GivesTheAddressesOfBothFamiliesIPv4First) {
    server_.set("both.test", {.addresses = {"::2", "10.0.0.1", "10.0.0.2"}});
    server_.set("six.test", {.addresses = {"fd00::7"}});
    EXPECT_EQ(resolve("both.test"), found({"10.0.0.1", "10.0.0.2", "::2"}));
    EXPECT_EQ(resolve("six.test"), found({"fd00::7"}));
}

TEST_F(ResolverTest, ReadsTheHostsFile) {
    const Resolution localhost = resolve("localhost");
    EXPECT_EQ(localhost.status, Status::found);
    ASSERT_FALSE(localhost.addresses.empty());
    EXPECT_TRUE(localhost.addresses[0].is_loopback());
    EXPECT_EQ(server_.queries("localhost"), 0);
}

TEST_F(ResolverTest, TellsANameThatDoesNotExistFromServersThatDoNotAnswer) {
    server_.set("broken.test", {.kind = NameAnswer::Kind::server_failure});
    server_.set("silent.test", {.kind = NameAnswer::Kind::silence});
    server_.set("empty.test", {.addresses = {}});
    EXPECT_EQ(resolve("nowhere.test").status, Status::no_such_name);
    EXPECT_EQ(resolve("empty.test").status, Status::no_such_name);
    EXPECT_EQ(resolve("broken.test").status, Status::unavailable);
    EXPECT_EQ(resolve("silent.test").status, Status::unavailable);
}

TEST_F(ResolverTest, DoesNotCallANameGoneWhenHalfOfTheAnswerIsMissing) {
    server_.set("half.test", {.addresses = {}, .silent_for_v6 = true});
    EXPECT_EQ(resolve("half.test").status, Status::unavailable);
}

TEST_F(ResolverTest, DoesNotWaitLongForTheSecondFamily) {
    restart({}, 40s);
    server_.set("slow.test", {.addresses = {"10.0.0.1"}, .silent_for_v6 = true});
    const SteadyTime start = clock_.now();
    EXPECT_EQ(resolve("slow.test"), found({"10.0.0.1"}));
    EXPECT_LT(clock_.now() - start, 30s);
}

TEST_F(ResolverTest, AsksOnceForAllWhoWaitAndAgainAfterTheTtl) {
    server_.set("b.test", {.addresses = {"10.0.0.1"}, .ttl = 30});
    int answers = 0;
    for (int i = 0; i < 50; ++i) {
        resolver_->resolve("b.test", [&](const Resolution& resolution) {
            EXPECT_EQ(resolution.status, Status::found);
            ++answers;
        });
    }
    ASSERT_TRUE(run_until(context_, [&] { return answers == 50; }));
    EXPECT_EQ(server_.queries("b.test"), 1);
    EXPECT_EQ(resolver_->queries(), 1U);

    server_.set("b.test", {.addresses = {"10.0.0.9"}, .ttl = 30});
    clock_.shift += 29s;
    EXPECT_EQ(resolver_->cached("b.test"), found({"10.0.0.1"}));
    clock_.shift += 1s;
    EXPECT_EQ(resolver_->cached("b.test"), std::nullopt);
    EXPECT_EQ(resolve("b.test"), found({"10.0.0.9"}));
}

TEST_F(ResolverTest, KeepsEveryAnswerWithinItsLimits) {
    server_.set("brief.test", {.addresses = {"10.0.0.1"}, .ttl = 0});
    server_.set("eternal.test", {.addresses = {"10.0.0.2"}, .ttl = 1'000'000});
    server_.set("broken.test", {.kind = NameAnswer::Kind::server_failure});
    (void)resolve("brief.test");
    (void)resolve("eternal.test");
    (void)resolve("nowhere.test");
    (void)resolve("broken.test");
    EXPECT_TRUE(resolver_->cached("broken.test"));
    clock_.shift += 2s;
    EXPECT_FALSE(resolver_->cached("broken.test")) << "asked again soon";
    EXPECT_TRUE(resolver_->cached("nowhere.test"));
    EXPECT_TRUE(resolver_->cached("brief.test"));
    clock_.shift += 4s;
    EXPECT_FALSE(resolver_->cached("nowhere.test"));
    EXPECT_FALSE(resolver_->cached("brief.test"));
    EXPECT_TRUE(resolver_->cached("eternal.test"));
    clock_.shift += 300s;
    EXPECT_FALSE(resolver_->cached("eternal.test"));
}

TEST_F(ResolverTest, GivesWhatHasExpiredOnlyWhileNoServerSaysAnything) {
    restart({}, 5s);
    Resolution old = found({"10.0.0.1"});
    server_.set("b.test", {.addresses = {"10.0.0.1"}, .ttl = 10});
    EXPECT_EQ(resolve("b.test"), old);
    server_.set("b.test", {.kind = NameAnswer::Kind::silence});
    clock_.shift += 10s;
    EXPECT_FALSE(resolver_->cached("b.test"));
    old.expired = true;
    const test::Stopwatch watch;
    EXPECT_EQ(resolve("b.test"), old);
    EXPECT_EQ(resolve("b.test"), old) << "to those who come while it is asked, too";
    EXPECT_LT(watch.elapsed(), 5s) << "before the servers are given up";
    EXPECT_EQ(resolver_->queries(), 2U);

    // That they can't say is no better than that they don't say anything.
    restart({}, 200ms);
    server_.set("b.test", {.addresses = {"10.0.0.1"}, .ttl = 10});
    (void)resolve("b.test");
    server_.set("b.test", {.kind = NameAnswer::Kind::server_failure});
    for (int i = 0; i < 3; ++i) {
        clock_.shift += 10s;
        EXPECT_EQ(resolve("b.test"), old);
        EXPECT_EQ(resolver_->cached("b.test"), old) << "not asked again at once";
    }
    server_.set("b.test", {.addresses = {"10.0.0.2"}, .ttl = 10});
    clock_.shift += 10s;
    EXPECT_EQ(resolve("b.test"), found({"10.0.0.2"}));

    server_.set("b.test", {.kind = NameAnswer::Kind::server_failure});
    clock_.shift += 24h + 10s;
    EXPECT_EQ(resolve("b.test").status, Status::unavailable) << "that old";
    server_.set("b.test", {.addresses = {"10.0.0.3"}, .ttl = 10});
    clock_.shift += 10s;
    (void)resolve("b.test");
    server_.set("b.test", {.kind = NameAnswer::Kind::no_such_name});
    clock_.shift += 10s;
    EXPECT_EQ(resolve("b.test").status, Status::no_such_name);
    server_.set("b.test", {.kind = NameAnswer::Kind::server_failure});
    clock_.shift += 10s;
    EXPECT_EQ(resolve("b.test").status, Status::unavailable) << "it was said that it is gone";
}

TEST_F(ResolverTest, BoundsNamesQueriesAndAddresses) {
    restart({.max_names = 10, .max_queries = 3, .max_addresses = 2});
    server_.set("many.test", {.addresses = {"10.0.0.1", "10.0.0.2", "10.0.0.3"}});
    EXPECT_EQ(resolve("many.test").addresses.size(), 2U);
    int given_up = 0;
    for (int i = 0; i < 3; ++i) {
        const std::string name = "silent" + std::to_string(i) + ".test";
        server_.set(name, {.kind = NameAnswer::Kind::silence});
        resolver_->resolve(name, [&](const Resolution&) { ++given_up; });
    }
    std::optional<Resolution> fourth;
    resolver_->resolve("fourth.test", [&](const Resolution& answer) { fourth = answer; });
    EXPECT_EQ(fourth, Resolution{.status = Status::unavailable}) << "refused at once";
    ASSERT_TRUE(run_until(context_, [&] { return given_up == 3; }));
    for (int i = 0; i < 40; ++i) {
        (void)resolve("name" + std::to_string(i) + ".test");
    }
    int kept = 0;
    for (int i = 0; i < 40; ++i) {
        if (resolver_->cached("name" + std::to_string(i) + ".test")) ++kept;
    }
    EXPECT_LE(kept, 10);
    EXPECT_GE(kept, 5);
}

TEST_F(ResolverTest, AnswersAllWhoWaitWhenStopped) {
    server_.set("silent.test", {.kind = NameAnswer::Kind::silence});
    int answers = 0;
    for (int i = 0; i < 3; ++i) {
        resolver_->resolve("silent.test", [&](const Resolution& resolution) {
            EXPECT_EQ(resolution.status, Status::unavailable);
            ++answers;
        });
    }
    resolver_->stop();
    EXPECT_EQ(answers, 3);
    std::optional<Resolution> late;
    resolver_->resolve("both.test", [&](const Resolution& resolution) { late = resolution; });
    EXPECT_EQ(late->status, Status::unavailable);
}

TEST_F(ResolverTest, CanBeDestroyedWithQueriesUnderWay) {
    server_.set("silent.test", {.kind = NameAnswer::Kind::silence});
    resolver_->resolve("silent.test", [](const Resolution&) { FAIL(); });
    resolver_.reset();
    context_.run_for(50ms);
}

}  // namespace
}  // namespace muster::checker
