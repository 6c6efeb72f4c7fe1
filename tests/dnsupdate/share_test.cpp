#include "dnsupdate/share.hpp"

#include "dnsupdate/desired.hpp"
#include "dnsupdate/dns_plan.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;
using znodes::Percents;

std::vector<Candidate> candidates(const std::map<std::string, int>& sizes) {
    std::vector<Candidate> all;
    for (const auto& [party, size] : sizes) {
        for (int i = 0; i < size; ++i)
            all.push_back({.id = MemberId(fmt::format("{}-{}", party, i)), .party = party});
    }
    return all;
}

std::string party_of(const MemberId& id) {
    return id.str().substr(0, id.str().find('-'));
}

Percents sums(const Turn& turn) {
    Percents all;
    for (const auto& [id, weight] : turn.published) all[party_of(id)] += weight;
    return all;
}

struct Rotation {
    std::map<std::string, int> answers;  ///< of each party
    std::map<MemberId, int> each;
    std::set<std::size_t> sizes;  ///< of the name
    int all = 0;
};

Rotation rotate(const std::vector<Candidate>& who, const Percents& percents, int slots) {
    Rotation seen;
    for (int slot = 0; slot < slots; ++slot) {
        // In the middle of the real ones.
        const Turn turn = take_turns(who, percents, Answered::by_address, 350'000'000 + slot);
        seen.sizes.insert(turn.published.size());
        for (const auto& [id, weight] : turn.published) {
            ++seen.answers[party_of(id)];
            ++seen.each[id];
            ++seen.all;
        }
    }
    return seen;
}

