#include "dnsupdate/dns_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Act = PlanLine::Act;

const DnsName api("api.muster.test");
const DnsName www("www.muster.test");
constexpr SteadyTime now{100s};

MemberId lb(int number) {
    return MemberId("lb-" + std::to_string(number));
}
Member at(int number) {
    return {.address = "10.0.0." + std::to_string(number), .port = 80};
}

RecordSet records(std::initializer_list<int> numbers, Ttl ttl = 30s) {
    RecordSet set{.ttl = ttl};
    for (const int number : numbers) set.members.emplace(lb(number), at(number));
    return set;
}

ObservedSet stored(const RecordSet& set, std::int64_t generation = 3) {
    ObservedSet observed{.anchor = Anchor{.generation = generation},
                         .version = std::to_string(generation)};
    for (const auto& [id, member] : set.members)
        observed.members.emplace(id, ObservedMember{.member = member, .ttl = set.ttl});
    return observed;
}

Desired want(std::map<DnsName, DesiredSet> sets) {
    return {.complete = true, .sets = std::move(sets)};
}

/// As a store would have it when everything was carried out.
Observed carried_out(Observed store, const Plan& plan) {
    for (const SetWrite& write : plan.writes) {
        if (write.after.members.empty()) {
            store.sets.erase(write.name);
        } else {
            store.sets[write.name] = stored(write.after, write.generation);
        }
        for (const Stray& gone : write.quarantined) std::erase(store.strays, gone);
    }
    return store;
}

std::vector<std::string> said(const Plan& plan) {
    std::vector<std::string> lines;
    for (const PlanLine& line : plan.lines)
        lines.push_back(std::string(to_string(line.act)) + " " + line.name.str() + ": " +
                        line.what);
    return lines;
}

TEST(DnsPlan, WritesNothingWhereNothingDiffers) {
    const Plan none = plan(want({{api, {.records = records({1, 2})}}}),
                           {.sets = {{api, stored(records({1, 2}))}}},
                           {},
                           {},
                           now);
    EXPECT_EQ(none, Plan{});
}

TEST(DnsPlan, PublishesANewName) {
    const Plan made = plan(want({{api, {.records = records({1})}}}), {}, {}, {}, now);
    EXPECT_THAT(said(made), ElementsAre("add api.muster.test: lb-1 10.0.0.1 port 80"));
    EXPECT_THAT(made.writes,
                ElementsAre(SetWrite{.name = api, .after = records({1}), .puts = {lb(1)}}));
}

TEST(DnsPlan, WritesAdditionsAndRemovalsOfASetAtOnce) {
    const Plan made = plan(want({{api, {records({1, 2}), {{lb(3), "DOWN for 4 s"}}}}}),
                           {.sets = {{api, stored(records({1, 3}))}}},
                           {},
                           {},
                           now);
    EXPECT_THAT(said(made),
                ElementsAre("add api.muster.test: lb-2 10.0.0.2 port 80",
                            "remove api.muster.test: lb-3 10.0.0.3 port 80"));
    EXPECT_EQ(made.lines[1].why, "DOWN for 4 s");
    EXPECT_THAT(made.writes,
                ElementsAre(SetWrite{.name = api,
                                     .version = "3",
                                     .generation = 4,
                                     .before = records({1, 3}),
                                     .after = records({1, 2}),
                                     .puts = {lb(2)},
                                     .removals = {lb(3)}}));
}

TEST(DnsPlan, AddsAndRemovesNothingWhileRemovalsAreHeld) {
    const Plan made = plan(want({{api, {.records = records({1, 2})}}}),
                           {.sets = {{api, stored(records({1, 3}))}, {www, stored({})}}},
                           {.orphan_since = {{www, now - 1h}}},
                           {.hold_removals = "the store has lost data"},
                           now);
    EXPECT_THAT(said(made),
                ElementsAre("add api.muster.test: lb-2 10.0.0.2 port 80",
                            "hold api.muster.test: lb-3 10.0.0.3 port 80",
                            "hold www.muster.test: its records stay"));
    EXPECT_EQ(made.lines[1].why, "to be removed, but the store has lost data");
    ASSERT_EQ(made.writes.size(), 1U);
    EXPECT_THAT(made.writes[0].removals, IsEmpty());
    EXPECT_EQ(made.removals_held, 1);
}

