// Against a real BIND and a real Knot.
#include "dnsupdate/dns_canary.hpp"
#include "dnsupdate/operator_plan.hpp"
#include "tests/dnsupdate/rfc2136_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const DnsName api("api.muster.test");
const DnsName www("www.muster.test");
const DnsName shop("shop.muster.test");

class Rfc2136ProviderTest : public Rfc2136Fixture {};

TEST_P(Rfc2136ProviderTest, PublishesAndThenWritesNothing) {
    const auto one = master(1);
    const RecordSet mixed{
        .ttl = 60s,
        .members = {{MemberId("lb-1"), {.address = "10.0.0.1", .port = 80}},
                    {MemberId("lb-2"), {.address = "10.0.0.2", .port = 8080, .priority = 20}},
                    {MemberId("lb-3"), {.address = "fd00::3", .priority = 7, .weight = 3}}}};
    converge(*one, {{api, {.records = mixed}}});
    expect_answers(api, mixed);
    expect_answers(DnsName("lb-2.api.muster.test"),
                   {.ttl = 60s, .members = {{MemberId("x"), {.address = "10.0.0.2"}}}});
    const std::string before = serial();
    converge(*one, {{api, {.records = mixed}}});
    EXPECT_EQ(serial(), before);
}

TEST_P(Rfc2136ProviderTest, HasTheFenceForItsCanary) {
    const auto one = master(1);
    const auto canary = one->provider.own_canary(one->fence);
    ASSERT_TRUE(canary);
    EXPECT_EQ(difference(canary->first,
                         canary_set(canary->second).records,
                         RecordType::txt,
                         asked(canary->first, RecordType::txt)),
              "");
}

TEST_P(Rfc2136ProviderTest, ChangesASetInOneStep) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 2)}}});
    const std::string before = serial();
    converge(*one, {{api, {.records = records(2, 3)}}});
    EXPECT_EQ(std::stoi(serial()), std::stoi(before) + 1);
    EXPECT_EQ(read(*one).sets.at(api).anchor->generation, 2);
    expect_answers(api, records(2, 3));
    EXPECT_EQ(asked(DnsName("lb-1.api.muster.test"), RecordType::a).code, "NXDOMAIN");
    RecordSet slower = records(2, 3);
    slower.ttl = 90s;
    converge(*one, {{api, {.records = slower}}});
    for (const DnsRecord& record : asked(api, RecordType::srv).records) EXPECT_EQ(record.ttl, 90U);
}

TEST_P(Rfc2136ProviderTest, NeverTouchesRecordsOfOthers) {
    const auto others = [this] {
        std::vector<ZoneRecord> records = zone();
        std::erase_if(records, [](const ZoneRecord& one) {
            return one.type == "SOA" || one.owner.find("_muster") != std::string::npos ||
                   one.owner.find("lb-") != std::string::npos ||
                   (one.owner == api.str() && one.type != "TXT");
        });
        std::ranges::sort(records);
        return records;
    };
    const std::vector<ZoneRecord> before = others();
    ASSERT_EQ(before.size(), 6U) << "NS, ns, www twice, x.api, api's TXT";
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 3)}}, {www, {.records = records(1, 3)}}});
    converge(*one, {{api, {.records = records(3, 4)}}, {www, {.records = records(1, 3)}}});
    EXPECT_EQ(others(), before);
    const Observed there = read(*one);
    EXPECT_FALSE(there.sets.contains(www)) << "it is someone else's";
    EXPECT_THAT(there.strays, testing::Contains(testing::Field(&Stray::key, "www.muster.test A")));
    Plan gone = plan(
        {.complete = true}, there, {.orphan_since = {{api, SteadyTime{}}}}, {}, SteadyTime{} + 1h);
    while (!gone.writes.empty()) {
        for (const WriteResult& result : run(one->provider.write(std::move(gone.writes))))
            EXPECT_EQ(result.outcome, Outcome::done) << result.detail;
        gone = plan({.complete = true},
                    read(*one),
                    {.orphan_since = {{api, SteadyTime{}}}},
                    {},
                    SteadyTime{} + 1h);
    }
    EXPECT_EQ(others(), before);
    EXPECT_EQ(zone().size(), before.size() + 2) << "SOA and fence are left";
}

