#include "checker/schedule.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime at(Span since_start) {
    return SteadyTime(since_start);
}

/// A cadence with its slots at 0.3 s, 2.3 s, 4.3 s: the worked example of schedule.hpp.
constexpr Cadence example{.origin = at(300ms), .interval = 2s};
constexpr Span grace = 50ms;

TEST(CheckId, IsTheSameEverywhereAndKeepsItsPartsApart) {
    // Pinned: another value would move every check of a running cluster.
    EXPECT_EQ(static_cast<std::uint64_t>(check_id("uid-1", BackendId("10.0.0.1:80"))),
              10354737765083443120U);
    EXPECT_NE(check_id("ab", BackendId("c")), check_id("a", BackendId("bc")));
    EXPECT_NE(check_id("a", BackendId("")), check_id("", BackendId("a")));
}

TEST(Schedule, SpreadsPhasesEvenlyOverTheInterval) {
    std::vector<int> tenths(10, 0);
    for (int i = 0; i < 10'000; ++i) {
        const CheckId id = check_id("group", BackendId("backend-" + std::to_string(i)));
        const Span place = phase(id, 2s);
        ASSERT_GE(place, 0s);
        ASSERT_LT(place, 2s);
        ++tenths[static_cast<std::size_t>(place / 200ms)];
    }
    for (const int count : tenths) {
        EXPECT_GT(count, 880);
        EXPECT_LT(count, 1120);
    }
}

TEST(Schedule, SharesSlotsBetweenIntervalsThatDivideOneAnother) {
    for (std::uint64_t i = 0; i < 100; ++i) {
        EXPECT_EQ(phase(CheckId{i}, 10s) % 2s, phase(CheckId{i}, 2s));
    }
}

TEST(Schedule, AgreesBetweenNodesWhoseSteadyClocksDiffer) {
    const WallTime wall{1'767'225'600'123ms};
    const SteadyTime steady_here = at(5h);
    const SteadyTime steady_there = at(77s);
    for (std::uint64_t i = 0; i < 100; ++i) {
        const Cadence here = cadence(CheckId{i}, 2s, wall_zero(wall, steady_here));
        // The other node adds the check 12.345 s later.
        const Cadence there =
            cadence(CheckId{i}, 2s, wall_zero(wall + 12'345ms, steady_there + 12'345ms));
        EXPECT_EQ(next_slot(here, steady_here + 20s) - steady_here,
                  next_slot(there, steady_there + 20s) - steady_there);
        const SteadyTime slot = next_slot(here, steady_here);
        const Span wall_of_slot = wall.time_since_epoch() + (slot - steady_here);
        EXPECT_EQ(wall_of_slot % 2s, phase(CheckId{i}, 2s));
    }
}