TEST(DnsPlan, AddsNothingThatIsUnproven) {
    const Desired desired = want({{api, {.records = records({1, 2}), .unproven = {lb(1), lb(2)}}}});
    const Observed one{.sets = {{api, stored(records({1}))}}};
    const Plan made = plan(desired, one, {}, {}, now);
    EXPECT_THAT(said(made), ElementsAre("hold api.muster.test: lb-2 10.0.0.2 port 80"));
    EXPECT_THAT(made.writes, IsEmpty()) << "what is there stays";

    // Nor is it a reason to take away what is there.
    const Plan other = plan(desired, {.sets = {{api, stored(records({3}))}}}, {}, {}, now);
    EXPECT_THAT(other.writes, IsEmpty());
    EXPECT_THAT(plan(desired, {}, {}, {}, now).writes, IsEmpty());

    const Plan lost = plan(desired, {}, {}, {.hold_removals = "lost", .restore = true}, now);
    EXPECT_THAT(said(lost),
                ElementsAre("add api.muster.test: lb-1 10.0.0.1 port 80",
                            "add api.muster.test: lb-2 10.0.0.2 port 80"));
}

TEST(DnsPlan, NeverEmptiesAName) {
    const Plan made = plan(want({{api, {.left_out = {{lb(1), "DOWN"}}}}}),
                           {.sets = {{api, stored(records({1}))}}},
                           {},
                           {},
                           now);
    EXPECT_THAT(made.writes, IsEmpty());
    EXPECT_THAT(said(made), ElementsAre("hold api.muster.test: its 1 records stay"));
}

TEST(DnsPlan, RemovesATenthInARoundAndAtLeastOne) {
    Observed store{.sets = {{api, stored(records({1, 2, 3, 4, 5}))}}};
    const Desired one = want({{api, {.records = records({5})}}});
    for (int left = 4; left >= 1; --left) {
        const Plan made = plan(one, store, {}, {}, now);
        EXPECT_EQ(made.removals, 1);
        EXPECT_EQ(made.removals_held, left - 1);
        store = carried_out(std::move(store), made);
        EXPECT_EQ(store.sets.at(api).members.size(), static_cast<std::size_t>(left));
    }
    EXPECT_THAT(plan(one, store, {}, {}, now).writes, IsEmpty());
    Observed large;
    RecordSet all;
    for (int number = 1; number <= 200; ++number) all.members.emplace(lb(number), at(number));
    large.sets.emplace(api, stored(all));
    EXPECT_EQ(plan(one, large, {}, {}, now).removals, 20);
}

TEST(DnsPlan, CountsAChangedAddressAsARemoval) {
    RecordSet moved = records({1, 2});
    moved.members.at(lb(1)).address = "10.0.1.1";
    moved.members.at(lb(2)).address = "10.0.1.2";
    const Plan made = plan(
        want({{api, {.records = moved}}}), {.sets = {{api, stored(records({1, 2}))}}}, {}, {}, now);
    EXPECT_EQ(made.removals, 1);
    EXPECT_EQ(made.removals_held, 1);
    ASSERT_EQ(made.writes.size(), 1U);
    EXPECT_THAT(made.writes[0].puts, ElementsAre(lb(1)));
    EXPECT_EQ(made.writes[0].after.members.at(lb(2)), at(2)) << "for the next round";
}

