#include "orchestrator/outlier_notes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using config::OutlierAction;
using znodes::Ejection;
using znodes::OutlierSign;

const WallTime wall = WallTime(1'700'000'000'000ms);
const BackendId one("b1");
const BackendId two("b2");

follow::Versioned<znodes::LbEvidence> said_by(const std::string& instance,
                                              std::vector<BackendId> backends,
                                              int seen = 10) {
    znodes::LbEvidence evidence{.stamp = {.cluster = "uuid", .sequence = 5},
                                .fleet = FleetName("edge"),
                                .instance = InstanceId(instance),
                                .incarnation = "i1",
                                .group_uid = "g1",
                                .seen = seen,
                                .found = static_cast<int>(backends.size())};
    for (const BackendId& backend : backends) evidence.outliers.push_back({.backend = backend});
    return {.value = evidence};
}

const Electorate three = {{"edge:lb1", "i1"}, {"edge:lb2", "i1"}, {"edge:lb3", "i1"}};

Witnesses heard(const follow::GroupEvidence& evidence, const Electorate& electorate = three) {
    Newest newest;
    return witnesses_of(evidence, "g1", electorate, newest);
}

/// "edge:lb1 edge:lb2-": of a backend; a minus: does not count.
std::string of(const Witnesses& witnesses, const BackendId& backend) {
    std::string text;
    const auto found = witnesses.find(backend);
    if (found == witnesses.end()) return text;
    for (const Witness& witness : found->second)
        text += (text.empty() ? "" : " ") + witness.lb + (witness.counts ? "" : "-");
    return text;
}

TEST(Witnesses, AreThoseWhoNameABackend) {
    const Witnesses witnesses = heard({{"edge:lb1", said_by("lb1", {one})},
                                       {"edge:lb2", said_by("lb2", {one, two})},
                                       {"edge:lb3", said_by("lb3", {})}});
    EXPECT_EQ(of(witnesses, one), "edge:lb1 edge:lb2");
    EXPECT_EQ(of(witnesses, two), "edge:lb2");
    EXPECT_EQ(witnesses.size(), 2U);
}

TEST(Witnesses, AreHeardOnlyInTheirOwnNameAndOfThisGroup) {
    auto garbage = said_by("lb1", {one});
    garbage.garbage = true;
    EXPECT_EQ(of(heard({{"edge:lb1", garbage}}), one), "");
    EXPECT_EQ(of(heard({{"edge:lb2", said_by("lb1", {one})}}), one), "") << "another's name";
    EXPECT_EQ(of(heard({{"core:lb1", said_by("lb1", {one})}}), one), "") << "another fleet's";
    auto earlier = said_by("lb1", {one});
    earlier.value.group_uid = "g0";
    EXPECT_EQ(of(heard({{"edge:lb1", earlier}}), one), "") << "an earlier group of that name";
}

TEST(Witnesses, CountWhenTheyAreRegistered) {
    EXPECT_EQ(of(heard({{"edge:lb1", said_by("lb1", {one})}}, {}), one), "edge:lb1-");
    EXPECT_EQ(of(heard({{"edge:lb1", said_by("lb1", {one})}}, {{"edge:lb1", "i2"}}), one),
              "edge:lb1-")
        << "left by an agent that is no more";
}

TEST(Witnesses, DoNotCountWhenMostOfWhatTheySeeFails) {
    const auto seeing = [](int seen, int found) {
        auto said = said_by("lb1", {one, two}, seen);
        said.value.found = found;
        return of(heard({{"edge:lb1", said}}), one);
    };
    EXPECT_EQ(seeing(4, 2), "edge:lb1");
    EXPECT_EQ(seeing(3, 2), "edge:lb1-");
    EXPECT_EQ(seeing(2, 2), "edge:lb1-") << "all that it sees";
    EXPECT_EQ(seeing(0, 2), "edge:lb1-");
    EXPECT_EQ(seeing(100, 51), "edge:lb1-") << "more than it has room for";
    EXPECT_EQ(seeing(3, 0), "edge:lb1-") << "more than it says";
}

TEST(Witnesses, AreNotHeardTwiceInTheWrongOrder) {
    Newest newest;
    auto said = said_by("lb1", {one});
    EXPECT_EQ(of(witnesses_of({{"edge:lb1", said}}, "g1", three, newest), one), "edge:lb1");
    EXPECT_EQ(of(witnesses_of({{"edge:lb1", said}}, "g1", three, newest), one), "edge:lb1");
    said.value.stamp.sequence = 4;
    EXPECT_EQ(of(witnesses_of({{"edge:lb1", said}}, "g1", three, newest), one), "");
    said.value.incarnation = "i2";
    EXPECT_EQ(of(witnesses_of({{"edge:lb1", said}}, "g1", three, newest), one), "edge:lb1-");
    EXPECT_TRUE(witnesses_of({}, "g1", three, newest).empty());
    EXPECT_TRUE(newest.empty()) << "who is gone is forgotten";
}

