#include "orchestrator/scaling_view.hpp"

#include "common/follow/instance_group.hpp"
#include "orchestrator/hosts_provider.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using znodes::InstancePhase;
const FleetName edge("edge");
using Ids = std::set<InstanceId>;

/// A fleet with a provider, whose state says so many.
class Tree {
 public:
    explicit Tree(int target) {
        auto spec = std::make_shared<config::FleetSpec>();
        spec->name = edge;
        spec->provider = config::FleetProvider{.name = "local"};
        spec->scaling = config::ScalingSpec{.min = 1, .max = 9};
        follow::FleetView& fleet = view.fleets[edge];
        fleet.head = follow::Versioned<znodes::GroupHead>{.value = {.uid = "u"}};
        fleet.spec = std::move(spec);
        view.managed[edge].state =
            follow::Versioned<znodes::FleetState>{.value = {.fleet_uid = "u", .target = target}};
    }
    void record(const char* id, InstancePhase phase) {
        view.managed[edge].instances[InstanceId(id)] = {
            .value = {.fleet_uid = "u", .phase = phase, .provider = "local"}};
    }
    /// Members of the fleet's group; their agents are registered.
    void run(std::initializer_list<const char*> ids) {
        znodes::ShardMembers members{.group_uid = "u"};
        for (const char* const id : ids) {
            members.slots.push_back({.backend = BackendId(id), .address = "192.0.2.1:80"});
            view.agents[{edge, InstanceId(id)}] = {.value = {.incarnation = "life"}};
        }
        follow::GroupView& group = view.groups[follow::instance_group(edge)];
        group.head = follow::Versioned<znodes::GroupHead>{.value = {.uid = "u"}};
        group.shards[0].members = follow::Versioned<znodes::ShardMembers>{.value = members};
    }
    follow::ClusterView view;
};

TEST(HeldBack, WhatIsNotInService) {
    Tree tree(3);
    tree.record("edge-1-1", InstancePhase::serving);
    tree.record("edge-1-2", InstancePhase::warming);
    tree.record("edge-2-1", InstancePhase::booting);
    EXPECT_EQ(
        held_back(tree.view, edge),
        (HeldBack{.for_now = {InstanceId("edge-1-2")}, .for_good = {InstanceId("edge-2-1")}}));
}

TEST(HeldBack, MachinesOfOursWithoutARecordAndNotThoseOfPeople) {
    Tree tree(2);
    tree.record("edge-1-1", InstancePhase::serving);
    tree.record("edge-1-2", InstancePhase::serving);
    tree.run({"edge-1-1", "edge-1-2", "edge-5-9", "by-hand"});
    EXPECT_EQ(held_back(tree.view, edge), (HeldBack{.for_good = {InstanceId("edge-5-9")}}));
}

TEST(HeldBack, IsUnknownWhenTheRecordsDoNotAddUp) {
    Tree tree(2);
    tree.record("edge-1-1", InstancePhase::serving);
    EXPECT_EQ(held_back(tree.view, edge), std::nullopt);
    tree.record("edge-1-2", InstancePhase::serving);
    EXPECT_EQ(held_back(tree.view, edge), HeldBack{});
    tree.view.managed[edge].instances[InstanceId("edge-1-2")].gone = true;
    EXPECT_EQ(held_back(tree.view, edge), std::nullopt) << "it has vanished";
    tree.view.managed[edge].state->garbage = true;
    EXPECT_EQ(held_back(tree.view, edge), std::nullopt);
}

/// Restored from a backup of before the fleet was managed: all that serves has no record.
TEST(HeldBack, IsUnknownWhereMoreRunWithoutARecordThanServe) {
    Tree tree(1);
    tree.record("edge-7-1", InstancePhase::serving);
    tree.run({"edge-7-1", "edge-3-1", "edge-3-2"});
    EXPECT_EQ(held_back(tree.view, edge), std::nullopt);
    tree.view.agents.erase({edge, InstanceId("edge-3-1")});
    tree.view.agents.erase({edge, InstanceId("edge-3-2")});
    ASSERT_TRUE(held_back(tree.view, edge)) << "they were removed";
    EXPECT_EQ(removed_instances(tree.view, edge),
              (Ids{InstanceId("edge-3-1"), InstanceId("edge-3-2")}));
}