TEST(Schedule, FollowsTheExampleOfItsHeader) {
    EXPECT_EQ(next_slot(example, at(1s)), at(2300ms));
    EXPECT_EQ(next_slot(example, at(2300ms)), at(4300ms));

    const SteadyTime caught_up = catch_up_slot(CheckId{7}, example, at(1s), 150ms);
    EXPECT_GE(caught_up, at(1s));
    EXPECT_LT(caught_up, at(1150ms));
    EXPECT_EQ(next_due(example, 2s, caught_up, caught_up + 3ms, grace),
              (NextDue{.slot = at(2300ms)}));

    EXPECT_EQ(next_due(example, 200ms, at(2300ms), at(2303ms), grace),
              (NextDue{.slot = at(2500ms)}));
    EXPECT_EQ(next_due(example, 2s, at(2700ms), at(2703ms), grace), (NextDue{.slot = at(4300ms)}));

    EXPECT_EQ(slot_served(at(4300ms), 2s, at(9s)), (NextDue{.slot = at(9s), .skipped = 2}));
    EXPECT_EQ(next_due(example, 2s, at(9s), at(9003ms), grace), (NextDue{.slot = at(10'300ms)}));
}

TEST(Schedule, DecidesWhatComesAfterAProbe) {
    struct Row {
        const char* name;
        Span in_force;
        SteadyTime last;
        SteadyTime now;
        NextDue expected;
    };
    for (const Row& row : {
             Row{"in its slot", 2s, at(300ms), at(310ms), {.slot = at(2300ms)}},
             Row{"took nearly the whole interval", 2s, at(300ms), at(2299ms), {.slot = at(2300ms)}},
             Row{"ended just after its next slot: made up for at once",
                 2s,
                 at(300ms),
                 at(2320ms),
                 {.slot = at(2320ms)}},
             Row{"caught up, and its slot passed meanwhile: one interval after the start",
                 2s,
                 at(2200ms),
                 at(3200ms),
                 {.slot = at(4200ms)}},
             Row{"the same, but its slot comes first",
                 2s,
                 at(2200ms),
                 at(4310ms),
                 {.slot = at(6300ms), .skipped = 2}},
             Row{"stood still for long",
                 2s,
                 at(300ms),
                 at(9s),
                 {.slot = at(10'300ms), .skipped = 4}},
             Row{"fast", 200ms, at(300ms), at(310ms), {.slot = at(500ms)}},
             Row{"fast, and the probe took longer",
                 200ms,
                 at(300ms),
                 at(1200ms),
                 {.slot = at(1200ms)}},
             Row{"down, slower than normal", 10s, at(300ms), at(310ms), {.slot = at(10'300ms)}},
         }) {
        EXPECT_EQ(next_due(example, row.in_force, row.last, row.now, grace), row.expected)
            << row.name;
    }
}

TEST(Schedule, ServesTheSlotItselfUntilAWholeIntervalHasPassed) {
    EXPECT_EQ(slot_served(at(1s), 2s, at(1s)), (NextDue{.slot = at(1s)}));
    EXPECT_EQ(slot_served(at(1s), 2s, at(2999ms)), (NextDue{.slot = at(1s)}));
    EXPECT_EQ(slot_served(at(1s), 2s, at(3s)), (NextDue{.slot = at(3s), .skipped = 1}));
}

TEST(Schedule, RoundsToTheGridInBothDirections) {
    EXPECT_EQ(round_up(at(20ms), 10ms), at(20ms));
    EXPECT_EQ(round_up(at(20ms + 1ns), 10ms), at(30ms));
    EXPECT_EQ(round_down(at(29'999us), 10ms), at(20ms));
    EXPECT_EQ(round_down(at(-1ns), 10ms), at(-10ms));
    EXPECT_EQ(round_up(at(-1ns), 10ms), at(0ns));
}

/// Whatever probes take, as long as it is no longer than the interval, starts are at most one
/// interval (and the tick's grace) apart, move forward, and return to the check's own slots.
TEST(Schedule, NeverLeavesACheckAloneForLongerThanItsInterval) {
    std::mt19937_64 random(17);
    for (int round = 0; round < 300; ++round) {
        const Span interval = std::chrono::milliseconds(200 + random() % 10'000);
        const Cadence slots = cadence(CheckId{random()}, interval, at(Span(random() % 1'000'000)));
        const SteadyTime begin = at(std::chrono::milliseconds(random() % 100'000));
        SteadyTime last = catch_up_slot(CheckId{random()}, slots, begin, 150ms);
        ASSERT_LE(last, begin + 150ms);
        for (int i = 0; i < 50; ++i) {
            const Span took = Span(random() % static_cast<std::uint64_t>(interval.count() + 1));
            const SteadyTime ended = last + took;
            const NextDue next = next_due(slots, interval, last, ended, grace);
            ASSERT_GT(next.slot, last);
            ASSERT_LE(next.slot, last + interval);
            ASSERT_EQ(next.skipped, 0U);
            last = next.slot;
        }
        // Quick probes are back in their slots at once.
        const NextDue back = next_due(slots, interval, last, last + 1us, grace);
        ASSERT_EQ(back.slot, next_slot(slots, last));
        ASSERT_EQ((back.slot - slots.origin) % interval, 0ns);
    }
}

TEST(Schedule, SpreadsCatchingUpOverTheWholeSpread) {
    constexpr Cadence far{.origin = at(1h), .interval = 2h};
    std::set<Span> thirds;
    for (std::uint64_t i = 0; i < 300; ++i) {
        const SteadyTime slot = catch_up_slot(CheckId{i}, far, at(1s), 150ms);
        ASSERT_GE(slot, at(1s));
        ASSERT_LT(slot, at(1150ms));
        thirds.insert((slot - at(1s)) / 50ms * 50ms);
    }
    EXPECT_EQ(thirds.size(), 3U);
}

}  // namespace
}  // namespace muster::checker