TEST_P(Rfc2136ProviderTest, LosesAgainstWhoTookTheNameMeanwhile) {
    const auto one = master(1);
    Plan made = plan_of(*one, {{shop, {.records = records(1, 2)}}});
    const Replacement theirs{
        .owner = shop.str(),
        .type = "A",
        .records = {{.owner = shop.str(), .type = "A", .ttl = 30, .data = {"192.0.2.7"}}}};
    change(theirs);
    const std::string before = serial();
    auto results = run(one->provider.write(std::move(made.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::conflict) << results[0].detail;
    change({.owner = shop.str(), .type = "A"});
    made = plan_of(*one, {{shop, {.records = records(1, 2)}}});
    Replacement host = theirs;
    host.owner = host.records[0].owner = "lb-2.shop.muster.test";
    change(host);
    results = run(one->provider.write(std::move(made.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::conflict) << results[0].detail;
    EXPECT_EQ(asked(shop, RecordType::a).records.size(), 0U) << "all of it or nothing";
    EXPECT_EQ(std::stoi(serial()), std::stoi(before) + 2) << "the two changes of theirs";
}

TEST_P(Rfc2136ProviderTest, SaysWhichSetSomebodyElseChanged) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 1)}}, {shop, {.records = records(1, 1)}}});
    Plan made =
        plan_of(*one, {{api, {.records = records(1, 2)}}, {shop, {.records = records(1, 2)}}});
    ZoneRecord mark{.owner = "_muster.api.muster.test", .type = "TXT", .data = {"owner=x"}};
    change({.owner = mark.owner, .type = "TXT", .records = {mark}});
    const auto results = run(one->provider.write(std::move(made.writes)));
    ASSERT_EQ(results.size(), 2U);
    for (const WriteResult& result : results)
        EXPECT_EQ(result.outcome, result.name == api ? Outcome::conflict : Outcome::done);
    const Plan next = plan_of(*one, {{api, {.records = records(1, 2)}}});
    EXPECT_TRUE(next.writes.empty()) << "a name with another owner's mark";
}

TEST_P(Rfc2136ProviderTest, RepairsWhatSomebodyElseChangedInASet) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 2)}}});
    change({.owner = api.str(),
            .type = "A",
            .records = {{.owner = api.str(), .type = "A", .ttl = 30, .data = {"10.0.0.2"}},
                        {.owner = api.str(), .type = "A", .ttl = 30, .data = {"10.9.9.9"}}}});
    change({.owner = api.str(), .type = "SRV"});
    change({.owner = "lb-1.api.muster.test", .type = "A"});
    converge(*one, {{api, {.records = records(1, 2)}}});
    expect_answers(api, records(1, 2));
    EXPECT_EQ(asked(DnsName("lb-1.api.muster.test"), RecordType::a).records.size(), 1U);
}