TEST(Electorates, AreTheRegisteredLbsOfFleetsWithTheGroup) {
    follow::ClusterView view;
    const auto fleet = [&](const std::string& name, const std::string& group) {
        follow::FleetView& added = view.fleets[FleetName(name)];
        added.head = follow::Versioned<znodes::GroupHead>{};
        added.spec = std::make_shared<const config::FleetSpec>(config::FleetSpec{
            .name = FleetName(name), .listeners = {{.name = "m", .group = GroupName(group)}}});
    };
    const auto agent = [&](const std::string& name, const std::string& instance) {
        view.agents[{FleetName(name), InstanceId(instance)}].value.incarnation = "i-" + instance;
    };
    fleet("edge", "web");
    fleet("core", "web");
    fleet("mail", "smtp");
    agent("edge", "lb1");
    agent("edge", "lb2");
    agent("core", "lb1");
    agent("mail", "lb1");
    agent("gone", "lb1");
    EXPECT_EQ(electorate_of(view, GroupName("web")),
              (Electorate{{"core:lb1", "i-lb1"}, {"edge:lb1", "i-lb1"}, {"edge:lb2", "i-lb2"}}));
    view.agents[{FleetName("edge"), InstanceId("lb2")}].garbage = true;
    view.fleets[FleetName("core")].head->value.deleted = true;
    EXPECT_EQ(electorate_of(view, GroupName("web")), (Electorate{{"edge:lb1", "i-lb1"}}));
    EXPECT_EQ(electorate_of(view, GroupName("none")), Electorate{});
}

/// The seconds, of the first 60, at which its probe comes at once while it is named all the time.
std::vector<double> probed(const config::CheckSpec& check, bool succeeds) {
    OutlierNotes notes;
    std::vector<double> seconds;
    for (std::chrono::milliseconds at{0}; at < 60s; at += 50ms) {
        if (probe_at_once(notes, check, succeeds, SteadyTime(1h) + at))
            seconds.push_back(std::chrono::duration<double>(at).count());
    }
    return seconds;
}

TEST(ProbesAtOnce, BecomeFewerWhileTheCheckSucceeds) {
    EXPECT_EQ(probed({.interval = 10s}, true),
              (std::vector<double>{0, 1, 3, 7, 15, 25, 35, 45, 55}));
    EXPECT_EQ(probed({.interval = 20s, .fast_interval = 5s}, true),
              (std::vector<double>{0, 5, 15, 35, 55}));
    EXPECT_EQ(probed({.interval = 30s, .fast_interval = 60s}, true), (std::vector<double>{0, 30}))
        << "the interval at most";
}

TEST(ProbesAtOnce, GoOnWhileItFails) {
    EXPECT_EQ(probed({.interval = 10s}, false).size(), 60U);
    EXPECT_EQ(probed({.interval = 10s, .fast_interval = 500ms}, false).size(), 120U);
    EXPECT_EQ(probed({.interval = 500ms}, false).size(), 120U);
    EXPECT_EQ(probed({.interval = 10s, .fast_interval = 20s}, false).size(), 6U);
}

