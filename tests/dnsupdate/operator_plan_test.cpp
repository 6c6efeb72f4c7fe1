#include "dnsupdate/operator_plan.hpp"

#include "dnsupdate/last_good.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const DnsName api("api.muster.test");
const DnsName old("old.muster.test");
constexpr SteadyTime now{};

Member at(int number) {
    return {.address = "10.0.0." + std::to_string(number)};
}
RecordSet records(int first, int last) {
    RecordSet set;
    for (int n = first; n <= last; ++n) set.members[MemberId("lb-" + std::to_string(n))] = at(n);
    return set;
}
ObservedSet observed(int first, int last) {
    ObservedSet set{.anchor = Anchor{.token = {.epoch = 7}, .generation = 4, .transaction = "t"},
                    .version = "17"};
    for (const auto& [id, member] : records(first, last).members)
        set.members[id] = {.member = member, .ttl = 30s};
    return set;
}
Stray foreign(const std::string& key, const DnsName& name, std::vector<DnsName> touches) {
    return {.key = key,
            .version = "5",
            .what = "has no mark of ours",
            .at = name,
            .touches = std::move(touches)};
}

/// lb-1 to lb-10 are published, of which lb-10 alone is still wanted; nobody wants `old`.
const Desired wanted{.complete = true, .sets = {{api, {.records = records(10, 10)}}}};
const Observed there{.sets = {{api, observed(1, 10)}, {old, observed(1, 1)}}};

OperatorPlan plan_of(const PlanRequest& request,
                     const Desired& desired = wanted,
                     const Observed& read = there) {
    const Plan made = only_asked_for(plan(desired, read, {}, policy_of(request, {}), now), request);
    return {.cluster = "c-1",
            .store = "etcd",
            .token = {.epoch = 7},
            .revision = 100,
            .term = 2,
            .request = request,
            .writes = planned(made.writes),
            .lines = made.lines};
}

TEST(OperatorPlan, RemovesAllAtOnceButEmptiesNoName) {
    const OperatorPlan made = plan_of({});
    ASSERT_EQ(made.writes.size(), 1U);
    EXPECT_EQ(made.writes.at(api).removals.size(), 9U);
    EXPECT_FALSE(made.writes.at(api).empties);
    EXPECT_EQ(made.lines.back().why, "no fleet names it; --empty old.muster.test removes it");
}

TEST(OperatorPlan, EmptiesTheNameThatIsNamed) {
    OperatorPlan made = plan_of({.empty = {old}});
    EXPECT_TRUE(made.writes.at(old).empties);
    EXPECT_THAT(made.writes.at(old).removals, ElementsAre(MemberId("lb-1")));
    const Desired nobody{.complete = false, .sets = {{api, {}}}};
    made = plan_of({.names = {api}, .empty = {api}}, nobody);
    EXPECT_EQ(made.writes.size(), 1U) << "a name alone is planned for";
    EXPECT_TRUE(made.writes.at(api).empties) << "nothing healthy, and a person says so";
    EXPECT_TRUE(plan_of({}, nobody).writes.empty());
}

TEST(OperatorPlan, SaysWhatMusterItselfWaitsFor) {
    OperatorPlan made = plan_of({});
    tell_what_waits(made.lines, plan(wanted, there, {}, {}, now).lines);
    EXPECT_EQ(made.lines[0].why, "is not known any more") << "the first goes by itself";
    EXPECT_EQ(made.lines[1].why,
              "is not known any more (muster itself: to be removed, but enough is removed in this "
              "round)");
}

TEST(OperatorPlan, AdoptsInOneWriteWhatOthersHave) {
    Observed read;
    read.strays = {foreign("/skydns/test/muster/api", api, {api}),
                   foreign("/skydns/test/muster/api/x1",
                           DnsName("x1.api.muster.test"),
                           {DnsName("x1.api.muster.test"), api}),
                   foreign("/skydns/test/muster/api/x/y",
                           DnsName("y.x.api.muster.test"),
                           {DnsName("y.x.api.muster.test"), DnsName("x.api.muster.test"), api}),
                   foreign("/skydns/test/muster/www", DnsName("www.muster.test"), {})};
    EXPECT_TRUE(plan_of({}, wanted, read).writes.empty());
    const OperatorPlan made = plan_of({.adopt = {api}}, wanted, read);
    ASSERT_EQ(made.writes.size(), 1U);
    const PlannedWrite& write = made.writes.at(api);
    EXPECT_EQ(write.version, "5") << "the stray's own: the anchor takes its place";
    EXPECT_THAT(write.puts, ElementsAre(testing::Pair(MemberId("lb-10"), at(10))));
    EXPECT_THAT(write.moved_aside,
                ElementsAre(std::pair<std::string, std::string>("/skydns/test/muster/api", "5"),
                            std::pair<std::string, std::string>("/skydns/test/muster/api/x1", "5")))
        << "what is deeper is another name's";
}