TEST(DnsPlan, WritesOneTtlForAllOfASet) {
    const Plan made = plan(want({{api, {.records = records({3}, 60s)}}}),
                           {.sets = {{api, stored(records({1, 2, 3}))}}},
                           {},
                           {},
                           now);
    ASSERT_EQ(made.writes.size(), 1U);
    EXPECT_EQ(made.writes[0].after.ttl, 60s);
    EXPECT_THAT(made.writes[0].removals, ElementsAre(lb(1)));
    EXPECT_THAT(made.writes[0].puts, ElementsAre(lb(2), lb(3))) << "what stays for a round, too";
}

TEST(DnsPlan, MendsWhatIsNotAsWeWriteIt) {
    ObservedSet leased = stored(records({1, 2}));
    leased.members.at(lb(2)).as_written = false;
    const Desired same = want({{api, {.records = records({1, 2})}}});
    const Plan made = plan(same, {.sets = {{api, leased}}}, {}, {}, now);
    EXPECT_THAT(said(made), ElementsAre("mend api.muster.test: lb-2 10.0.0.2 port 80"));
    EXPECT_THAT(made.writes[0].puts, ElementsAre(lb(2)));

    ObservedSet markless = stored(records({1, 2}));
    markless.anchor.reset();
    markless.version.clear();
    const Plan again = plan(same, {.sets = {{api, markless}}}, {}, {}, now);
    EXPECT_THAT(said(again), ElementsAre("mend api.muster.test: its mark"));
    ASSERT_EQ(again.writes.size(), 1U);
    EXPECT_EQ(again.writes[0].version, "");
    EXPECT_THAT(again.writes[0].puts, IsEmpty());
}

TEST(DnsPlan, RemovesANameThatNobodyWantsOnlyAfterAWhile) {
    Observed store{.sets = {{api, stored(records({1, 2}))}, {www, stored(records({1}))}}};
    const Desired only_api = want({{api, {.records = records({1, 2})}}});
    Plan made = plan(only_api, store, {}, {}, now);
    EXPECT_THAT(made.writes, IsEmpty());
    EXPECT_EQ(made.memory.orphan_since.at(www), now);
    made = plan(only_api, store, made.memory, {}, now + 599s);
    EXPECT_THAT(made.writes, IsEmpty());
    made = plan(only_api, store, made.memory, {}, now + 600s);
    EXPECT_THAT(said(made),
                ElementsAre("remove www.muster.test: lb-1 10.0.0.1 port 80",
                            "drop name www.muster.test: its mark"));
    store = carried_out(store, made);
    EXPECT_FALSE(store.sets.contains(www));
    EXPECT_EQ(plan(only_api, store, made.memory, {}, now + 601s), Plan{});
}

TEST(DnsPlan, WantsToKnowAllFleetsBeforeANameGoes) {
    const Observed store{.sets = {{api, stored(records({1}))}}};
    const PlanMemory long_ago{.orphan_since = {{api, SteadyTime{}}}};
    Desired unknown;
    const Plan made = plan(unknown, store, long_ago, {.orphan_hold = 1s}, now);
    EXPECT_THAT(made.writes, IsEmpty());
    EXPECT_EQ(made.memory, long_ago);
    unknown.complete = true;
    EXPECT_EQ(plan(unknown, store, long_ago, {.orphan_hold = 1s}, now).writes.size(), 1U);
}

TEST(DnsPlan, WantsANameAgainAndForgetsThatItDidNot) {
    const Observed store{.sets = {{api, stored(records({1}))}}};
    const PlanMemory was{.orphan_since = {{api, now - 599s}}};
    EXPECT_EQ(plan(want({{api, {.records = records({1})}}}), store, was, {}, now), Plan{});
}

TEST(DnsPlan, LeavesWhatIsNotOursAndSaysSo) {
    const Stray beside{.key = "/skydns/test/muster/api/x",
                       .version = "7",
                       .what = "has no mark of ours",
                       .touches = {api}};
    const Observed store{.sets = {{api, stored(records({1}))}}, .strays = {beside}};
    const Plan made = plan(want({{api, {.records = records({1})}}}), store, {}, {}, now);
    EXPECT_THAT(made.writes, IsEmpty());
    EXPECT_THAT(said(made), ElementsAre("leave api.muster.test: /skydns/test/muster/api/x"));
}