TEST(HeldBack, OneThatCameToItsEndUnseenHoldsUpNothing) {
    Tree tree(1);
    tree.record("edge-1-1", InstancePhase::serving);
    tree.record("edge-1-2", InstancePhase::serving);
    tree.view.managed[edge].instances[InstanceId("edge-1-2")].gone = true;
    EXPECT_EQ(held_back(tree.view, edge), HeldBack{});
}

TEST(FleetFacts, MachinesAreListedOnceInTwoPeriodsWithinBounds) {
    const auto listed_every = [](std::chrono::seconds period) {
        Tree tree(1);
        auto spec = std::make_shared<config::FleetSpec>(*tree.view.fleets[edge].spec);
        spec->scaling->period = period;
        tree.view.fleets[edge].spec = std::move(spec);
        return facts_of_fleet(tree.view, edge, nullptr, {}, {}, WallTime{10'000s}, SteadyTime{})
            .settings.list_every;
    };
    EXPECT_EQ(listed_every(1s), 5s);
    EXPECT_EQ(listed_every(5s), 10s);
    EXPECT_EQ(listed_every(15s), 30s);
    EXPECT_EQ(listed_every(10min), 30s);
}

TEST(FleetFacts, WithoutItsStateAFleetIsBegunAnewByWhatIsThere) {
    Tree tree(2);
    tree.record("edge-1-1", InstancePhase::serving);
    auto& state = *tree.view.managed[edge].state;
    state.value.generation = 7;
    state.gone = true;
    FleetFacts facts = facts_of_fleet(tree.view, edge, nullptr, {}, {}, {}, {});
    EXPECT_EQ(facts.unreadable, "");
    EXPECT_EQ(facts.view.state, std::nullopt);
    EXPECT_EQ(facts.view.seen_generation, 7);
    EXPECT_EQ(facts.view.instances.size(), 1U);
    EXPECT_EQ(held_back(tree.view, edge), std::nullopt) << "its names stay as they are";
    state.gone = false;
    state.garbage = true;
    facts = facts_of_fleet(tree.view, edge, nullptr, {}, {}, {}, {});
    EXPECT_NE(facts.unreadable, "");
}

TEST(InformedOf, IsWhatTheTreeSaysAndElseSinceWhenTheFleetIsToBeSized) {
    Tree tree(1);
    tree.view.fleets[edge].head->value.time = WallTime{10s};
    znodes::FleetState& state = tree.view.managed[edge].state->value;
    EXPECT_EQ(informed_of(tree.view, edge), WallTime{10s});
    state.founded = WallTime{20s};
    EXPECT_EQ(informed_of(tree.view, edge), WallTime{20s});
    state.history.last = WallTime{25s};
    EXPECT_EQ(informed_of(tree.view, edge), WallTime{25s}) << "of an earlier build";
    state.informed = WallTime{30s};
    EXPECT_EQ(informed_of(tree.view, edge), WallTime{30s});
    EXPECT_EQ(scaling_rows(tree.view).at(edge).informed, WallTime{30s});
    tree.view.managed[edge].state->gone = true;
    EXPECT_EQ(informed_of(tree.view, edge), WallTime{30s}) << "nothing is known of a later one";
    state.fleet_uid = "an earlier life";
    EXPECT_EQ(informed_of(tree.view, edge), WallTime{10s});
    tree.view.managed.clear();
    EXPECT_EQ(scaling_rows(tree.view).at(edge).informed, WallTime{10s}) << "it never began";
}

TEST(OthersOf, AreListedOrRegisteredAndHaveNoRecord) {
    Tree tree(1);
    tree.record("edge-1-1", InstancePhase::serving);
    tree.run({"edge-1-1", "edge-5-9", "by-hand"});
    EXPECT_EQ(others_of(tree.view, edge), (Ids{InstanceId("by-hand")}));
    auto spec = std::make_shared<config::FleetSpec>(*tree.view.fleets[edge].spec);
    spec->provider.reset();
    spec->instances.push_back({.id = InstanceId("listed")});
    spec->scaling->shadow = true;
    tree.view.fleets[edge].spec = std::move(spec);
    EXPECT_EQ(others_of(tree.view, edge),
              (Ids{InstanceId("by-hand"), InstanceId("edge-5-9"), InstanceId("listed")}));
    EXPECT_EQ(scaling_rows(tree.view).at(edge).others, 3);
    EXPECT_EQ(removed_instances(tree.view, edge), Ids{}) << "they are people's";
}

TEST(SeenFleet, KeepsTheHighestGenerationAndTheLatestBeginning) {
    SeenFleet seen = remember({}, "u", {.generation = 7, .founded = WallTime{5s}});
    seen = remember(seen, "u", {.generation = 3, .founded = WallTime{9s}});
    EXPECT_EQ(seen, (SeenFleet{.uid = "u", .generation = 7, .founded = WallTime{9s}}));
    scaler::LifecycleView view;
    recall(seen, "another life", view);
    EXPECT_EQ(view.seen_generation, 0);
    recall(seen, "u", view);
    EXPECT_EQ(view.seen_generation, 7);
    EXPECT_EQ(view.seen_founded, WallTime{9s});
    EXPECT_EQ(remember(seen, "another life", {.generation = 1}).generation, 1);
}

TEST(FleetFacts, ADownThatIsNotOfNowIsUnknown) {
    Tree tree(1);
    tree.record("edge-1-1", InstancePhase::serving);
    const WallTime now{10'000s};
    const auto verdict = [&](const NodeId& owner, WallTime progress, bool doubt) {
        Snapshot snapshot;
        auto spec = std::make_shared<config::GroupSpec>();
        spec->name = follow::instance_group(edge);
        snapshot.groups.push_back(std::make_shared<GroupRow>(GroupRow{
            .spec = spec,
            .backends = {{.id = BackendId("edge-1-1"),
                          .verdict = znodes::Letter::down,
                          .since = now - 400s,
                          .shard = 0}},
            .shards = {{.number = 0, .owner = owner, .progress_time = progress, .doubt = doubt}}}));
        const FleetFacts facts =
            facts_of_fleet(tree.view, edge, &snapshot, {}, {}, now, SteadyTime{});
        return facts.view.sights.at(InstanceId("edge-1-1")).verdict;
    };
    const NodeId n1("n1");
    EXPECT_EQ(verdict(n1, now - 5s, false), scaler::Verdict::down);
    EXPECT_EQ(verdict(n1, now - 5s, true), scaler::Verdict::unknown);
    EXPECT_EQ(verdict(n1, now - 31s, false), scaler::Verdict::unknown);
    EXPECT_EQ(verdict(NodeId(), now - 5s, false), scaler::Verdict::unknown);
    tree.view.control = follow::Versioned<znodes::Control>{.value = {.pause = {.status = true}}};
    EXPECT_EQ(verdict(n1, now - 5s, false), scaler::Verdict::unknown);
}

/// One that is lost for good holds up nothing: its LBs are known to be gone.
TEST(HostsGivenUp, CountAsEmptyUntilTheyAreMembersAgain) {
    Tree tree(2);
    tree.record("edge-1-1", InstancePhase::serving);
    tree.record("edge-1-2", InstancePhase::serving);
    follow::ManagedFleet& fleet = tree.view.managed[edge];
    const NodeId n1("n1");
    const NodeId n2("n2");
    fleet.instances[InstanceId("edge-1-1")].value.host = "n1";
    fleet.instances[InstanceId("edge-1-2")].value.host = "n2";
    tree.view.members[n1] = {.value = {.node = n1, .providers = {"local"}}};
    fleet.hosts[n2] = {.value = {.provider = "local", .machines = {{InstanceId("edge-1-2")}}}};
    const auto reachable = [&] {
        const FleetFacts facts = facts_of_fleet(tree.view,
                                                edge,
                                                nullptr,
                                                {.places = true, .asks_hosts = true},
                                                {},
                                                WallTime{1'000s},
                                                SteadyTime{} + 1h);
        return facts.view.sights.at(InstanceId("edge-1-2")).host_reachable;
    };
    EXPECT_EQ(hosts_to_ask(tree.view, edge, "local"), (std::set{n1, n2}));
    EXPECT_FALSE(reachable());
    fleet.hosts[n2].value = {.provider = "local", .lost = WallTime{900s}, .lost_by = "alice"};
    EXPECT_EQ(hosts_to_ask(tree.view, edge, "local"), std::set{n1});
    EXPECT_TRUE(reachable());
    tree.view.members[n2] = {.value = {.node = n2, .providers = {"local"}}};
    EXPECT_EQ(hosts_to_ask(tree.view, edge, "local"), (std::set{n1, n2})) << "it is back";
    EXPECT_FALSE(reachable()) << "and will tell";
}

/// `places: true` of a program or a service: no node lists what runs on it.
TEST(FleetFacts, HostsOfAProviderThatPlacesByItselfAreUsable) {
    Tree tree(0);
    const NodeId n1("n1");
    tree.view.members[n1] = {.value = {.node = n1, .zone = "a", .providers = {"local"}}};
    const auto usable = [&](const scaler::ProviderAbilities& abilities) {
        const FleetFacts facts =
            facts_of_fleet(tree.view, edge, nullptr, abilities, {}, WallTime{1s}, SteadyTime{});
        return !facts.view.hosts.empty() && facts.view.hosts.front().usable;
    };
    EXPECT_FALSE(usable({}));
    EXPECT_FALSE(usable({.places = true, .asks_hosts = true})) << "it hasn't told yet";
    EXPECT_TRUE(usable({.places = true}));
    tree.view.members[n1].value.drain = true;
    EXPECT_FALSE(usable({.places = true}));
}

TEST(FleetFacts, ConnectionsThatAreOldOrOfAnotherClockAreUnknown) {
    using Connections = std::optional<std::int64_t>;
    const InstanceId lb("edge-1-1");
    const WallTime now{10'000s};
    const auto seen = [&](InstancePhase phase, WallTime counted) {
        Tree tree(1);
        tree.record("edge-1-1", phase);
        tree.run({"edge-1-1"});
        tree.view.agents.at({edge, lb}).value.connections = {.open = 7, .counted = counted};
        return facts_of_fleet(tree.view, edge, nullptr, {}, {}, now, SteadyTime{})
            .view.sights.at(lb);
    };
    EXPECT_EQ(seen(InstancePhase::serving, now - 600s).connections, 7);
    EXPECT_EQ(seen(InstancePhase::serving, now - 601s).connections, Connections());
    EXPECT_EQ(seen(InstancePhase::draining, now - 15s).connections, 7);
    EXPECT_EQ(seen(InstancePhase::draining, now - 15s).counted, now - 15s);
    EXPECT_EQ(seen(InstancePhase::draining, now - 16s).connections, Connections());
    EXPECT_EQ(seen(InstancePhase::draining, now + 5s).connections, 7);
    EXPECT_EQ(seen(InstancePhase::draining, now + 6s).connections, Connections());
    Tree tree(1);
    tree.record("edge-1-1", InstancePhase::draining);
    const auto without =
        facts_of_fleet(tree.view, edge, nullptr, {}, {}, now, SteadyTime{}).view.sights.at(lb);
    EXPECT_EQ(without.connections, Connections()) << "no agent";
}

TEST(FleetFacts, MachinesWithoutARecordAreLookedUpInDns) {
    Tree tree(0);
    auto spec = std::make_shared<config::FleetSpec>(*tree.view.fleets.at(edge).spec);
    spec->dns = {{.name = "api.muster.test"}};
    tree.view.fleets.at(edge).spec = spec;
    const InstanceId stray("edge-9-1");
    tree.view.managed.at(edge).state->value.orphans[stray] = {};
    for (const bool out : {true, false}) {
        const auto dns = [&](const FleetName&, const InstanceId&) {
            return dnsupdate::OutOfDns{.out = out, .why = "it is there", .published = !out};
        };
        const scaler::Sight sight =
            facts_of_fleet(tree.view, edge, nullptr, {}, dns, WallTime(10'000s), SteadyTime{})
                .view.sights.at(stray);
        EXPECT_EQ(sight.out_of_dns, out);
        EXPECT_EQ(sight.published, !out);
        EXPECT_EQ(sight.in_dns, "it is there");
    }
}

TEST(FleetFacts, DnsIsAskedForAsLongAsTheFleetWasNamed) {
    Tree tree(1);
    tree.record("edge-1-1", InstancePhase::serving);
    const auto dns = [](const FleetName&, const InstanceId&) {
        return dnsupdate::OutOfDns{.why = "it is there"};
    };
    for (const bool named : {false, true}) {
        tree.view.managed.at(edge).state->value.named = named;
        const FleetFacts facts =
            facts_of_fleet(tree.view, edge, nullptr, {}, dns, WallTime(10'000s), SteadyTime{});
        EXPECT_FALSE(facts.settings.named) << "by its spec";
        EXPECT_EQ(facts.view.sights.at(InstanceId("edge-1-1")).out_of_dns, !named);
    }
}

TEST(FleetFacts, HostsAreReachableSinceTheyCameBackOrTheTermBegan) {
    FleetFacts facts;
    facts.asks_hosts = true;
    const InstanceId here("edge-1-1");
    const InstanceId there("edge-1-2");
    facts.view.instances[here].host = "n1";
    facts.view.instances[there].host = "n2";
    ReachableHosts hosts;
    const auto look = [&](WallTime now, bool both) {
        facts.view.now = now;
        facts.view.sights[here].host_reachable = true;
        facts.view.sights[there].host_reachable = both;
        note_hosts(facts, hosts);
        return facts.view.sights;
    };
    EXPECT_EQ(look(WallTime(100s), true).at(there).host_since, WallTime(100s));
    EXPECT_EQ(look(WallTime(110s), true).at(there).host_since, WallTime(100s));
    look(WallTime(120s), false);
    EXPECT_EQ(look(WallTime(130s), true).at(there).host_since, WallTime(130s));
    EXPECT_EQ(look(WallTime(140s), true).at(here).host_since, WallTime(100s));
    EXPECT_EQ(look(WallTime(90s), true).at(here).host_since, WallTime(90s)) << "set back";
    facts.asks_hosts = false;
    facts.view.sights.clear();
    EXPECT_EQ(look(WallTime(150s), true).at(here).host_since, WallTime{});
}

TEST(NotesOfADecision, AreTheNewestTicks) {
    FleetScalingNotes notes;
    constexpr int more = 3;
    for (int i = 1; i <= static_cast<int>(max_scaling_ticks) + more; ++i)
        note_decision(notes,
                      {.was = i - 1, .wanted = i + 1, .size = i},
                      {.size = i},
                      {.size = i},
                      WallTime(std::chrono::seconds(i)));
    ASSERT_EQ(notes.ticks.size(), max_scaling_ticks);
    EXPECT_EQ(notes.ticks.front(),
              (ScalingTick{.at = WallTime(4s), .was = 3, .wanted = 5, .size = 4}));
    EXPECT_EQ(notes.ticks.back().size, 243);
    EXPECT_EQ(notes.decided, WallTime(243s));
    EXPECT_TRUE(notes.decision.contains("\"size\":243")) << notes.decision;
}

TEST(ScalingRows, HaveWhatTheTreeSays) {
    Tree tree(2);
    tree.record("edge-1-1", InstancePhase::serving);
    tree.record("edge-2-1", InstancePhase::booting);
    const WallTime start(100s);
    znodes::FleetState& state = tree.view.managed[edge].state->value;
    state.intent = znodes::FleetIntent{.generation = 2,
                                       .ids = {InstanceId("edge-2-1")},
                                       .started = start,
                                       .deadline = start + 10min};
    state.back_off = {.failures = 1, .failed = start, .until = start + 5min};
    const ScalingRow row = scaling_rows(tree.view).at(edge);
    EXPECT_EQ(row.min, 1);
    EXPECT_EQ(row.max, 9);
    EXPECT_EQ(row.target, 2);
    EXPECT_EQ(row.under_way, "out");
    EXPECT_EQ(row.intent,
              (ScalingIntentRow{.making = {InstanceId("edge-2-1")},
                                .leaving = {},
                                .started = start,
                                .deadline = start + 10min}));
    EXPECT_EQ(row.creates_failed, 1);
    EXPECT_EQ(row.creates_again, start + 5min);
    EXPECT_EQ(row.machines.size(), 2U);
}

}  // namespace
}  // namespace muster::orchestrator
