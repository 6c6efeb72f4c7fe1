#include "orchestrator/instance_plan.hpp"

#include "common/config/fleet_limits.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using znodes::Letter;

constexpr SteadyTime start{1h};
constexpr WallTime noon{1'767'225'600s};

config::FleetSpec edge(std::vector<config::FleetInstance> listed = {}) {
    return {.name = FleetName("edge"),
            .listeners = {{.name = "main", .port = 80, .group = GroupName("web")}},
            .instances = std::move(listed)};
}

config::FleetInstance listed(const std::string& id, const std::string& host) {
    return {.id = InstanceId(id), .address = host, .port = 80};
}

Registration agent(const std::string& id, const std::string& address) {
    return {.id = BackendId(id), .address = address};
}

InstanceMember member(const std::string& id,
                      const std::string& host,
                      Letter verdict = Letter::up,
                      bool is_listed = false) {
    return {.instance = {.id = BackendId(id), .address = host, .port = 80},
            .listed = is_listed,
            .verdict = verdict,
            .since = noon};
}

/// "lb1 10.0.0.1:80"
std::vector<std::string> in_words(const InstancePlan& plan) {
    std::vector<std::string> all;
    for (const follow::Instance& one : plan.instances)
        all.push_back(fmt::format("{} {}:{}", one.id.str(), one.address, one.port));
    return all;
}

/// A plan without a past.
InstancePlan first_plan(const config::FleetSpec& fleet,
                        const std::vector<Registration>& registered,
                        const std::vector<InstanceMember>& members) {
    return plan_instances(fleet, registered, members, {}, start);
}

TEST(InstancePlan, OfNothingIsNothing) {
    const InstancePlan plan = first_plan(edge(), {}, {});
    EXPECT_THAT(plan.instances, IsEmpty());
    EXPECT_THAT(plan.notes, IsEmpty());
    EXPECT_THAT(plan.problems, IsEmpty());
    EXPECT_EQ(plan.again, std::nullopt);
}

TEST(InstancePlan, TakesWhoRegisters) {
    const InstancePlan plan =
        first_plan(edge(), {agent("lb2", "10.0.0.2:80"), agent("lb1", "[2001:db8::1]:443")}, {});
    EXPECT_THAT(in_words(plan), ElementsAre("lb1 2001:db8::1:443", "lb2 10.0.0.2:80"));
    EXPECT_THAT(plan.notes,
                ElementsAre("fleet edge: lb2 has registered at 10.0.0.2:80",
                            "fleet edge: lb1 has registered at [2001:db8::1]:443"));
}

TEST(InstancePlan, TakesWhoIsListed) {
    const InstancePlan plan = first_plan(edge({listed("lb1", "10.0.0.1")}), {}, {});
    EXPECT_THAT(in_words(plan), ElementsAre("lb1 10.0.0.1:80"));
}

TEST(InstancePlan, BelievesTheListMoreThanTheAgent) {
    const InstancePlan plan = first_plan(edge({listed("lb1", "10.0.0.1")}),
                                         {agent("lb1", "10.0.0.9:80")},
                                         {member("lb1", "10.0.0.5")});
    EXPECT_THAT(in_words(plan), ElementsAre("lb1 10.0.0.1:80"));
    EXPECT_THAT(plan.problems, IsEmpty());
}

TEST(InstancePlan, KeepsWhoHasVanished) {
    const std::vector<InstanceMember> members = {member("lb1", "10.0.0.1"),
                                                 member("lb2", "10.0.0.2"),
                                                 member("lb3", "10.0.0.3", Letter::degraded),
                                                 member("lb4", "10.0.0.4", Letter::unknown)};
    const InstancePlan plan = first_plan(edge(), {}, members);
    EXPECT_EQ(plan.instances.size(), 4U);
    EXPECT_THAT(plan.notes, IsEmpty());
    // However long that lasts.
    const InstancePlan later = plan_instances(edge(), {}, members, plan.memory, start + 24h * 400);
    EXPECT_EQ(later.instances, plan.instances);
}

TEST(InstancePlan, MovesWhoRegistersAtAnotherAddress) {
    const InstancePlan plan =
        first_plan(edge(), {agent("lb1", "10.0.0.9:8080")}, {member("lb1", "10.0.0.1")});
    EXPECT_THAT(in_words(plan), ElementsAre("lb1 10.0.0.9:8080"));
}

TEST(InstancePlan, KeepsWhereItWasWhoRegistersRubbish) {
    for (const char* const rubbish : {"",
                                      " ",
                                      "10.0.0.1",
                                      "10.0.0.1:0",
                                      "10.0.0.1:65536",
                                      "10.0.0.256:80",
                                      "0.0.0.0:80",
                                      "[::]:80",
                                      "224.0.0.1:80",
                                      "255.255.255.255:80",
                                      "[2001:db8::1:80",
                                      "a b:80",
                                      "host/path:80",
                                      "\x01\x02:80",
                                      "lb;rm:80"}) {
        const InstancePlan known =
            first_plan(edge(), {agent("lb1", rubbish)}, {member("lb1", "10.0.0.1")});
        EXPECT_THAT(in_words(known), ElementsAre("lb1 10.0.0.1:80")) << rubbish;
        EXPECT_EQ(known.problems.size(), 1U) << rubbish;
        const InstancePlan fresh = first_plan(edge(), {agent("lb1", rubbish)}, {});
        EXPECT_THAT(in_words(fresh), IsEmpty()) << rubbish;
        EXPECT_EQ(fresh.problems.size(), 1U) << rubbish;
    }
}

TEST(InstancePlan, SaysWhatIsWrongInPrintableAndBoundedWords) {
    const InstancePlan plan = first_plan(edge(),
                                         {agent("a", ""),
                                          agent("b", "10.0.0.1"),
                                          agent("c", "0.0.0.0:1"),
                                          agent("d", "\x1b[31m" + std::string(1'000, 'x'))},
                                         {});
    ASSERT_EQ(plan.problems.size(), 4U);
    EXPECT_EQ(plan.problems[0], "what is registered as a has no address, so nothing probes it");
    EXPECT_THAT(plan.problems[1], HasSubstr("b is at 10.0.0.1, which must be host:port"));
    EXPECT_EQ(plan.problems[2],
              "what is registered as c is at 0.0.0.0:1, where nothing can listen");
    EXPECT_THAT(plan.problems[3], HasSubstr("d is at ?[31mxxx"));
    EXPECT_LT(plan.problems[3].size(), 300U);
}

TEST(InstancePlan, RefusesNamesThatNoInstanceCanHave) {
    for (const std::string& name : {std::string("@web"),
                                    std::string("-lb"),
                                    std::string("a b"),
                                    std::string("a\x01"),
                                    std::string(129, 'a'),
                                    std::string("ü")}) {
        const InstancePlan plan = first_plan(edge(), {agent(name, "10.0.0.1:80")}, {});
        EXPECT_THAT(in_words(plan), IsEmpty()) << name;
        EXPECT_EQ(plan.problems.size(), 1U) << name;
    }
}

TEST(InstancePlan, RefusesANewOneAtTheAddressOfAnother) {
    const InstancePlan of_listed =
        first_plan(edge({listed("lb1", "10.0.0.1")}), {agent("lb2", "10.0.0.1:80")}, {});
    EXPECT_THAT(in_words(of_listed), ElementsAre("lb1 10.0.0.1:80"));
    EXPECT_THAT(of_listed.problems,
                ElementsAre("what is registered as lb2 is at 10.0.0.1:80, where lb1 is"));
    const InstancePlan of_registered =
        first_plan(edge(), {agent("lb1", "10.0.0.1:80"), agent("lb2", "10.0.0.1:80")}, {});
    EXPECT_THAT(in_words(of_registered), ElementsAre("lb1 10.0.0.1:80"));
    // Who is here already goes before who comes, whatever the names.
    const InstancePlan of_member =
        first_plan(edge(),
                   {agent("lb1", "10.0.0.1:80"), agent("lb2", "10.0.0.1:80")},
                   {member("lb2", "10.0.0.1")});
    EXPECT_THAT(in_words(of_member), ElementsAre("lb2 10.0.0.1:80"));
}

TEST(InstancePlan, TwoAtOneHostAreTwo) {
    const InstancePlan plan =
        first_plan(edge(), {agent("a", "10.0.0.1:80"), agent("b", "10.0.0.1:81")}, {});
    EXPECT_THAT(in_words(plan), ElementsAre("a 10.0.0.1:80", "b 10.0.0.1:81"));
}

TEST(InstancePlan, RenamesAnLbWithoutCountingItTwice) {
    const InstancePlan plan =
        first_plan(edge(), {agent("new", "10.0.0.1:80")}, {member("old", "10.0.0.1")});
    EXPECT_THAT(in_words(plan), ElementsAre("new 10.0.0.1:80"));
    EXPECT_THAT(plan.notes,
                ElementsAre("fleet edge: new has registered at 10.0.0.1:80",
                            "fleet edge: old is no instance any more: new is at its address now"));
}

TEST(InstancePlan, KeepsBothWhileTwoSwapTheirAddresses) {
    const InstancePlan plan = first_plan(edge(),
                                         {agent("lb1", "10.0.0.2:80"), agent("lb2", "10.0.0.2:80")},
                                         {member("lb1", "10.0.0.1"), member("lb2", "10.0.0.2")});
    EXPECT_THAT(in_words(plan), ElementsAre("lb1 10.0.0.2:80", "lb2 10.0.0.2:80"));
}

TEST(InstancePlan, LetsPeopleRemoveWhatTheyHadListed) {
    const std::vector<InstanceMember> members = {member("lb1", "10.0.0.1", Letter::up, true)};
    const InstancePlan plan = first_plan(edge(), {}, members);
    EXPECT_THAT(plan.instances, IsEmpty()) << "even the last one: it is their word";
    EXPECT_THAT(plan.notes,
                ElementsAre("fleet edge: lb1 is no instance any more: its fleet's spec does not "
                            "list it any more"));
    // Whose agent is registered is one all the same.
    EXPECT_THAT(in_words(first_plan(edge(), {agent("lb1", "10.0.0.1:80")}, members)),
                ElementsAre("lb1 10.0.0.1:80"));
}

TEST(InstancePlan, ForgetsWhoIsUnregisteredAndDownForSoLong) {
    const std::vector<InstanceMember> members = {member("lb1", "10.0.0.1"),
                                                 member("lb2", "10.0.0.2", Letter::down)};
    const std::vector<Registration> registered = {agent("lb1", "10.0.0.1:80")};
    InstancePlan plan = plan_instances(edge(), registered, members, {}, start);
    EXPECT_EQ(plan.instances.size(), 2U);
    EXPECT_EQ(plan.again, start + 1h);
    plan = plan_instances(edge(), registered, members, plan.memory, start + 1h - 1ns);
    EXPECT_EQ(plan.instances.size(), 2U);
    EXPECT_EQ(plan.again, start + 1h);
    plan = plan_instances(edge(), registered, members, plan.memory, start + 1h);
    EXPECT_THAT(in_words(plan), ElementsAre("lb1 10.0.0.1:80"));
    EXPECT_THAT(plan.notes,
                ElementsAre("fleet edge: lb2 is no instance any more: it has been unregistered and "
                            "DOWN for forget_after"));
    EXPECT_THAT(plan.memory.lost, IsEmpty());
}

TEST(InstancePlan, ForgetsAfterTheTimeThatTheFleetSays) {
    config::FleetSpec fleet = edge();
    fleet.health.forget_after = 30s;
    const std::vector<InstanceMember> members = {member("lb1", "10.0.0.1"),
                                                 member("lb2", "10.0.0.2", Letter::down)};
    const InstancePlan plan = plan_instances(fleet, {}, members, {}, start);
    EXPECT_EQ(plan.again, start + 30s);
    EXPECT_THAT(in_words(plan_instances(fleet, {}, members, plan.memory, start + 30s)),
                ElementsAre("lb1 10.0.0.1:80"));
}

/// Something that begins the time anew: what is seen of lb2 half an hour in.
struct Break {
    std::string name;
    std::vector<Registration> registered;
    std::vector<InstanceMember> members;
};

TEST(InstancePlan, CountsOnlyATimeWithoutABreak) {
    const InstanceMember lb1 = member("lb1", "10.0.0.1");
    const InstanceMember lb2 = member("lb2", "10.0.0.2", Letter::down);
    InstanceMember fell_again = lb2;
    fell_again.since = noon + 20min;
    InstanceMember doubted = lb2;
    doubted.doubted = true;
    const std::vector<Break> breaks = {
        {"it was registered", {agent("lb2", "10.0.0.2:80")}, {lb1, lb2}},
        {"it was UP", {}, {lb1, member("lb2", "10.0.0.2")}},
        {"it was unknown", {}, {lb1, member("lb2", "10.0.0.2", Letter::unknown)}},
        {"it was UP unseen, and fell again", {}, {lb1, fell_again}},
        {"its prober doubted itself", {}, {lb1, doubted}},
        {"nobody else served", {}, {member("lb1", "10.0.0.1", Letter::down), lb2}}};
    for (const Break& one : breaks) {
        InstancePlan plan = plan_instances(edge(), {}, {lb1, lb2}, {}, start);
        plan = plan_instances(edge(), one.registered, one.members, plan.memory, start + 30min);
        EXPECT_EQ(plan.instances.size(), 2U) << one.name;
        plan = plan_instances(edge(), {}, {lb1, lb2}, plan.memory, start + 70min);
        EXPECT_EQ(plan.instances.size(), 2U) << one.name;
    }
}

TEST(InstancePlan, ANewMasterCountsAnew) {
    const std::vector<InstanceMember> members = {member("lb1", "10.0.0.1"),
                                                 member("lb2", "10.0.0.2", Letter::down)};
    // DOWN for long, by a wall clock that may be any.
    const InstancePlan plan =
        plan_instances(edge(), {agent("lb1", "10.0.0.1:80")}, members, {}, start + 24h);
    EXPECT_EQ(plan.instances.size(), 2U);
    EXPECT_EQ(plan.again, start + 25h);
}

TEST(InstancePlan, ForgetsAtOnceWhomMusterHasRemovedAndIsDown) {
    std::vector<InstanceMember> members = {member("lb1", "10.0.0.1", Letter::down),
                                           member("lb2", "10.0.0.2")};
    for (InstanceMember& one : members) one.removed = true;
    EXPECT_EQ(plan_instances(edge(), {}, members, {}, start).instances.size(), 1U);
    EXPECT_EQ(
        plan_instances(edge(), {agent("lb1", "10.0.0.1:80")}, members, {}, start).instances.size(),
        2U)
        << "its agent is there";
    members[0].doubted = true;
    EXPECT_EQ(plan_instances(edge(), {}, members, {}, start).instances.size(), 2U);
}

TEST(InstancePlan, ForgetsNoneWhileNobodyServes) {
    const std::vector<InstanceMember> members = {member("lb1", "10.0.0.1", Letter::down),
                                                 member("lb2", "10.0.0.2", Letter::down),
                                                 member("lb3", "10.0.0.3", Letter::unknown)};
    InstancePlan plan = plan_instances(edge(), {}, members, {}, start);
    for (int hours = 1; hours < 50; ++hours) {
        plan = plan_instances(edge(), {}, members, plan.memory, start + hours * 1h);
        ASSERT_EQ(plan.instances.size(), 3U);
    }
}

TEST(InstancePlan, NeverForgetsWhoIsRegisteredOrListedHoweverLongItIsDown) {
    const std::vector<InstanceMember> members = {member("lb1", "10.0.0.1"),
                                                 member("lb2", "10.0.0.2", Letter::down),
                                                 member("lb3", "10.0.0.3", Letter::down, true)};
    const config::FleetSpec fleet = edge({listed("lb3", "10.0.0.3")});
    InstancePlan plan = plan_instances(fleet, {agent("lb2", "")}, members, {}, start);
    plan = plan_instances(fleet, {agent("lb2", "")}, members, plan.memory, start + 1000h);
    EXPECT_EQ(plan.instances.size(), 3U);
}

TEST(InstancePlan, LooksAgainSoonAtWhoMayFall) {
    // What probes find does not wake the master.
    const InstancePlan plan = first_plan(edge(), {}, {member("lb1", "10.0.0.1")});
    EXPECT_EQ(plan.again, start + 1min);
    EXPECT_EQ(first_plan(edge(), {agent("lb1", "10.0.0.1:80")}, {member("lb1", "10.0.0.1")}).again,
              std::nullopt);
}

TEST(InstancePlan, AClockThatStandsStillForgetsNobody) {
    const std::vector<InstanceMember> members = {member("lb1", "10.0.0.1"),
                                                 member("lb2", "10.0.0.2", Letter::down)};
    InstancePlan plan = plan_instances(edge(), {}, members, {}, start);
    for (int i = 0; i < 100; ++i) plan = plan_instances(edge(), {}, members, plan.memory, start);
    EXPECT_EQ(plan.instances.size(), 2U);
}

TEST(InstancePlan, HasAtMostSoManyInstances) {
    std::vector<Registration> registered;
    for (int i = 0; i < 400; ++i)
        registered.push_back(agent(fmt::format("a{:03}", i), fmt::format("10.1.{}.1:80", i % 200)));
    for (int i = 0; i < 400; ++i)
        registered.push_back(
            agent(fmt::format("b{:03}", i), fmt::format("10.2.{}.{}:80", i / 200, i % 200 + 1)));
    // The one that serves unregistered keeps its place.
    const InstancePlan plan =
        first_plan(edge({listed("zz", "10.0.0.1")}), registered, {member("zy", "10.0.0.2")});
    EXPECT_EQ(plan.instances.size(), config::bounds::instances);
    EXPECT_THAT(in_words(plan), testing::Contains("zy 10.0.0.2:80"));
    EXPECT_THAT(in_words(plan), testing::Contains("zz 10.0.0.1:80"));
    EXPECT_THAT(plan.problems.back(),
                HasSubstr("b399 is one too many; a fleet has at most 256 instances"));
}

TEST(InstancePlan, KeepsAllMembersBeyondTheBound) {
    std::vector<InstanceMember> members;
    for (int i = 0; i < 300; ++i)
        members.push_back(
            member(fmt::format("m{:03}", i), fmt::format("10.3.{}.{}", i / 200, i % 200 + 1)));
    const InstancePlan plan = first_plan(edge(), {agent("new", "10.0.0.1:80")}, members);
    EXPECT_EQ(plan.instances.size(), 300U);
}

TEST(InstancePlan, SaysEachThingOnce) {
    const std::vector<Registration> registered = {agent("lb1", "10.0.0.1:80")};
    const InstancePlan plan = first_plan(edge(), registered, {});
    EXPECT_EQ(plan.notes.size(), 1U);
    // The write was refused, so it is planned again.
    const InstancePlan again = plan_instances(edge(), registered, {}, plan.memory, start + 1s);
    EXPECT_EQ(again.instances, plan.instances);
    EXPECT_THAT(again.notes, IsEmpty());
}

TEST(InstancePlan, LeavesNothingToPlanOnceItIsCarriedOut) {
    std::mt19937 random(7);
    const auto dice = [&](int sides) {
        return static_cast<int>(random() % static_cast<unsigned>(sides));
    };
    const auto some_name = [&] { return fmt::format("lb{}", dice(8)); };
    const auto some_host = [&] { return fmt::format("10.0.0.{}", dice(6) + 1); };
    for (int round = 0; round < 2'000; ++round) {
        std::vector<config::FleetInstance> of_people;
        for (int i = dice(3); i > 0; --i) {
            config::FleetInstance one = listed(some_name(), some_host());
            const auto same = [&](const auto& other) {
                return other.id == one.id || other.address == one.address;
            };
            if (std::ranges::none_of(of_people, same)) of_people.push_back(one);
        }
        std::ranges::sort(of_people, {}, &config::FleetInstance::id);
        const config::FleetSpec fleet = edge(of_people);
        std::map<BackendId, Registration> registered_by_id;
        for (int i = dice(5); i > 0; --i) {
            const Registration one = agent(some_name(), dice(4) == 0 ? "?" : some_host() + ":80");
            registered_by_id.insert_or_assign(one.id, one);
        }
        std::vector<Registration> registered;
        for (const auto& [id, one] : registered_by_id) registered.push_back(one);
        std::map<BackendId, InstanceMember> members_by_id;
        for (int i = dice(5); i > 0; --i) {
            const InstanceMember one = member(
                some_name(), some_host(), dice(2) == 0 ? Letter::up : Letter::down, dice(4) == 0);
            members_by_id.insert_or_assign(one.instance.id, one);
        }
        std::vector<InstanceMember> members;
        for (const auto& [id, one] : members_by_id) members.push_back(one);

        const InstancePlan plan = first_plan(fleet, registered, members);
        EXPECT_TRUE(std::ranges::is_sorted(plan.instances, {}, &follow::Instance::id));
        // Who serves stays, unless people or its own successor say otherwise.
        for (const InstanceMember& one : members) {
            const bool stays =
                std::ranges::find(plan.instances, one.instance.id, &follow::Instance::id) !=
                plan.instances.end();
            const bool replaced = std::ranges::any_of(plan.instances, [&](const auto& other) {
                return other.address == one.instance.address && other.port == one.instance.port;
            });
            EXPECT_TRUE(stays || one.listed || replaced) << one.instance.id.str();
        }
        std::vector<InstanceMember> next;
        for (const follow::Instance& one : plan.instances) {
            const bool is_listed = std::ranges::find(of_people,
                                                     InstanceId(one.id.str()),
                                                     &config::FleetInstance::id) != of_people.end();
            next.push_back({.instance = one, .listed = is_listed, .verdict = Letter::up});
        }
        EXPECT_EQ(first_plan(fleet, registered, next).instances, plan.instances);
    }
}

}  // namespace
}  // namespace muster::orchestrator