TEST(DnsPlan, DoesNotTakeOverANameThatIsAnotherOnes) {
    const Stray own_key{.key = "/skydns/test/muster/api", .version = "7", .at = api};
    const Plan made =
        plan(want({{api, {.records = records({1})}}}), {.strays = {own_key}}, {}, {}, now);
    EXPECT_THAT(made.writes, IsEmpty());
    EXPECT_THAT(said(made),
                ElementsAre("hold api.muster.test: is not published",
                            "leave api.muster.test: /skydns/test/muster/api"));
}

TEST(DnsPlan, DoesNotMixWithMembersThatOthersPublish) {
    const Stray member{.key = "/skydns/test/muster/api/4f3a",
                       .version = "7",
                       .at = DnsName("4f3a.api.muster.test"),
                       .touches = {DnsName("4f3a.api.muster.test"), api}};
    const Desired wanted = want({{api, {.records = records({1})}}});
    EXPECT_THAT(plan(wanted, {.strays = {member}}, {}, {}, now).writes, IsEmpty());
    const Observed ours_first{.sets = {{api, stored(records({2}))}}, .strays = {member}};
    EXPECT_EQ(plan(wanted, ours_first, {}, {}, now).writes.size(), 1U);
}

TEST(DnsPlan, PublishesANameAboveOneOfOthersThatIsNoPartOfIt) {
    const Stray below{.key = "x.api.muster.test A",
                      .at = DnsName("x.api.muster.test"),
                      .touches = {DnsName("x.api.muster.test")}};
    const Plan made =
        plan(want({{api, {.records = records({1})}}}), {.strays = {below}}, {}, {}, now);
    EXPECT_EQ(made.writes.size(), 1U);
}

TEST(DnsPlan, MovesAsideWhatBreaksANameOfOurs) {
    const Stray broken{.key = "/skydns/test/muster/api/x",
                       .version = "7",
                       .kind = Stray::Kind::malformed,
                       .what = "is not JSON",
                       .touches = {www, api}};
    const Observed store{.sets = {{api, stored(records({1}))}}, .strays = {broken}};
    const Desired same = want({{api, {.records = records({1})}}});
    const Plan made = plan(same, store, {}, {}, now);
    EXPECT_THAT(made.writes,
                ElementsAre(SetWrite{.name = api,
                                     .version = "3",
                                     .generation = 4,
                                     .before = records({1}),
                                     .after = records({1}),
                                     .quarantined = {broken}}));
    EXPECT_THAT(plan(same, store, {}, {.quarantine = false}, now).writes, IsEmpty());
    EXPECT_THAT(plan(want({{www, {}}}), store, {}, {}, now).writes, IsEmpty())
        << "of a name that isn't published";
}

TEST(DnsPlan, MendsItsOwnKeyThatSomebodyBroke) {
    const Stray broken{.key = "/skydns/test/muster/api",
                       .version = "9",
                       .kind = Stray::Kind::malformed,
                       .what = "is not JSON",
                       .at = api,
                       .touches = {api}};
    ObservedSet left = stored(records({1, 2}));
    left.anchor.reset();
    left.version.clear();
    const Plan made = plan(want({{api, {.records = records({1, 2})}}}),
                           {.sets = {{api, left}}, .strays = {broken}},
                           {},
                           {},
                           now);
    ASSERT_EQ(made.writes.size(), 1U);
    EXPECT_EQ(made.writes[0].version, "9");
    EXPECT_THAT(made.writes[0].quarantined, ElementsAre(broken));
}

