#include "dnsupdate/desired.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using config::DnsEntry;
using config::DnsType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const DnsName api("api.muster.test");

PublishedInstance in(const char* id, const char* address, int weight = 100) {
    return {.id = InstanceId(id), .address = address, .port = 443, .in = true, .weight = weight};
}
PublishedInstance out(const char* id, const char* address, const char* why = "DOWN") {
    return {.id = InstanceId(id), .address = address, .port = 443, .why = why};
}
PublishedFleet fleet(const char* name,
                     std::vector<PublishedInstance> instances,
                     DnsEntry entry = {.name = "api.muster.test"}) {
    return {.name = FleetName(name), .dns = {std::move(entry)}, .instances = std::move(instances)};
}
DesiredSet of_api(const std::vector<PublishedFleet>& fleets, const char* view = "") {
    return desired_records(fleets, view, true).desired.sets.at(api);
}
std::vector<std::string> members(const DesiredSet& set) {
    std::vector<std::string> all;
    for (const auto& [id, member] : set.records.members) all.push_back(id.str());
    return all;
}

TEST(DesiredRecords, AreTheHealthyInstancesOfAFleet) {
    const DesiredSet set =
        of_api({fleet("web", {in("lb-1", "10.0.0.1"), out("lb-2", "10.0.0.2")})});
    EXPECT_EQ(
        set.records,
        (RecordSet{.ttl = 30s, .members = {{MemberId("web-lb-1"), {.address = "10.0.0.1"}}}}));
    EXPECT_EQ(set.left_out, (std::map<MemberId, std::string>{{MemberId("web-lb-2"), "DOWN"}}));
}

TEST(DesiredRecords, AreNoneWhereNobodyIsHealthyAndTheNameIsKnownAllTheSame) {
    const DesiredSet set = of_api({fleet("web", {out("lb-1", "10.0.0.1")})});
    EXPECT_THAT(set.records.members, IsEmpty());
    EXPECT_EQ(set.left_out.size(), 1U);
    EXPECT_THAT(of_api({fleet("web", {})}).records.members, IsEmpty());
}

TEST(DesiredRecords, HaveTheTypesThatAreAskedFor) {
    const std::vector both{in("lb-4", "10.0.0.1"), in("lb-6", "fd00::1")};
    EXPECT_THAT(members(of_api({fleet("web", both)})), ElementsAre("web-lb-4", "web-lb-6"));
    EXPECT_THAT(members(of_api({fleet("web", both, {api.str(), {DnsType::a}})})),
                ElementsAre("web-lb-4"));
    EXPECT_THAT(members(of_api({fleet("web", both, {api.str(), {DnsType::aaaa, DnsType::srv}})})),
                ElementsAre("web-lb-6"));
    const DesiredSet srv = of_api({fleet("web", both, {api.str(), {DnsType::srv}})});
    EXPECT_EQ(srv.records.members.at(MemberId("web-lb-4")).port, 443);
    const DesiredSet own_port =
        of_api({fleet("web", both, {.name = api.str(), .types = {DnsType::srv}, .port = 8443})});
    EXPECT_EQ(own_port.records.members.at(MemberId("web-lb-6")).port, 8443);
}

TEST(DesiredRecords, HaveNoNamesForAddresses) {
    const DesiredRecords made = desired_records(
        {fleet("web", {in("lb-1", "lb1.example.org"), in("lb-2", "0.0.0.0")})}, "", true);
    EXPECT_THAT(made.desired.sets.at(api).records.members, IsEmpty());
    EXPECT_THAT(made.problems,
                ElementsAre(HasSubstr("its address lb1.example.org is a name"),
                            HasSubstr("nothing can be at 0.0.0.0")));
}

TEST(DesiredRecords, StandByWithAHigherPriority) {
    const auto spare =
        fleet("spare", {in("lb-9", "10.0.1.9")}, {.name = api.str(), .priority = 20});
    EXPECT_THAT(members(of_api({fleet("web", {in("lb-1", "10.0.0.1")}), spare})),
                ElementsAre("web-lb-1"));
    EXPECT_THAT(members(of_api({fleet("web", {out("lb-1", "10.0.0.1")}), spare})),
                ElementsAre("spare-lb-9"));
    EXPECT_THAT(members(of_api({fleet("web", {in("lb-1", "name.test")}), spare})),
                ElementsAre("spare-lb-9"))
        << "what can't be published is no reason to wait";
}

