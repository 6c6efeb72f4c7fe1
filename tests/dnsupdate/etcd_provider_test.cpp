// Against a real etcd.
#include "dnsupdate/etcd_provider.hpp"

#include "common/base/asio_clock.hpp"
#include "dnsupdate/operator_plan.hpp"
#include "tests/support/etcd_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const DnsName api("api.muster.test");
const DnsName www("www.muster.test");

/// A master's view of the store.
struct Master {
    Master(const std::string& url, std::int64_t epoch)
        : client(clock, {.endpoints = {url}, .timeout = 1s}),
          provider(client, {.owner = "muster/c-1", .zones = {DnsName("muster.test")}}, "prod"),
          fence{.token = {.era = 1, .epoch = epoch}, .nonce = "m" + std::to_string(epoch)} {}

    AsioClock clock;
    etcd::Client client;
    EtcdProvider provider;
    Fence fence;
};

class EtcdProviderTest : public testing::Test {
 protected:
    template <class T>
    T run(asio::awaitable<T> work) {
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.restart();
        context_.run();
        return result.get();
    }

    std::unique_ptr<Master> master(std::int64_t epoch) {
        auto one = std::make_unique<Master>(server_.url(), epoch);
        const auto claim = run(one->provider.claim(one->fence, epoch > 1));
        EXPECT_TRUE(claim) << claim.error().message();
        return one;
    }
    Observed read(Master& by) {
        auto read = run(by.provider.read());
        EXPECT_TRUE(read) << read.error().message();
        return read.value_or(Observed{});
    }
    Plan plan_of(Master& by, std::map<DnsName, DesiredSet> sets, SteadyTime now = SteadyTime{}) {
        return plan({.complete = true, .sets = std::move(sets)}, read(by), {}, {}, now);
    }
    /// Rounds until there is nothing to write.
    void converge(Master& by, const std::map<DnsName, DesiredSet>& sets) {
        for (int round = 0; round < 20; ++round) {
            Plan made = plan_of(by, sets);
            if (made.writes.empty()) return;
            for (const WriteResult& one : run(by.provider.write(std::move(made.writes))))
                EXPECT_EQ(one.outcome, Outcome::done) << one.name.str() << " " << one.detail;
        }
        FAIL() << "no end of it";
    }
    static RecordSet records(int first, int last) {
        RecordSet set;
        for (int number = first; number <= last; ++number)
            set.members.emplace(MemberId("lb-" + std::to_string(number)),
                                Member{.address = "10.0." + std::to_string(number / 200) + "." +
                                                  std::to_string(number % 200 + 1),
                                       .port = 80});
        return set;
    }
    [[nodiscard]] std::int64_t revision(Master& by) {
        return run(by.client.get("/x"))->header.revision;
    }

    test::EtcdServer server_;
    asio::io_context context_;
};

TEST_F(EtcdProviderTest, PublishesAndThenWritesNothing) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 2)}}});
    EXPECT_THAT(server_.ctl({"get", "/skydns/test/muster/api/lb-1", "--print-value-only"}),
                HasSubstr(R"({"host":"10.0.0.2","port":80,"priority":10,"weight":100,"ttl":30,)"
                          R"("group":"api.muster.test","owner":"muster/c-1"})"));
    const std::int64_t before = revision(*one);
    converge(*one, {{api, {.records = records(1, 2)}}});
    EXPECT_EQ(revision(*one), before);
}

TEST_F(EtcdProviderTest, WritesASetInOneTransaction) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 2)}}});
    const std::int64_t before = revision(*one);
    converge(*one, {{api, {.records = records(2, 3)}}});
    EXPECT_EQ(revision(*one), before + 1);
    EXPECT_EQ(read(*one).sets.at(api).anchor->generation, 2);
}

TEST_F(EtcdProviderTest, WritesManySetsInFewTransactions) {
    const auto one = master(1);
    std::map<DnsName, DesiredSet> sets;
    for (int number = 0; number < 100; ++number)
        sets[DnsName("n" + std::to_string(number) + ".muster.test")].records = records(1, 3);
    const std::int64_t before = revision(*one);
    converge(*one, sets);
    EXPECT_EQ(read(*one).sets.size(), 100U);
    EXPECT_LE(revision(*one), before + 5);
}