TEST(OperatorPlan, RefusesWhatWouldEmptyOrComeBackAtOnce) {
    const Desired nobody{.complete = true, .sets = {{api, {}}}};
    EXPECT_THAT(what_is_impossible({.adopt = {api}}, nobody, {}), HasSubstr("would empty it"));
    EXPECT_THAT(what_is_impossible({.adopt = {old}}, nobody, {}), HasSubstr("no fleet publishes"));
    EXPECT_THAT(what_is_impossible({.empty = {api}}, wanted, there), HasSubstr("back at once"));
    EXPECT_THAT(what_is_impossible({.names = {DnsName("x.test")}}, wanted, there),
                HasSubstr("x.test is neither"));
    EXPECT_EQ(what_is_impossible({.names = {api, old}, .empty = {old}}, wanted, there), "");
}

TEST(OperatorPlan, SaysWhichGuardHasMoved) {
    const OperatorPlan file = plan_of({});
    EXPECT_THAT(moved_guards(file, plan_of({})), IsEmpty());
    OperatorPlan other = file;
    other.cluster = "c-2";
    EXPECT_THAT(moved_guards(file, other), ElementsAre(HasSubstr("of the cluster c-1")));
    other = file;
    other.token.epoch = 8;
    other.revision = 99;
    EXPECT_THAT(moved_guards(file, other),
                ElementsAre(HasSubstr("the fence is 1-8 now, and was 1-7"), HasSubstr("restored")));
    other = file;
    other.writes.at(api).version = "18";
    other.writes.at(api).generation = 6;
    EXPECT_THAT(moved_guards(file, other),
                ElementsAre(AllOf(HasSubstr("api.muster.test"),
                                  HasSubstr("of generation 5, and "
                                            "were of 4"))));
    other = file;
    other.writes.at(api).removals.erase(MemberId("lb-3"));
    EXPECT_THAT(moved_guards(file, other), ElementsAre(HasSubstr("lb-3 would not be removed")));
    other = file;
    other.writes.at(api).puts[MemberId("lb-77")] = at(77);
    EXPECT_THAT(moved_guards(file, other), ElementsAre(HasSubstr("lb-77 10.0.0.77 would be")));
    other.writes.clear();
    EXPECT_THAT(moved_guards(file, other), ElementsAre(HasSubstr("nothing is to be written")));
    EXPECT_THAT(moved_guards(other, file), ElementsAre(HasSubstr("is not in the plan")));
}

TEST(OperatorPlan, AnEditedFileIsAnotherPlan) {
    auto edited = decode_plans(encode({plan_of({})}));
    ASSERT_TRUE(edited) << edited.error().context;
    edited->front().writes.at(api).puts[MemberId("lb-6")] = {.address = "203.0.113.66"};
    EXPECT_THAT(moved_guards(edited->front(), plan_of({})), testing::SizeIs(1));
}

TEST(PlanFile, ComesBackAsItWent) {
    OperatorPlan first = plan_of({.names = {api, old}, .empty = {old}});
    first.writes.at(api).puts[MemberId("lb-10")] = {
        .address = "2001:db8::1", .port = 443, .priority = 20, .weight = 60};
    first.writes.at(api).puts[MemberId("canary")] = {.text = "muster/c-1"};
    first.writes.at(api).moved_aside.emplace("/skydns/x", "12");
    OperatorPlan second = plan_of({});
    second.store = "rfc2136";
    const auto read = decode_plans(encode({first, second}));
    ASSERT_TRUE(read) << read.error().context;
    first.lines.clear();
    second.lines.clear();
    EXPECT_THAT(*read, ElementsAre(first, second));
}