TEST(DesiredRecords, StandInForThoseThatFailAndNotForThoseThatAreUnproven) {
    const auto spare =
        fleet("spare", {in("lb-9", "10.0.1.9")}, {.name = api.str(), .priority = 20});
    PublishedInstance instance = in("lb-1", "10.0.0.1");
    instance.standing = Standing::failing;  // in by panic
    EXPECT_THAT(members(of_api({fleet("web", {instance}), spare})), ElementsAre("spare-lb-9"));
    EXPECT_THAT(members(of_api({fleet("web", {instance})})), ElementsAre("web-lb-1"));
    instance.standing = Standing::unproven;
    const DesiredSet set = of_api({fleet("web", {instance}), spare});
    EXPECT_THAT(members(set), ElementsAre("web-lb-1"));
    EXPECT_THAT(set.unproven, ElementsAre(MemberId("web-lb-1")));
}

TEST(DesiredRecords, OfFleetsOfOnePriorityAreAnsweredTogetherByWeight) {
    const DesiredSet set =
        of_api({fleet("blue", {in("lb-1", "10.0.0.1")}, {.name = api.str(), .weight = 90}),
                fleet("green", {in("lb-1", "10.0.0.2")}, {.name = api.str(), .weight = 10})});
    EXPECT_EQ(set.records.members.at(MemberId("blue-lb-1")).weight, 90);
    EXPECT_EQ(set.records.members.at(MemberId("green-lb-1")).weight, 10);
}

TEST(DesiredRecords, HaveTheShortestTtl) {
    const DesiredRecords made =
        desired_records({fleet("a", {in("x", "10.0.0.1")}, {.name = api.str(), .ttl = 60s}),
                         fleet("b", {in("x", "10.0.0.2")}, {.name = api.str(), .ttl = 20s})},
                        "",
                        true);
    EXPECT_EQ(made.desired.sets.at(api).records.ttl, 20s);
    EXPECT_THAT(made.problems, ElementsAre(HasSubstr("fleet b: the shortest counts")));
}

TEST(DesiredRecords, OfAViewAreItsOwnAndElseThoseOfAll) {
    const auto all = fleet("all", {in("x", "10.0.0.1")});
    const auto eu = fleet("eu", {in("x", "10.1.0.1")}, {.name = api.str(), .location = "eu"});
    const auto no_eu = fleet("eu", {out("x", "10.1.0.1")}, {.name = api.str(), .location = "eu"});
    EXPECT_THAT(members(of_api({all, eu}, "eu")), ElementsAre("eu-x"));
    EXPECT_THAT(members(of_api({all, eu}, "us")), ElementsAre("all-x"));
    EXPECT_THAT(members(of_api({all, eu})), ElementsAre("all-x"));
    EXPECT_THAT(members(of_api({all, no_eu}, "eu")), ElementsAre("all-x"));
}