TEST_F(EtcdProviderTest, WritesASetThatIsLargerThanATransaction) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 500)}}});
    const Observed there = read(*one);
    RecordSet got;
    for (const auto& [id, member] : there.sets.at(api).members)
        got.members.emplace(id, member.member);
    EXPECT_EQ(got, records(1, 500));
}

TEST_F(EtcdProviderTest, IsFencedOffByALaterMaster) {
    const auto old = master(1);
    converge(*old, {{api, {.records = records(1, 2)}}});
    Plan late = plan_of(*old, {{api, {.records = records(1, 5)}}});
    const auto heir = master(2);
    const auto results = run(old->provider.write(std::move(late.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::fenced);
    EXPECT_EQ(read(*heir).sets.at(api).members.size(), 2U);
    EXPECT_EQ(run(old->provider.claim(old->fence, true)).value(), Claim::deposed);
    converge(*heir, {{api, {.records = records(1, 3)}}});
}

TEST_F(EtcdProviderTest, WritesNothingBeforeItsClaim) {
    Master one(server_.url(), 1);
    Plan first = plan_of(one, {{api, {.records = records(1, 1)}}});
    const auto results = run(one.provider.write(std::move(first.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::failed);
    EXPECT_TRUE(read(one).sets.empty());
}

TEST_F(EtcdProviderTest, SaysWhichSetSomebodyElseChanged) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 1)}}, {www, {.records = records(1, 1)}}});
    Plan made =
        plan_of(*one, {{api, {.records = records(1, 2)}}, {www, {.records = records(1, 2)}}});
    server_.ctl({"put", "/skydns/test/muster/api", R"({"owner":"somebody"})"});
    const auto results = run(one->provider.write(std::move(made.writes)));
    ASSERT_EQ(results.size(), 2U);
    for (const WriteResult& result : results)
        EXPECT_EQ(result.outcome, result.name == api ? Outcome::conflict : Outcome::done);
}

TEST_F(EtcdProviderTest, MovesAsideWhatBreaksANameAndKeepsIt) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 2)}}});
    server_.ctl({"put", "/skydns/test/muster/api/x", "not json"});
    server_.ctl({"put", "/skydns/test/muster/api/lb-1", "[]"});
    server_.ctl({"put", "/skydns/test/muster/api", "{"});
    server_.ctl({"put", "/skydns/test/muster/api/y", R"({"host":"192.0.2.1"})"});
    converge(*one, {{api, {.records = records(1, 2)}}});
    const Observed after = read(*one);
    EXPECT_EQ(after.sets.at(api).members.size(), 2U);
    ASSERT_EQ(after.strays.size(), 1U) << "the one that can be read stays";
    EXPECT_EQ(after.strays[0].key, "/skydns/test/muster/api/y");
    EXPECT_THAT(server_.ctl({"get", "--prefix", "/muster/prod/quarantine"}), HasSubstr("not json"));
}

TEST_F(EtcdProviderTest, LearnsWhatBecameOfAWriteWhoseReplyWasLost) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 1)}}});
    Plan made = plan_of(*one, {{api, {.records = records(1, 2)}}});
    server_.pause();
    const auto results = run(one->provider.write(made.writes));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::unknown);
    EXPECT_FALSE(run(one->provider.read())) << "before it is known";
    server_.resume();
    // By now the write has come through or never will: either way the next plan finishes it.
    converge(*one, {{api, {.records = records(1, 2)}}});
    EXPECT_EQ(read(*one).sets.at(api).members.size(), 2U);
}