TEST(DnsPlan, AddsBeforeItRemoves) {
    const Plan made =
        plan(want({{api, {.records = records({1})}}, {www, {.records = records({1})}}}),
             {.sets = {{api, stored(records({1, 2}))}}},
             {},
             {},
             now);
    ASSERT_EQ(made.writes.size(), 2U);
    EXPECT_EQ(made.writes[0].name, www);
    EXPECT_EQ(made.writes[1].name, api);
}

/// Any desire on any store.
class RandomDns {
 public:
    explicit RandomDns(unsigned seed) : random_(seed) {}

    Desired desired() {
        Desired wanted{.complete = coin()};
        for (const DnsName& name : names_) {
            if (coin()) wanted.sets[name].records = set();
        }
        return wanted;
    }
    Observed observed() {
        Observed store;
        for (const DnsName& name : names_) {
            if (coin()) continue;
            RecordSet ours = set();
            if (ours.members.empty()) continue;
            store.sets[name] = stored(ours, number(1, 9));
            if (number(0, 5) == 0) store.sets[name].members.begin()->second.as_written = false;
            if (number(0, 5) == 0) {
                store.sets[name].anchor.reset();
                store.sets[name].version.clear();
            }
        }
        for (int n = number(0, 3); n > 0; --n) {
            const DnsName& near = names_[static_cast<std::size_t>(number(0, 3))];
            Stray stray{.key = "/" + std::to_string(n) + near.str(),
                        .version = "5",
                        .kind = static_cast<Stray::Kind>(number(0, 2)),
                        .touches = {near}};
            store.strays.push_back(stray);
        }
        return store;
    }

 private:
    int number(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
    bool coin() { return number(0, 1) == 1; }
    RecordSet set() {
        RecordSet made{.ttl = Ttl(number(1, 2) * 30)};
        for (int id = 1; id <= 12; ++id) {
            if (number(0, 2) == 0) made.members.emplace(lb(id), at(number(1, 2) * 100 + id));
        }
        return made;
    }

    std::mt19937 random_;
    std::vector<DnsName> names_{DnsName("a.test"), DnsName("b.test"), DnsName("c.test"), api};
};

TEST(DnsPlanProperties, RoundsComeToAnEndNeverEmptyANameAndKeepTheBudget) {
    for (unsigned seed = 0; seed < 1'000; ++seed) {
        RandomDns random(seed);
        const Desired wanted = random.desired();
        Observed store = random.observed();
        const std::vector<Stray> strays = store.strays;
        PlanMemory memory;
        int rounds = 0;
        for (SteadyTime when = now;; when += 700s) {
            const Plan made = plan(wanted, store, memory, {}, when);
            ASSERT_EQ(made, plan(wanted, store, memory, {}, when)) << seed;
            std::size_t records = 0;
            for (const auto& [name, set] : store.sets) records += set.members.size();
            ASSERT_LE(made.removals, std::max<int>(1, static_cast<int>(records) / 10)) << seed;
            for (const SetWrite& write : made.writes) {
                const auto desired = wanted.sets.find(write.name);
                if (desired != wanted.sets.end()) {
                    ASSERT_FALSE(write.after.members.empty()) << seed;
                }
                for (const Stray& gone : write.quarantined)
                    ASSERT_EQ(gone.kind, Stray::Kind::malformed) << seed;
            }
            memory = made.memory;
            if (made.writes.empty() && memory.orphan_since.empty()) break;
            if (made.writes.empty() && !wanted.complete) break;
            store = carried_out(std::move(store), made);
            ASSERT_LT(++rounds, 60) << seed;
        }
        for (const auto& [name, desired] : wanted.sets) {
            if (desired.records.members.empty()) continue;
            ASSERT_TRUE(store.sets.contains(name)) << seed;
            ASSERT_EQ(store.sets.at(name).members, stored(desired.records).members) << seed;
        }
        for (const Stray& stray : strays) {
            if (stray.kind == Stray::Kind::malformed) continue;
            ASSERT_EQ(std::ranges::count(store.strays, stray), 1) << seed;
        }
    }
}

}  // namespace
}  // namespace muster::dnsupdate