TEST(DesiredRecords, OfAViewFallBackToTheNextRegionAndNeverToNothing) {
    struct Row {
        const char* what;
        std::vector<PublishedFleet> fleets;
        const char* view;
        std::vector<std::string> wanted;
    };
    const auto at = [](const char* location, bool up) {
        const std::string address = std::string(location) == "eu" ? "10.1.0.1" : "10.2.0.1";
        return fleet(location,
                     {up ? in("x", address.c_str()) : out("x", address.c_str())},
                     {.name = api.str(), .location = location});
    };
    const auto asia = fleet("asia", {in("x", "10.3.0.1")}, {.name = api.str(), .location = "asia"});
    const auto all = fleet("all", {in("x", "10.0.0.1")});
    const auto spare = fleet(
        "spare", {in("x", "10.1.0.9")}, {.name = api.str(), .priority = 20, .location = "eu"});
    for (const Row& row : {
             Row{"its own", {at("eu", true), at("us", true), asia}, "eu", {"eu-x"}},
             Row{"its own spare", {at("eu", false), spare, at("us", true)}, "eu", {"spare-x"}},
             Row{"the next", {at("eu", false), at("us", true), asia}, "eu", {"us-x"}},
             Row{"those of all", {at("eu", false), all, at("us", true)}, "eu", {"all-x"}},
             Row{"whoever is left", {at("eu", false), at("us", false), asia}, "eu", {"asia-x"}},
             Row{"the other way", {at("eu", true), at("us", false), asia}, "us", {"asia-x"}},
             Row{"none of its own", {asia}, "eu", {"asia-x"}},
             Row{"no view", {at("eu", true), asia}, "", {"asia-x", "eu-x"}},
             Row{"no view, and one of all", {at("eu", true), asia, all}, "", {"all-x"}},
         }) {
        const std::map<std::string, std::vector<std::string>> fallbacks{{"eu", {"us"}},
                                                                        {"us", {"asia"}}};
        const auto fallback = fallbacks.find(row.view);
        const auto made = desired_records(
            row.fleets,
            row.view,
            true,
            fallback == fallbacks.end() ? std::vector<std::string>{} : fallback->second);
        EXPECT_EQ(members(made.desired.sets.at(api)), row.wanted) << row.what;
    }
    const auto standing_by = of_api({at("eu", true), at("us", true)}, "eu");
    EXPECT_EQ(standing_by.left_out.at(MemberId("us-x")), "stands by, with priority 10 in us");
}

TEST(DesiredRecords, HaveAnAddressOnce) {
    const DesiredSet set = of_api({fleet("web", {in("lb-1", "10.0.0.1"), in("lb-2", "10.0.0.1")})});
    EXPECT_THAT(members(set), ElementsAre("web-lb-1"));
    EXPECT_EQ(set.left_out.at(MemberId("web-lb-2")), "another instance has its address");
}

TEST(DesiredRecords, SayWhetherAllFleetsWereRead) {
    EXPECT_FALSE(desired_records({}, "", false).desired.complete);
    EXPECT_TRUE(desired_records({}, "", true).desired.complete);
}

TEST(MemberId, IsALabelOfFleetAndInstance) {
    EXPECT_EQ(member_id(FleetName("web"), InstanceId("lb-1")).str(), "web-lb-1");
    const MemberId upper = member_id(FleetName("web"), InstanceId("LB.1"));
    EXPECT_EQ(upper.str().size(), 19U);
    EXPECT_THAT(upper.str(), testing::StartsWith("lb-"));
    EXPECT_NE(upper, member_id(FleetName("web"), InstanceId("lb.1")));
    EXPECT_EQ(upper, member_id(FleetName("web"), InstanceId("LB.1")));
}

TEST(Percents, MakeAHundredAndAreNoFurtherThanAPointFromTheirShare) {
    EXPECT_THAT(percents({1, 1, 1}), ElementsAre(34, 33, 33));
    EXPECT_THAT(percents({10, 20, 30}), ElementsAre(17, 33, 50));
    EXPECT_THAT(percents({0, 0}), ElementsAre(50, 50));
    EXPECT_THAT(percents({1, 999}), ElementsAre(1, 99));
    EXPECT_THAT(percents({7}), ElementsAre(100));
    EXPECT_THAT(percents({}), IsEmpty());
    EXPECT_EQ(percents(std::vector<int>(101, 5)), std::vector<int>(101, 1));
    std::mt19937 random(1);
    for (int run = 0; run < 5'000; ++run) {
        std::vector<int> weights(1 + random() % 12);
        for (int& weight : weights) weight = 50 + static_cast<int>(random() % 1'000);
        const auto sum = static_cast<double>(std::accumulate(weights.begin(), weights.end(), 0));
        const std::vector<int> shares = percents(weights);
        EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), 0), 100);
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const double exact = weights[i] * 100.0 / sum;
            EXPECT_GE(shares[i], 1);
            if (exact >= 1) EXPECT_LE(std::abs(shares[i] - exact), 1.0);
        }
    }
}

}  // namespace
}  // namespace muster::dnsupdate