TEST_F(EtcdProviderTest, RemovesANameWithItsAnchor) {
    const auto one = master(1);
    converge(*one, {{www, {.records = records(1, 1)}}});
    const Observed there = read(*one);
    Plan made = plan(
        {.complete = true}, there, {.orphan_since = {{www, SteadyTime{}}}}, {}, SteadyTime{} + 1h);
    const auto results = run(one->provider.write(std::move(made.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::done);
    EXPECT_EQ(read(*one), Observed{});
}

TEST_F(EtcdProviderTest, KnowsAStoreThatLostItsData) {
    const std::filesystem::path snapshot =
        std::filesystem::temp_directory_path() / ("muster-" + std::to_string(server_.port()));
    server_.ctl({"put", "/before", "x"});
    server_.ctl({"snapshot", "save", snapshot.string()});
    const auto old = master(1);
    converge(*old, {{api, {.records = records(1, 2)}}});
    Plan late = plan_of(*old, {{api, {.records = records(1, 3)}}});
    server_.restore(snapshot);
    std::filesystem::remove(snapshot);
    const auto results = run(old->provider.write(std::move(late.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::fenced) << "its fence is gone";
    EXPECT_TRUE(old->client.went_back());
    Master heir(server_.url(), 2);
    EXPECT_EQ(run(heir.provider.claim(heir.fence, true)).value(), Claim::lost);
    converge(heir, {{api, {.records = records(1, 2)}}});
}

TEST_F(EtcdProviderTest, AdoptsWhatOthersHaveInOneTransaction) {
    const auto one = master(1);
    const std::string own = "/skydns/test/muster/api";
    server_.ctl({"put", own, R"({"host":"192.0.2.7"})"});
    server_.ctl({"put", own + "/lb-1", R"({"host":"192.0.2.8"})"});
    server_.ctl({"put", own + "/x", R"({"host":"192.0.2.9"})"});
    server_.ctl({"put", own + "/deep/er", R"({"host":"192.0.2.10"})"});
    const Desired desired{.complete = true, .sets = {{api, {.records = records(1, 2)}}}};
    EXPECT_THAT(plan(desired, read(*one), {}, {}, {}).writes, testing::IsEmpty());
    const Plan made = plan(desired, read(*one), {}, policy_of({.adopt = {api}}, {}), {});
    const std::int64_t before = revision(*one);
    auto results = run(one->provider.write(made.writes));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::done) << results[0].detail;
    EXPECT_EQ(revision(*one), before + 1) << "one transaction";
    EXPECT_EQ(read(*one).sets.at(api).members.size(), 2U);
    EXPECT_EQ(server_.ctl({"get", own + "/x"}), "");
    EXPECT_THAT(server_.ctl({"get", "/muster/prod/quarantine" + own + "/x"}),
                HasSubstr("192.0.2.9"));
    EXPECT_THAT(server_.ctl({"get", "/muster/prod/quarantine" + own, "--print-value-only"}),
                HasSubstr("192.0.2.7"));
    EXPECT_THAT(server_.ctl({"get", own + "/deep/er"}), HasSubstr("192.0.2.10"));
    results = run(one->provider.write(made.writes));
    EXPECT_EQ(results[0].outcome, Outcome::conflict) << "it is no longer theirs";
}

TEST_F(EtcdProviderTest, AdoptsHundredsWithoutAGap) {
    const auto one = master(1);
    const std::string own = "/skydns/test/muster/api/";
    for (int n = 0; n < 70; ++n)
        server_.ctl({"put", own + "x" + std::to_string(n), R"({"host":"192.0.2.9"})"});
    const Desired desired{.complete = true, .sets = {{api, {.records = records(1, 150)}}}};
    const Plan made = plan(desired, read(*one), {}, policy_of({.adopt = {api}}, {}), {});
    const std::int64_t before = revision(*one);
    const auto results = run(one->provider.write(made.writes));
    ASSERT_EQ(results[0].outcome, Outcome::done) << results[0].detail;
    EXPECT_EQ(read(*one).sets.at(api).members.size(), 150U);
    EXPECT_THAT(read(*one).strays, testing::IsEmpty());
    for (std::int64_t at = before; at <= revision(*one); ++at)
        EXPECT_THAT(server_.ctl({"get", "--prefix", own, "--rev", std::to_string(at)}),
                    HasSubstr("host"))
            << at;
}

TEST_F(EtcdProviderTest, ReplacesOnlyTheFenceThatWasSeen) {
    const auto one = master(5);
    const StoredFence seen = run(one->provider.fence()).value();
    EXPECT_EQ(seen.text, encode(one->fence));
    server_.ctl({"put", "/muster/prod/fence", "garbage"});
    Master next(server_.url(), 6);
    EXPECT_EQ(run(next.provider.claim(next.fence, true)).value(), Claim::unreadable);
    for (const std::string& version :
         {seen.version, std::string("0"), std::string("x"), std::string("-1"), std::string()})
        EXPECT_FALSE(run(next.provider.replace_fence(next.fence, version)).value()) << version;
    const std::string now = run(next.provider.fence())->version;
    EXPECT_TRUE(run(next.provider.replace_fence(next.fence, now)).value());
    EXPECT_EQ(run(next.provider.claim(next.fence, true)).value(), Claim::adopt);
    server_.ctl({"del", "/muster/prod/fence"});
    EXPECT_EQ(run(next.provider.fence()).value(), (StoredFence{.version = "0"}));
    EXPECT_TRUE(run(next.provider.replace_fence(next.fence, "0")).value());
    EXPECT_FALSE(run(next.provider.replace_fence(next.fence, "0")).value());
    EXPECT_EQ(run(next.provider.claim(next.fence, true)).value(), Claim::adopt);
    converge(next, {{api, {.records = records(1, 1)}}});
}

TEST_F(EtcdProviderTest, GoesOnWithAnotherEndpointWhenOneIsGone) {
    AsioClock clock;
    const std::string nobody = "http://127.0.0.1:1";
    etcd::Client client(clock, {.endpoints = {nobody, server_.url()}, .timeout = 1s});
    EXPECT_TRUE(run(client.get("/x")));
    EXPECT_TRUE(run(client.commit({.ops = {etcd::Put{.key = "/x", .value = "1"}}}))->succeeded);
}

TEST_F(EtcdProviderTest, KnowsUsersByNameAndPassword) {
    server_.ctl({"user", "add", "root:secret"});
    server_.ctl({"user", "grant-role", "root", "root"});
    server_.ctl({"auth", "enable"});
    AsioClock clock;
    etcd::Client anyone(clock, {.endpoints = {server_.url()}});
    const auto refused = run(anyone.get("/x"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, make_error_code(etcd::Errc::refused));
    etcd::Client wrong(clock, {.endpoints = {server_.url()}, .user = "root", .password = "no"});
    const auto not_in = run(wrong.get("/x"));
    ASSERT_FALSE(not_in);
    EXPECT_EQ(not_in.error().code, make_error_code(etcd::Errc::unauthenticated));
    etcd::Client right(clock, {.endpoints = {server_.url()}, .user = "root", .password = "secret"});
    EXPECT_TRUE(run(right.get("/x")));
    EXPECT_TRUE(run(right.commit({.ops = {etcd::Put{.key = "/x", .value = "1"}}}))->succeeded);
}

TEST_F(EtcdProviderTest, ComparesWhatItSaysItCompares) {
    AsioClock clock;
    etcd::Client client(clock, {.endpoints = {server_.url()}});
    const auto put = [&](std::vector<etcd::Compare> compares) {
        return run(client.commit({.compares = std::move(compares),
                                  .ops = {etcd::Put{.key = "/x", .value = "1"}}}))
            ->succeeded;
    };
    EXPECT_FALSE(put({{.key = "/x", .mod_revision = 77}})) << "it isn't there";
    EXPECT_TRUE(put({{.key = "/x", .mod_revision = 0}}));
    EXPECT_FALSE(put({{.key = "/x", .mod_revision = 0}})) << "now it is";
    const std::int64_t revision = run(client.get("/x"))->entries[0].mod_revision;
    EXPECT_FALSE(put({{.key = "/x", .mod_revision = revision, .value = "2"}}));
    EXPECT_TRUE(put({{.key = "/x", .mod_revision = revision, .value = "1"}}));
}

}  // namespace
}  // namespace muster::dnsupdate
