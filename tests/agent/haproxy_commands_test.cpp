#include "agent/haproxy_commands.hpp"

#include "tests/agent/haproxy_samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::agent {
namespace {

using test::seen;
using test::server;
using test::web;
using testing::ElementsAre;
using testing::IsEmpty;
using Commands = std::vector<std::string>;

HaproxyPlan plan(const LbState& wanted,
                 const ObservedServers& observed,
                 const HaproxySettings& settings = {}) {
    return plan_commands(wanted, {{"web:http", observed}}, settings).value();
}

TEST(Plan, IsEmptyWhenThereIsNothingToDo) {
    Server down = server("c");
    down.state = ServerState::maintenance;
    down.weight = 0;
    ObservedServer off = seen();
    off.state = ServerState::maintenance;
    EXPECT_EQ(plan(web({server("a"), server("b", "10.0.0.2"), down}),
                   {{"a", seen()}, {"b", seen("10.0.0.2")}, {"c", off}}),
              HaproxyPlan());
}

TEST(Plan, SendsClientsAwayByOneCommandAndTakesThatBack) {
    ObservedServer off = seen("127.0.0.1");
    off.state = ServerState::maintenance;
    LbState wanted = web({server("a")});
    const auto commands = [&](const ObservedServer& now) {
        return plan_commands(
                   wanted, {{"web:http", {{"a", seen()}}}, {"_leaving", {{"clients", now}}}}, {})
            .value();
    };
    EXPECT_EQ(commands(off), HaproxyPlan());
    EXPECT_THAT(commands(seen("127.0.0.1")).commands,
                ElementsAre("set server _leaving/clients state maint"));
    wanted.leaving = true;
    EXPECT_THAT(commands(off).commands, ElementsAre("set server _leaving/clients state ready"));
    EXPECT_EQ(commands(seen("127.0.0.1")), HaproxyPlan());
    EXPECT_THAT(plan(wanted, {{"a", seen()}}).reload, ElementsAre("there is no _leaving"));
    LbState before = wanted;
    before.leaving = false;
    EXPECT_EQ(changes(before, wanted), std::nullopt) << "not the quick way";
    EXPECT_TRUE(changes(wanted, wanted)->leaving);
}

TEST(Plan, IsOneCommandForAFlip) {
    struct Row {
        ServerState was;
        ServerState is;
        std::string_view command;
    };
    for (const Row& row :
         {Row{ServerState::ready, ServerState::maintenance, "set server web:http/a state maint"},
          Row{ServerState::ready, ServerState::drain, "set server web:http/a state drain"},
          Row{ServerState::maintenance, ServerState::ready, "set server web:http/a state ready"},
          Row{ServerState::drain, ServerState::ready, "set server web:http/a state ready"},
          Row{ServerState::drain, ServerState::maintenance, "set server web:http/a state maint"}}) {
        Server wanted = server("a");
        wanted.state = row.is;
        if (row.is != ServerState::ready) wanted.weight = 0;
        ObservedServer now = seen();
        now.state = row.was;
        EXPECT_THAT(plan(web({wanted, server("b")}), {{"a", now}, {"b", seen()}}).commands,
                    ElementsAre(row.command));
    }
}

TEST(Plan, ChangesWeightAndAddressInPlace) {
    Server wanted = server("a", "10.0.0.9");
    wanted.weight = 50;
    EXPECT_THAT(plan(web({wanted}), {{"a", seen()}}).commands,
                ElementsAre("set server web:http/a addr 10.0.0.9 port 80",
                            "set server web:http/a weight 13"));
}

TEST(Plan, LeavesTheWeightOfAServerThatDoesNotServe) {
    Server wanted = server("a");
    wanted.weight = 50;
    wanted.state = ServerState::maintenance;
    ObservedServer now = seen();
    now.state = ServerState::maintenance;
    EXPECT_EQ(plan(web({wanted}), {{"a", now}}), HaproxyPlan());
}

TEST(Plan, AddsBeforeItRemoves) {
    const HaproxyPlan made = plan(web({server("[::1]:80", "::1")}), {{"a", seen()}});
    EXPECT_THAT(made.commands,
                ElementsAre("add server web:http/_5B::1_5D:80 [::1]:80 id 952408 weight 26",
                            "set server web:http/_5B::1_5D:80 state ready",
                            "set server web:http/a state maint",
                            "del server web:http/a"));
    EXPECT_THAT(made.leaving, ElementsAre("web:http/a"));
    EXPECT_THAT(made.reload, IsEmpty());
    EXPECT_FALSE(made.only_removals);
}

TEST(Plan, GivesAnAddedServerItsCookieByAChangeOfItsAddress) {
    LbState state = web({server("a")});
    state.pools[0].lb.sticky_cookie = "SRV";
    EXPECT_THAT(plan(state, {}).commands,
                ElementsAre("add server web:http/a 10.0.0.1:1 id 399572 weight 26",
                            "set server web:http/a addr 10.0.0.1 port 80",
                            "set server web:http/a state ready"));
}

TEST(Plan, AddsAServerInTheStateThatItIsToHave) {
    Server down = server("a");
    down.state = ServerState::maintenance;
    EXPECT_EQ(plan(web({down}), {}).commands.size(), 1U);
    down.state = ServerState::drain;
    EXPECT_EQ(plan(web({down}), {}).commands.back(), "set server web:http/a state drain");
}

TEST(Plan, TakesAnotherNumberWhereOneIsStillInUse) {
    ObservedServer leaving = seen();
    leaving.state = ServerState::maintenance;
    leaving.number = 399572;
    EXPECT_EQ(plan(web({server("a")}), {{"old", leaving}}).commands.front(),
              "add server web:http/a 10.0.0.1:80 id 399573 weight 26");
}

TEST(Plan, EndsSessionsOfARemovedServerOnlyWhenItIsOverdue) {
    ObservedServer leaving = seen();
    leaving.state = ServerState::maintenance;
    const ObservedBackends observed = {{"web:http", {{"a", leaving}}}};
    EXPECT_THAT(plan_commands(web({}), observed, {})->commands,
                ElementsAre("set server web:http/a addr 10.0.0.1 port 1", "del server web:http/a"));
    const HaproxyPlan late = plan_commands(web({}), observed, {}, {"web:http/a"}).value();
    EXPECT_THAT(late.commands,
                ElementsAre("set server web:http/a addr 10.0.0.1 port 1",
                            "shutdown sessions server web:http/a",
                            "del server web:http/a"));
    EXPECT_TRUE(late.only_removals);
}

TEST(Plan, WakesWhatSomeoneStopped) {
    ObservedServer now = seen();
    now.stopped = true;
    EXPECT_THAT(plan(web({server("a")}), {{"a", now}}).commands,
                ElementsAre("set server web:http/a health up"));
    EXPECT_EQ(plan(web({server("a")}), {{"a", now}}, {.own_checks = OwnChecks()}), HaproxyPlan())
        << "with checks of its own, HAProxy has reasons of its own";
}

TEST(Plan, StartsOwnChecksOfAnAddedServer) {
    EXPECT_THAT(plan(web({server("a")}), {}, {.own_checks = OwnChecks()}).commands,
                ElementsAre("add server web:http/a 10.0.0.1:80 id 399572 weight 26 check inter "
                            "10000ms rise 2 fall 3",
                            "enable health web:http/a",
                            "set server web:http/a state ready"));
}

TEST(Plan, KeepsLimitsWhereThePoolHasAny) {
    LbState state = web({server("a"), server("b")});
    state.pools[0].servers[0].max_connections = 10;
    ObservedServer other = seen();
    other.max_connections = 7;
    EXPECT_THAT(plan(state, {{"a", other}, {"b", other}}).commands,
                ElementsAre("set maxconn server web:http/a 10", "set maxconn server web:http/b 0"));
}

TEST(Plan, AsksForAReloadWhereRunTimeDoesNotSuffice) {
    struct Row {
        std::string_view name;
        LbState wanted;
        ObservedBackends observed;
        std::string_view reason;
    };
    ObservedServer named = seen();
    named.host = "b.example.org";
    for (const Row& row :
         {Row{"no backend", web({server("a")}), {}, "there is no backend web:http"},
          Row{"new name",
              web({server("a", "b.example.org")}),
              {{"web:http", {}}},
              "web:http/a has a host name"},
          Row{"other name",
              web({server("a", "c.example.org")}),
              {{"web:http", {{"a", named}}}},
              "web:http/a has another host name"},
          Row{"no name",
              web({server("a")}),
              {{"web:http", {{"a", named}}}},
              "web:http/a has no host name any more"}}) {
        const HaproxyPlan made = plan_commands(row.wanted, row.observed, {}).value();
        EXPECT_THAT(made.reload, ElementsAre(row.reason)) << row.name;
        EXPECT_THAT(made.commands, IsEmpty()) << row.name;
    }
    EXPECT_EQ(plan(web({server("a", "b.example.org")}), {{"a", named}}), HaproxyPlan());
}

TEST(Plan, KeepsTheServersOfAGroupThatIsNotKnown) {
    LbState state = web({});
    state.pools.clear();
    EXPECT_EQ(plan(state, {{"a", seen()}}), HaproxyPlan());
}

TEST(Plan, LeavesNothingToPlanOnceCarriedOut) {
    // What HAProxy shows after the commands, by the words of the commands themselves.
    LbState state = web({server("a"), server("b", "10.0.0.2")});
    state.pools[0].servers[1].state = ServerState::drain;
    ObservedServers now;
    for (const std::string& command : plan(state, {}).commands) {
        const std::string name = command.substr(command.find('/') + 1, 1);
        if (command.starts_with("add ")) now[name] = seen(name == "a" ? "10.0.0.1" : "10.0.0.2");
        if (command.ends_with("drain")) now[name].state = ServerState::drain;
    }
    EXPECT_EQ(plan(state, now), HaproxyPlan());
}

TEST(Changes, AreTheServersThatDiffer) {
    const LbState before = web({server("a"), server("b"), server("c")});
    EXPECT_EQ(changes(before, before), (LbState{.listeners = before.listeners}));
    LbState wanted = before;
    wanted.pools[0].servers[1].state = ServerState::maintenance;
    LbState part = wanted;
    part.pools[0].servers = {wanted.pools[0].servers[1]};
    EXPECT_EQ(changes(before, wanted), part);
    wanted.pools[0].servers[0].max_connections = 9;
    EXPECT_EQ(changes(before, wanted), wanted) << "one without a limit has to be told so";
}

TEST(Changes, AreOfTheSameServersInTheSamePools) {
    const LbState before = web({server("a"), server("b")});
    EXPECT_EQ(changes(before, web({server("a")})), std::nullopt);
    EXPECT_EQ(changes(before, web({server("a"), server("c")})), std::nullopt);
    EXPECT_EQ(changes(before, web({server("a"), server("b"), server("c")})), std::nullopt);
    LbState other = before;
    other.pools[0].group = GroupName("api");
    EXPECT_EQ(changes(before, other), std::nullopt);
    other = before;
    other.listeners[0].port = 1;
    EXPECT_EQ(changes(before, other), std::nullopt);
    other = before;
    other.pools.clear();
    EXPECT_EQ(changes(before, other), std::nullopt);
}

TEST(Changes, ArePlannedAsIfThereWereNoOtherServers) {
    const ObservedBackends observed = {{"web:http", {{"a", seen()}, {"b", seen("10.0.0.2")}}},
                                       {"other:http", {{"a", seen()}}}};
    EXPECT_EQ(seen_of(web({server("b"), server("c")}), observed),
              (ObservedBackends{{"web:http", {{"b", seen("10.0.0.2")}}}}));
    EXPECT_EQ(seen_of({.listeners = web({}).listeners}, observed),
              (ObservedBackends{{"web:http", {}}}));
}

TEST(Expect, LeavesNothingToPlan) {
    Server moved = server("a", "10.0.0.9");
    moved.weight = 50;
    Server down = server("b");
    down.state = ServerState::maintenance;
    Server limited = server("c");
    limited.max_connections = 7;
    Server drains = server("d");
    drains.state = ServerState::drain;
    const LbState wanted = web({moved, down, limited, drains});
    ObservedServer stopped = seen();
    stopped.stopped = true;
    ObservedServer off = seen();
    off.state = ServerState::maintenance;
    ObservedBackends observed = {
        {"web:http", {{"a", off}, {"b", seen()}, {"c", stopped}, {"d", seen()}}},
        {"other:http", {{"a", off}}}};
    EXPECT_EQ(plan_commands(wanted, observed, {}).value().commands.size(), 7U);
    expect(wanted, {}, observed);
    EXPECT_EQ(plan_commands(wanted, observed, {}), HaproxyPlan());
    EXPECT_EQ(observed.at("other:http").at("a"), off);
}

TEST(Expect, AddsAndRemovesNothing) {
    ObservedBackends observed = {{"web:http", {{"gone", seen()}}}};
    const ObservedBackends before = observed;
    expect(web({server("new")}), {}, observed);
    EXPECT_EQ(observed, before);
}

TEST(Judge, TakesNothingForGoodThatItDoesNotKnow) {
    struct Row {
        std::string_view command;
        std::string_view answer;
        Verdict verdict;
    };
    constexpr std::string_view move = "set server b/s addr 10.0.0.1 port 80";
    for (const Row& row : {
             Row{"set server b/s state maint", "", Verdict::done},
             Row{"set server b/s state maint", "\n", Verdict::done},
             Row{"set server b/s state maint", "No such server.", Verdict::failed},
             Row{"set server b/s weight 300", "Absolute weight can only be ..", Verdict::failed},
             Row{"add server b/s 10.0.0.1:80", "New server registered.\n", Verdict::done},
             Row{"add server b/s 10.0.0.1:80", "Already exists a server ..", Verdict::failed},
             Row{"set server b/s state maint", "New server registered.", Verdict::failed},
             Row{"del server b/s", "Server deleted.", Verdict::done},
             Row{"del server b/s",
                 "Server still has connections attached to it, cannot remove it.",
                 Verdict::busy},
             Row{"del server b/s", "Only servers in maintenance mode can ..", Verdict::failed},
             Row{move,
                 "no need to change the addr, port changed from '1' to '80' by 'stats socket "
                 "command'",
                 Verdict::done},
             Row{move,
                 "IP changed from '10.0.0.2' to '10.0.0.1', no need to change the port by 'stats "
                 "socket command'",
                 Verdict::done},
             Row{move, "Invalid addr format.", Verdict::failed},
             Row{move, "Permission denied", Verdict::failed},
         }) {
        EXPECT_EQ(judge(row.command, row.answer), row.verdict) << row.command << ": " << row.answer;
    }
}

}  // namespace
}  // namespace muster::agent