TEST(ProbesAtOnce, ComeSoonAgainWhenTheCheckBeginsToFail) {
    const config::CheckSpec check{.interval = 10s};
    OutlierNotes notes;
    SteadyTime now(1h);
    for (; now < SteadyTime(1h) + 30s; now += 50ms) (void)probe_at_once(notes, check, true, now);
    const SteadyTime last = *notes.probed;
    EXPECT_TRUE(probe_at_once(notes, check, false, last + 1s));
    EXPECT_FALSE(probe_at_once(notes, check, false, last + 1'999ms));
    EXPECT_TRUE(probe_at_once(notes, check, false, last + 2s));
}

TEST(ProbesAtOnce, AreRememberedForAnInterval) {
    const config::CheckSpec check{.interval = 10s};
    OutlierNotes notes;
    EXPECT_TRUE(is_over(notes, check, SteadyTime(1h)));
    ASSERT_TRUE(probe_at_once(notes, check, true, SteadyTime(1h)));
    EXPECT_FALSE(is_over(notes, check, SteadyTime(1h) + 9'999ms));
    EXPECT_TRUE(is_over(notes, check, SteadyTime(1h) + 10s));
}

std::vector<Witness> lbs(int count, std::int64_t finding = 1) {
    std::vector<Witness> witnesses;
    for (int i = 1; i <= count; ++i)
        witnesses.push_back(
            {.lb = "edge:lb" + std::to_string(i), .incarnation = "i1", .finding = finding});
    return witnesses;
}

const config::OutlierSpec ejecting{.action = OutlierAction::eject};

TEST(Ejecting, NeedsMoreThanHalfOfTheLbs) {
    struct Row {
        int witnesses;
        std::size_t electorate;
        bool ejects;
    };
    for (const Row& row : {Row{1, 1, true},
                           Row{1, 2, false},
                           Row{2, 2, true},
                           Row{1, 3, false},
                           Row{2, 3, true},
                           Row{2, 4, false},
                           Row{3, 4, true},
                           Row{3, 5, true},
                           Row{50, 100, false},
                           Row{51, 100, true},
                           Row{0, 0, false},
                           Row{0, 1, false}}) {
        OutlierNotes notes;
        const auto ejection = eject(notes, {}, ejecting, lbs(row.witnesses), row.electorate, wall);
        EXPECT_EQ(ejection.has_value(), row.ejects) << row.witnesses << "/" << row.electorate;
    }
}

TEST(Ejecting, TellsWhatItWasMadeOf) {
    OutlierNotes notes;
    std::vector<Witness> witnesses = lbs(2);
    witnesses[0].sign = OutlierSign::success_rate;
    EXPECT_EQ(eject(notes, {}, ejecting, witnesses, 3, wall),
              (Ejection{.since = wall,
                        .until = wall + 30s,
                        .times = 1,
                        .sign = OutlierSign::success_rate,
                        .lbs = 2,
                        .of = 3}));
}

TEST(Ejecting, IsForThoseWhoAskForIt) {
    OutlierNotes notes;
    EXPECT_FALSE(eject(notes, {}, {.action = OutlierAction::probe}, lbs(3), 3, wall));
    config::OutlierSpec none = ejecting;
    none.max_ejection_percent = 0;
    EXPECT_FALSE(eject(notes, {}, none, lbs(3), 3, wall));
}

TEST(Ejecting, DoesNotListenToLbsInTrouble) {
    std::vector<Witness> witnesses = lbs(2);
    witnesses[1].counts = false;
    OutlierNotes notes;
    EXPECT_FALSE(eject(notes, {}, ejecting, witnesses, 3, wall));
    witnesses[1].counts = true;
    EXPECT_TRUE(eject(notes, {}, ejecting, witnesses, 3, wall));
}

TEST(Ejecting, IsNotLengthenedByEvidenceOfItsOwnTime) {
    OutlierNotes notes;
    const SharedValue<Ejection> first = *eject(notes, {}, ejecting, lbs(2), 3, wall);
    EXPECT_FALSE(eject(notes, first, ejecting, lbs(2), 3, wall + 10s));
    EXPECT_FALSE(eject(notes, first, ejecting, lbs(2, 2), 3, wall + 20s)) << "still some traffic";
    EXPECT_FALSE(eject(notes, first, ejecting, lbs(2, 2), 3, wall + 30s))
        << "nothing new since its end";
    EXPECT_FALSE(eject(notes, first, ejecting, lbs(2, 2), 3, wall + 60s));
    const auto second = eject(notes, first, ejecting, lbs(2, 3), 3, wall + 31s);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->times, 2);
    EXPECT_EQ(second->until, wall + 31s + 60s);
}

TEST(Ejecting, NeedsFreshWordsOfMoreThanHalf) {
    OutlierNotes notes;
    const SharedValue<Ejection> first = *eject(notes, {}, ejecting, lbs(2), 3, wall);
    std::vector<Witness> witnesses = lbs(2);
    witnesses[0].finding = 2;
    EXPECT_FALSE(eject(notes, first, ejecting, witnesses, 3, wall + 31s)) << "one of them only";
    witnesses[1].incarnation = "i2";
    EXPECT_TRUE(eject(notes, first, ejecting, witnesses, 3, wall + 32s))
        << "a new agent counts anew";
}

TEST(Ejecting, CountsNoMoreWhatHasFaded) {
    OutlierNotes notes;
    const SharedValue<Ejection> third = Ejection{.since = wall - 90s, .until = wall, .times = 3};
    const auto at = [&](std::chrono::seconds after) {
        OutlierNotes fresh;
        return eject(fresh, third, ejecting, lbs(2), 3, wall + after)->times;
    };
    EXPECT_EQ(at(0s), 4);
    EXPECT_EQ(at(10s), 3);
    EXPECT_EQ(at(29s), 2);
    EXPECT_EQ(at(30s), 1);
}

TEST(Ejecting, GoesOnWhereAClockWasWrong) {
    OutlierNotes notes;
    const SharedValue<Ejection> absurd = Ejection{.since = wall, .until = wall + 24h};
    EXPECT_TRUE(eject(notes, absurd, ejecting, lbs(2), 3, wall));
}

}  // namespace
}  // namespace muster::orchestrator