TEST(PlanFile, RefusesWhatIsNoPlanAndSaysWhere) {
    const std::string good = encode({plan_of({})});
    struct Case {
        std::string from, to, says;
    };
    for (const Case& one : {Case{"muster-dns-plan", "other", "format"},
                            Case{R"("version":1,"cl)", R"("version":2,"cl)", "version"},
                            Case{R"("store":"etcd")", R"("store":7)", "plans/0/store"},
                            Case{R"("store":"etcd",)", "", "plans/0/store: is missing"},
                            Case{R"("era":1)", R"("era":-1)", "plans/0/era"},
                            Case{R"("era":1)", R"("era":1.5)", "plans/0/era"},
                            Case{R"("era":1)", R"("era":1,"more":1)", "plans/0: has members"},
                            Case{R"("generation":5)", R"("generation":"5")", "writes/0/generation"},
                            Case{R"("removals":[)", R"("removals":[7,)", "writes/0/removals"},
                            Case{R"("puts":{})", R"("puts":{"a":{}})", "writes/0/puts/a/address"},
                            Case{R"("empties":false)", R"("empties":0)", "writes/0/empties"},
                            Case{R"("plans":[)", R"("plans":7,"x":[)", "plans"}}) {
        std::string text = good;
        const std::size_t place = text.find(one.from);
        ASSERT_NE(place, std::string::npos) << one.from << " in " << good;
        text.replace(place, one.from.size(), one.to);
        const auto read = decode_plans(text);
        ASSERT_FALSE(read) << one.to;
        EXPECT_THAT(read.error().context, HasSubstr(one.says));
    }
    EXPECT_FALSE(decode_plans(""));
    EXPECT_FALSE(decode_plans("[]"));
    EXPECT_FALSE(decode_plans(encode({})));
    EXPECT_FALSE(decode_plans(encode({plan_of({}), plan_of({})}))) << "a store twice";
    EXPECT_FALSE(decode_plans(std::string(max_plan_bytes + 1, ' ')));
    EXPECT_FALSE(decode_plans(std::string(100'000, '[')));
}

TEST(PlanFile, ReadsAnyBytes) {
    const std::string good = encode({plan_of({})});
    std::mt19937 random(7);
    int refused = 0;
    for (int round = 0; round < 3'000; ++round) {
        std::string text = good;
        for (int change = 0; change < 3; ++change)
            text[random() % text.size()] = static_cast<char>(random() % 256);
        refused += decode_plans(text) ? 0 : 1;
    }
    EXPECT_GT(refused, 1'000);
}

TEST(LastGood, IsWhatWasProvenAndIsPublished) {
    Desired desired{.complete = true, .sets = {{api, {.records = records(1, 3)}}}};
    desired.sets[api].unproven = {MemberId("lb-3")};
    const Observed read{.sets = {{api, observed(2, 4)}}};
    EXPECT_EQ(last_good({{old, records(1, 1)}}, desired, read),
              (std::map<DnsName, RecordSet>{{api, records(2, 2)}}));
    // Nothing proven: what was good before is kept.
    desired.sets[api].records = {};
    desired.complete = false;
    EXPECT_EQ(last_good({{api, records(5, 6)}, {old, records(1, 1)}}, desired, read),
              (std::map<DnsName, RecordSet>{{api, records(5, 6)}, {old, records(1, 1)}}));
}

TEST(LastGood, KeepsEachNameInTheRoomThatThereIs) {
    std::map<DnsName, RecordSet> before;
    for (int n = 0; n < 500; ++n)
        before.emplace(DnsName("n" + std::to_string(n) + ".test"), records(1, 20));
    const auto kept = last_good(before, {}, {});
    EXPECT_EQ(kept.size(), 500U);
    for (const auto& [name, set] : kept) EXPECT_EQ(set.members.size(), 1U) << name.str();
    EXPECT_LT(last_good(before, {}, {}, 1'000).size(), 20U);
    EXPECT_EQ(last_good_share(1), max_last_good_bytes);
    EXPECT_LE(64 * last_good_share(64), 128UZ << 10U) << "all stores share a znode";
}

TEST(LastGood, BringsBackANameThatHasNothingElse) {
    Desired desired{.complete = true, .sets = {{api, {}}}};
    const PlanPolicy policy{.last_good = {{api, records(1, 2)}}};
    const Plan made = plan(desired, {}, {}, policy, now);
    ASSERT_EQ(made.writes.size(), 1U);
    EXPECT_EQ(made.writes[0].after.members, records(1, 2).members);
    EXPECT_EQ(made.writes[0].version, "");
    EXPECT_THAT(made.lines[0].why, HasSubstr("it served when any did"));
    EXPECT_TRUE(plan(desired, {.sets = {{api, observed(7, 7)}}}, {}, policy, now).writes.empty())
        << "what is there stays";
    desired.sets[api].records = records(3, 3);
    EXPECT_EQ(plan(desired, {}, {}, policy, now).writes[0].after.members, records(3, 3).members)
        << "what is healthy comes alone";
    desired.sets[api].unproven = {MemberId("lb-3")};
    EXPECT_EQ(plan(desired, {}, {}, policy, now).writes[0].after.members, records(1, 2).members)
        << "what is unproven does not come before what was good";
}

}  // namespace
}  // namespace muster::dnsupdate