TEST(Share, OfWeightsIsTheFleetsPercentToThePoint) {
    std::mt19937_64 random(20'261);
    for (int round = 0; round < 500; ++round) {
        Percents asked;
        std::map<std::string, int> sizes;
        const int parties = 1 + static_cast<int>(random() % 5);
        int left = 100;
        for (int i = 0; i < parties; ++i) {
            const std::string name = fmt::format("p{}", i);
            const int most = left - (parties - 1 - i);
            asked[name] = i == parties - 1 ? left : 1 + static_cast<int>(random() % most);
            left -= asked[name];
            sizes[name] = 1 + static_cast<int>(random() % 40);
        }
        std::vector<Candidate> who = candidates(sizes);
        for (Candidate& one : who) one.weight = 1 + static_cast<int>(random() % 1000);
        const Turn turn = take_turns(
            who, asked, Answered::with_weights, static_cast<std::int64_t>(random() % 1'000'000));
        EXPECT_EQ(sums(turn), asked) << "round " << round;
        EXPECT_EQ(turn.given, asked);
        for (const auto& [id, weight] : turn.published) EXPECT_GE(weight, 1);
        EXPECT_EQ(turn.published.size() + turn.left_out.size(), who.size());
    }
}

TEST(Share, GoesByTheWeightsWithinAFleet) {
    std::vector<Candidate> who = candidates({{"blue", 2}, {"green", 2}});
    who[0].weight = 300;
    const Turn turn = take_turns(who, {{"blue", 80}, {"green", 20}}, Answered::with_weights, 0);
    EXPECT_THAT(turn.published,
                ElementsAre(Pair(MemberId("blue-0"), 60),
                            Pair(MemberId("blue-1"), 20),
                            Pair(MemberId("green-0"), 10),
                            Pair(MemberId("green-1"), 10)));
    EXPECT_THAT(turn.left_out, IsEmpty());
}

TEST(Share, OfMoreLoadBalancersThanPointsIsTakenInTurns) {
    const std::vector<Candidate> who = candidates({{"blue", 3}, {"green", 8}});
    std::map<MemberId, int> seen;
    for (std::int64_t slot = 0; slot < 8; ++slot) {
        const Turn turn =
            take_turns(who, {{"blue", 97}, {"green", 3}}, Answered::with_weights, slot);
        EXPECT_EQ(sums(turn), (Percents{{"blue", 97}, {"green", 3}}));
        EXPECT_EQ(turn.resting.size(), 5U);
        for (const auto& [id, weight] : turn.published) ++seen[id];
    }
    for (int i = 0; i < 8; ++i) EXPECT_EQ(seen[MemberId(fmt::format("green-{}", i))], 3);
}

TEST(Share, OfAddressesIsExactOverARotation) {
    for (const auto& [blue, green] : {std::pair(2, 2),
                                      std::pair(10, 3),
                                      std::pair(1, 1),
                                      std::pair(7, 40),
                                      std::pair(100, 5)}) {
        for (int percent = 1; percent < 100; percent += blue == 2 ? 1 : 7) {
            const Percents asked{{"blue", 100 - percent}, {"green", percent}};
            const Rotation seen =
                rotate(candidates({{"blue", blue}, {"green", green}}), asked, 100);
            EXPECT_EQ(seen.answers.at("green") * 100, percent * seen.all)
                << blue << " " << green << " " << percent;
            EXPECT_EQ(seen.sizes.size(), 1U) << "as many in each slot";
            EXPECT_GE(*seen.sizes.begin(), 1U) << "never empty";
        }
    }
}

TEST(Share, OfAddressesOfSeveralPartiesIsExactAndFairToEachLoadBalancer) {
    const Percents asked{{"a", 60}, {"b", 30}, {"c", 10}};
    const std::map<std::string, int> sizes{{"a", 4}, {"b", 3}, {"c", 5}};
    const Rotation seen = rotate(candidates(sizes), asked, 10 * 60);
    for (const auto& [party, percent] : asked)
        EXPECT_EQ(seen.answers.at(party) * 100, percent * seen.all) << party;
    for (const auto& [id, count] : seen.each)
        EXPECT_EQ(count * sizes.at(party_of(id)), seen.answers.at(party_of(id))) << id.str();
}

/// A client that asks at random moments and takes any address of the answer.
TEST(Share, OfAddressesStandsTheChiSquareTestOfRandomClients) {
    const Percents asked{{"blue", 85}, {"green", 15}};
    const std::vector<Candidate> who = candidates({{"blue", 6}, {"green", 4}});
    std::mt19937_64 random(4);
    constexpr int clients = 8'000;
    std::map<std::string, double> got;
    for (int i = 0; i < clients; ++i) {
        const Turn turn = take_turns(
            who, asked, Answered::by_address, static_cast<std::int64_t>(random() % 10'000'000));
        const auto chosen = std::next(
            turn.published.begin(), static_cast<std::ptrdiff_t>(random() % turn.published.size()));
        ++got[party_of(chosen->first)];
    }
    double chi_square = 0;
    for (const auto& [party, percent] : asked) {
        const double expected = clients * percent / 100.0;
        chi_square += (got[party] - expected) * (got[party] - expected) / expected;
    }
    // 1 degree of freedom: 0.1 % of fair draws are above it.
    EXPECT_LT(chi_square, 10.83) << got["green"];
}

TEST(Share, IsNothingForWhoHasNoneThatServes) {
    std::vector<Candidate> who = candidates({{"blue", 2}, {"green", 1}, {"red", 1}});
    const Percents asked{{"blue", 50}, {"green", 30}, {"red", 20}};
    who[2].failing = true;
    for (const Answered answered : {Answered::with_weights, Answered::by_address}) {
        const Turn turn = take_turns(who, asked, answered, 3);
        EXPECT_EQ(turn.given, (Percents{{"blue", 71}, {"red", 29}}));
        EXPECT_FALSE(turn.published.contains(MemberId("green-0")));
        EXPECT_FALSE(turn.resting.contains(MemberId("green-0")));
    }
    const Turn away =
        take_turns(candidates({{"blue", 1}}), {{"green", 100}}, Answered::with_weights, 0);
    EXPECT_THAT(away.published, ElementsAre(Pair(MemberId("blue-0"), 100))) << "they step in";
    who[0].failing = who[1].failing = who[3].failing = true;
    EXPECT_EQ(take_turns(who, asked, Answered::with_weights, 0).published.size(), 4U)
        << "all fail: all are answered, as without shares";
}

TEST(Share, OfANameIsAppliedToItsRecordsAndTold) {
    const auto fleet = [](const char* name, const char* address, Standing standing) {
        return PublishedFleet{
            .name = FleetName(name),
            .dns = {{.name = "api.muster.test",
                     .types = {config::DnsType::a, config::DnsType::srv}}},
            .instances = {{.id = InstanceId("lb"),
                           .address = address,
                           .port = 443,
                           .in = true,
                           .standing = standing,
                           .zone = address == std::string("10.0.0.1") ? "z1" : "z2"}}};
    };
    const DnsName api("api.muster.test");
    Shifted shifted{.names = {{api, {.percents = {{"blue", 93}, {"green", 7}}}}}};
    const auto made = [&](Standing green) {
        return desired_records(
            {fleet("blue", "10.0.0.1", Standing::good), fleet("green", "10.0.0.2", green)},
            "",
            true,
            {},
            shifted);
    };
    DesiredRecords records = made(Standing::good);
    const auto* members = &records.desired.sets.at(api).records.members;
    EXPECT_EQ(members->at(MemberId("blue-lb")).weight, 93);
    EXPECT_EQ(members->at(MemberId("green-lb")).weight, 7);
    EXPECT_EQ(records.shared.at(api).parties.at("green"),
              (Party{.known = 1, .good = 1, .percent = 7}));

    records = made(Standing::failing);
    members = &records.desired.sets.at(api).records.members;
    EXPECT_EQ(members->size(), 1U);
    EXPECT_EQ(members->at(MemberId("blue-lb")).weight, 100);
    EXPECT_EQ(records.shared.at(api).parties.at("green"),
              (Party{.known = 1, .failing = 1, .percent = 0}));

    shifted.names = {{api, {.by = znodes::ShiftBy::zone, .percents = {{"z1", 20}, {"z2", 80}}}}};
    EXPECT_EQ(
        made(Standing::good).desired.sets.at(api).records.members.at(MemberId("green-lb")).weight,
        80);
    shifted.names = {{api, {}}};
    EXPECT_EQ(made(Standing::good).shared.at(api).parties.at("blue").percent, 50)
        << "only looked at";
}

/// Turns go on beside the removal of what is dead, and neither waits for the other.
TEST(Share, TurnsAreNoneOfTheRemovalsThatAreCounted) {
    const DnsName name("api.muster.test");
    const auto member = [](const char* address) {
        return Member{.address = address, .weight = 50};
    };
    Observed observed;
    for (const auto& [id, address] : {std::pair("b-1", "10.0.0.1"), std::pair("b-2", "10.0.0.2")})
        observed.sets[name].members.emplace(MemberId(id),
                                            ObservedMember{.member = member(address), .ttl = 30s});
    Desired desired{.complete = true};
    desired.sets[name] = {
        .records = {.ttl = 30s, .members = {{MemberId("b-3"), member("10.0.0.3")}}},
        .left_out = {{MemberId("b-1"), "DOWN"}, {MemberId("b-2"), "rests"}},
        .resting = {MemberId("b-2")}};
    const Plan both = plan(desired, observed, {}, {}, SteadyTime{});
    ASSERT_EQ(both.writes.size(), 1U);
    EXPECT_THAT(both.writes[0].removals, ElementsAre(MemberId("b-1"), MemberId("b-2")));
    EXPECT_EQ(both.removals, 2);

    PlanPolicy held;
    held.hold_removals = "the DNS servers do not show the last change yet";
    const Plan waits = plan(desired, observed, {}, held, SteadyTime{});
    EXPECT_THAT(waits.writes[0].removals, IsEmpty()) << "it waits for the servers all the same";

    desired.sets[name].records.members = {{MemberId("b-2"), member("10.0.0.2")}};
    desired.sets[name].left_out = {{MemberId("b-1"), "rests"}};
    desired.sets[name].resting = {MemberId("b-1")};
    desired.sets[DnsName("z.muster.test")] = {};
    observed.sets[DnsName("a.muster.test")].members = {
        {MemberId("x"), {.member = member("10.0.1.1"), .ttl = 30s}},
        {MemberId("y"), {.member = member("10.0.1.2"), .ttl = 30s}}};
    desired.sets[DnsName("a.muster.test")] = {
        .records = {.ttl = 30s, .members = {{MemberId("y"), member("10.0.1.2")}}},
        .left_out = {{MemberId("x"), "DOWN"}}};
    const Plan counted = plan(desired, observed, {}, {}, SteadyTime{});
    EXPECT_EQ(counted.removals, 1) << "without a record that comes it is a removal like any other";
    EXPECT_EQ(counted.removals_held, 1);
}

/// Its place in DNS is not free until something says that it serves.
TEST(Share, TakesNobodyOutForTheTurnOfOneThatIsUnproven) {
    std::vector<Candidate> who = candidates({{"blue", 2}, {"green", 1}});
    who[1].unproven = true;
    for (std::int64_t slot = 0; slot < 4; ++slot) {
        const Turn turn =
            take_turns(who, {{"blue", 50}, {"green", 50}}, Answered::by_address, slot);
        EXPECT_THAT(
            turn.published,
            UnorderedElementsAre(Pair(MemberId("blue-0"), 50), Pair(MemberId("green-0"), 50)));
        EXPECT_THAT(turn.unproven, ElementsAre(MemberId("blue-1")));
        const Turn point =
            take_turns(who, {{"blue", 1}, {"green", 99}}, Answered::with_weights, slot);
        EXPECT_TRUE(point.published.contains(MemberId("blue-0"))) << slot;
    }
    who[0].unproven = true;
    const Turn none = take_turns(who, {{"blue", 50}, {"green", 50}}, Answered::by_address, 0);
    EXPECT_EQ(none.published.size(), 2U) << "its party has nothing else";
    EXPECT_THAT(none.unproven, IsEmpty());

    const DnsName name("api.muster.test");
    const Member there{.address = "10.0.0.1"};
    const Member rests{.address = "10.0.0.2"};
    Observed observed;
    observed.sets[name].members = {{MemberId("b-1"), {.member = there, .ttl = 30s}},
                                   {MemberId("b-2"), {.member = rests, .ttl = 30s}}};
    Desired desired{.complete = true};
    desired.sets[name] = {.records = {.ttl = 30s, .members = {{MemberId("b-1"), there}}},
                          .left_out = {{MemberId("b-2"), "rests"}},
                          .unproven = {MemberId("b-2")},
                          .resting = {MemberId("b-2")}};
    const Plan made = plan(desired, observed, {}, {}, SteadyTime{});
    EXPECT_EQ(made.removals, 0) << "and it stays where it is";
}

/// Twenty load balancers go in as many rounds, but their traffic at once.
TEST(Share, OfWhatIsShiftedAwayIsAsLittleAsCanBeUntilItsRemoval) {
    const DnsName name("api.muster.test");
    Observed observed;
    std::vector<Candidate> who = candidates({{"blue", 1}, {"green", 20}});
    for (const Candidate& one : who)
        observed.sets[name].members.emplace(
            one.id,
            ObservedMember{
                .member = {.address = fmt::format("10.0.0.{}", observed.sets[name].members.size()),
                           .port = 443,
                           .weight = one.party == "blue" ? 20 : 4},
                .ttl = 30s});
    const Turn turn = take_turns(who, {{"blue", 100}}, Answered::with_weights, 0);
    EXPECT_EQ(turn.resting.size(), 20U);
    DesiredSet set{.records = {.ttl = 30s}, .left_out = turn.left_out, .resting = turn.resting};
    for (const auto& [id, weight] : turn.published) {
        Member member = observed.sets[name].members.at(id).member;
        member.weight = weight;
        set.records.members.emplace(id, member);
    }
    const Plan made =
        plan({.complete = true, .sets = {{name, set}}}, observed, {}, {}, SteadyTime{});
    EXPECT_EQ(made.removals, 2);
    EXPECT_EQ(made.removals_held, 18);
    ASSERT_EQ(made.writes.size(), 1U);
    for (const auto& [id, member] : made.writes[0].after.members)
        EXPECT_EQ(member.weight, party_of(id) == "blue" ? 100 : 1) << id.str();
}

TEST(Share, HasSlotsNotShorterThanWhatIsCached) {
    EXPECT_EQ(slot_length(30s), 30s);
    EXPECT_EQ(slot_length(1s), 5s);
    EXPECT_EQ(slot_at(WallTime(59'999ms), 30s), 1);
    EXPECT_EQ(slot_at(WallTime(60'000ms), 30s), 2);
}

}  // namespace
}  // namespace muster::dnsupdate