TEST_P(Rfc2136ProviderTest, IsFencedOffByALaterMaster) {
    const auto old = master(1);
    converge(*old, {{api, {.records = records(1, 2)}}});
    Plan late = plan_of(*old, {{api, {.records = records(1, 5)}}});
    const auto heir = master(2);
    const std::string before = serial();
    const auto results = run(old->provider.write(std::move(late.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::fenced) << results[0].detail;
    EXPECT_EQ(serial(), before);
    EXPECT_EQ(run(old->provider.claim(old->fence, true)).value(), Claim::deposed);
    EXPECT_EQ(run(heir->provider.claim(heir->fence, true)).value(), Claim::adopt);
    converge(*heir, {{api, {.records = records(1, 3)}}});
}

TEST_P(Rfc2136ProviderTest, KnowsAZoneThatLostItsFenceAndOneThatCantBeRead) {
    const auto one = master(1);
    const std::string fence = fence_name(zone_name);
    change({.owner = fence, .type = "TXT"});
    Plan made = plan_of(*one, {{api, {.records = records(1, 1)}}});
    const auto results = run(one->provider.write(std::move(made.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::fenced) << "it is gone";
    EXPECT_EQ(run(one->provider.claim(one->fence, true)).value(), Claim::lost);
    change({.owner = fence,
            .type = "TXT",
            .records = {{.owner = fence, .type = "TXT", .data = {encode(one->fence), "x"}}}});
    EXPECT_EQ(run(one->provider.claim(one->fence, true)).value(), Claim::unreadable);
}

TEST_P(Rfc2136ProviderTest, ReplacesOnlyTheFenceThatWasSeen) {
    const auto one = master(1);
    const std::string fence = fence_name(zone_name);
    const std::string before = run(one->provider.fence())->version;
    change({.owner = fence,
            .type = "TXT",
            .records = {{.owner = fence, .type = "TXT", .data = {"garbage", "x"}},
                        {.owner = fence, .type = "TXT", .data = {"and more"}}}});
    const StoredFence seen = run(one->provider.fence()).value();
    EXPECT_NE(seen.version, before);
    EXPECT_FALSE(run(one->provider.replace_fence(one->fence, before)).value());
    EXPECT_TRUE(run(one->provider.replace_fence(one->fence, seen.version)).value());
    EXPECT_EQ(run(one->provider.claim(one->fence, true)).value(), Claim::adopt);
    change({.owner = fence, .type = "TXT"});
    EXPECT_EQ(run(one->provider.fence()).value(), (StoredFence{.version = "0"}));
    EXPECT_TRUE(run(one->provider.replace_fence(one->fence, "0")).value());
    converge(*one, {{api, {.records = records(1, 1)}}});
}

TEST_P(Rfc2136ProviderTest, AdoptsWhatOthersHaveInOneMessage) {
    const auto one = master(1);
    const DnsName alias("alias.muster.test");
    change({.owner = alias.str(),
            .type = "CNAME",
            .records = {
                {.owner = alias.str(), .type = "CNAME", .ttl = 5, .data = {"www.muster.test"}}}});
    const Desired desired{
        .complete = true,
        .sets = {{www, {.records = records(1, 2)}}, {alias, {.records = records(3, 3)}}}};
    const Observed before = read(*one);
    EXPECT_TRUE(plan(desired, before, {}, {}, {}).writes.empty());
    Plan made = plan(desired, before, {}, policy_of({.adopt = {www, alias}}, {}), {});
    ASSERT_EQ(made.writes.size(), 2U);
    std::vector<SetWrite> late = made.writes;
    for (const WriteResult& result : run(one->provider.write(std::move(made.writes))))
        EXPECT_EQ(result.outcome, Outcome::done) << result.name.str() << ' ' << result.detail;
    expect_answers(www, records(1, 2));
    expect_answers(alias, records(3, 3));
    EXPECT_EQ(read(*one).sets.size(), 2U);
    converge(*one, desired.sets);
    for (const WriteResult& result : run(one->provider.write(std::move(late))))
        EXPECT_EQ(result.outcome, Outcome::conflict) << "it is not theirs any more";
}

TEST_P(Rfc2136ProviderTest, WritesNothingBeforeItsClaim) {
    Master one(clock_, settings(), 1);
    Plan first = plan_of(one, {{api, {.records = records(1, 1)}}});
    const auto results = run(one.provider.write(std::move(first.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::failed);
    EXPECT_EQ(serial(), "1");
}

TEST_P(Rfc2136ProviderTest, SaysWhyAServerRefuses) {
    const auto refusal = [this](const Rfc2136Settings& settings) {
        Master one(clock_, settings, 1);
        const auto claim = run(one.provider.claim(one.fence, false));
        EXPECT_FALSE(claim);
        return claim ? Error{} : claim.error();
    };
    Rfc2136Settings wrong = settings();
    wrong.key_name = "nobody";
    EXPECT_EQ(refusal(wrong).code, make_error_code(TsigErrc::unknown_key));
    EXPECT_THAT(refusal(wrong).message(), HasSubstr("nobody"));
    wrong = settings();
    wrong.secret = "bm90IHRoZSBzZWNyZXQgb2YgdGhlIHNlcnZlcg==";
    EXPECT_EQ(refusal(wrong).code, make_error_code(TsigErrc::wrong_secret));
    wrong = settings();
    wrong.secret = "not base64";
    EXPECT_EQ(refusal(wrong).code, make_error_code(TsigErrc::bad_secret));
    wrong = settings();
    wrong.key_name = "guest";
    EXPECT_THAT(refusal(wrong).message(),
                testing::AnyOf(HasSubstr("REFUSED"), HasSubstr("BADKEY")));
    wrong = settings();
    wrong.zone = DnsName("other.test");
    EXPECT_THAT(refusal(wrong).message(),
                testing::AnyOf(HasSubstr("REFUSED"), HasSubstr("NOTAUTH"), HasSubstr("BADKEY")));
    wrong = settings();
    wrong.server.port = 1;
    EXPECT_EQ(refusal(wrong).code, make_error_code(UpdateErrc::unreachable));
    EXPECT_EQ(serial(), "1");
}

TEST_P(Rfc2136ProviderTest, LearnsWhatBecameOfAWriteWhoseReplyWasLost) {
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
    expect_answers(api, records(1, 2));
}

TEST_P(Rfc2136ProviderTest, WritesALargeSetAndRefusesOneThatIsTooLarge) {
    const auto one = master(1);
    converge(*one, {{api, {.records = records(1, 300)}}});
    expect_answers(api, records(1, 300));
    converge(*one, {{api, {.records = records(1, 301)}}});
    const std::string before = serial();
    Plan made = plan_of(*one, {{shop, {.records = records(1, 2'000)}}});
    auto results = run(one->provider.write(std::move(made.writes)));
    ASSERT_EQ(results.size(), 1U);
    EXPECT_EQ(results[0].outcome, Outcome::failed);
    EXPECT_THAT(results[0].detail, HasSubstr("64 KiB"));
    if (GetParam() == test::NameServer::Kind::bind) {
        made = plan_of(*one, {{shop, {.records = records(1, 410)}}});
        results = run(one->provider.write(std::move(made.writes)));
        ASSERT_EQ(results.size(), 1U);
        EXPECT_EQ(results[0].outcome, Outcome::failed);
        EXPECT_THAT(results[0].detail, HasSubstr("max-records-per-type"));
    }
    EXPECT_EQ(serial(), before);
}

TEST_P(Rfc2136ProviderTest, PublishesTheZonesOwnName) {
    const auto one = master(1);
    converge(*one, {{zone_name, {.records = records(1, 2)}}});
    expect_answers(zone_name, records(1, 2));
    converge(*one, {{zone_name, {.records = records(2, 3)}}});
    expect_answers(zone_name, records(2, 3));
}

INSTANTIATE_TEST_SUITE_P(Servers,
                         Rfc2136ProviderTest,
                         testing::Values(test::NameServer::Kind::bind,
                                         test::NameServer::Kind::knot),
                         [](const auto& one) { return test::to_string(one.param); });

}  // namespace
}  // namespace muster::dnsupdate
