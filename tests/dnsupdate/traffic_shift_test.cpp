#include "dnsupdate/traffic_shift.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using znodes::Percents;
using znodes::ShiftPhase;
using znodes::TrafficShift;

const Percents blue_alone{{"blue", 100}};
const Percents halves{{"blue", 50}, {"green", 50}};

SharedName both_well() {
    return {.ttl = 30s,
            .parties = {{"blue", {.known = 2, .good = 2, .percent = 100}},
                        {"green", {.known = 2, .good = 2}}}};
}

/// One master after the other, each second.
class Journey {
 public:
    explicit Journey(TrafficShift shift) : shift_(std::move(shift)) {}

    void pass(std::chrono::seconds span) {
        for (auto left = span; left > 0s; left -= 1s) {
            now_ += 1s;
            const Percents before = shift_.now;
            const int step = shift_.step;
            ShiftStep made = advance(shift_, memory_, seen_, WallTime{}, now_);
            shift_ = std::move(made.next);
            memory_ = std::move(made.memory);
            EXPECT_LE(shift_.step, step + 1) << "no step is skipped";
            if (shift_.now != before) path_.push_back(shift_.now);
        }
    }
    void another_master() { memory_ = {}; }

    TrafficShift shift_;
    ShiftSight seen_{.known = true, .name = both_well(), .unseen = {}};
    std::vector<Percents> path_;

 private:
    ShiftMemory memory_;
    SteadyTime now_{1000s};
};

Journey run(std::chrono::seconds over = 600s) {
    return Journey({.id = "1", .to = halves, .over = over});
}

TEST(TrafficShift, GoesStepByStepAndIsDone) {
    Journey shift = run();
    shift.pass(1s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::stepping);
    EXPECT_EQ(shift.shift_.now, blue_alone) << "from what it is";
    EXPECT_EQ(shift.shift_.steps, 10);
    shift.pass(59s);
    EXPECT_EQ(shift.shift_.step, 0);
    shift.pass(2s);
    EXPECT_EQ(shift.shift_.now, (Percents{{"blue", 95}, {"green", 5}}));
    shift.pass(600s);
    EXPECT_EQ(shift.shift_.step, 10);
    EXPECT_EQ(shift.shift_.now, halves);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::stepping) << "the last one is watched, too";
    shift.pass(62s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::done);
    EXPECT_EQ(shift.path_.size(), 11U);
    shift.seen_.name->parties["green"].good = 0;
    shift.pass(600s);
    EXPECT_EQ(shift.shift_.now, halves) << "what is done is done";
}

TEST(TrafficShift, HasTheStepsThatWereAskedForAndNoneSmallerThanAPoint) {
    Journey at_once = run(0s);
    at_once.pass(3s);
    EXPECT_EQ(at_once.shift_.now, halves);
    EXPECT_EQ(at_once.shift_.phase, ShiftPhase::stepping);
    at_once.pass(31s);
    EXPECT_EQ(at_once.shift_.phase, ShiftPhase::done) << "after the TTL";

    Journey small(
        {.id = "1", .from = blue_alone, .to = {{"blue", 97}, {"green", 3}}, .over = 600s});
    small.pass(1s);
    EXPECT_EQ(small.shift_.steps, 3);
    EXPECT_EQ(small.shift_.interval, 200s);

    Journey fine({.id = "1", .from = blue_alone, .to = halves, .over = 600s, .interval = 20s});
    fine.pass(1s);
    EXPECT_EQ(fine.shift_.steps, 30);
    fine.pass(50s);
    EXPECT_EQ(fine.shift_.step, 1) << "a step takes the TTL at least";
}

TEST(TrafficShift, WaitsUntilTheServersShowTheStep) {
    Journey shift = run(100s);
    shift.pass(13s);
    ASSERT_EQ(shift.shift_.step, 1);
    shift.seen_.unseen = "etcd has not taken the records yet";
    shift.pass(14s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::stepping) << "that is usual";
    shift.pass(30s);
    EXPECT_EQ(shift.shift_.step, 1);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::held);
    EXPECT_EQ(shift.shift_.why, "etcd has not taken the records yet");
    shift.seen_.unseen.clear();
    shift.pass(29s);
    EXPECT_EQ(shift.shift_.step, 1) << "for the TTL from now";
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::stepping);
    shift.pass(3s);
    EXPECT_EQ(shift.shift_.step, 2);
}

TEST(TrafficShift, RollsBackInOneStepWhenWhoGainsIsIllForTooLong) {
    for (const Party& ill : {Party{.known = 2, .good = 0},
                             Party{.known = 4, .good = 1},
                             Party{.known = 4, .good = 3, .failing = 1}}) {
        Journey shift = run(300s);
        shift.pass(100s);
        ASSERT_EQ(shift.shift_.step, 3);
        shift.seen_.name->parties["green"] = ill;
        shift.pass(59s);
        EXPECT_EQ(shift.shift_.phase, ShiftPhase::held);
        EXPECT_THAT(shift.shift_.why, HasSubstr("green"));
        EXPECT_EQ(shift.shift_.step, 3);
        shift.seen_.unseen = "not yet";
        shift.pass(2s);
        EXPECT_EQ(shift.shift_.phase, ShiftPhase::rolling_back);
        EXPECT_EQ(shift.shift_.now, blue_alone);
        shift.seen_.unseen.clear();
        shift.pass(1s);
        EXPECT_EQ(shift.shift_.phase, ShiftPhase::rolled_back);
        EXPECT_THAT(shift.shift_.why, HasSubstr("green"));
        shift.seen_.name = both_well();
        shift.pass(1000s);
        EXPECT_EQ(shift.shift_.now, blue_alone) << "and stays";
    }
}

TEST(TrafficShift, GoesOnAfterAShortTroubleAndTheWaitBeginsAgain) {
    Journey shift = run(300s);
    shift.pass(58s);
    ASSERT_EQ(shift.shift_.step, 1);
    shift.seen_.name->parties["green"].good = 0;
    shift.pass(50s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::held);
    shift.seen_.name = both_well();
    shift.pass(29s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::stepping);
    EXPECT_EQ(shift.shift_.step, 1);
    shift.pass(3s);
    EXPECT_EQ(shift.shift_.step, 2);
}

TEST(TrafficShift, IsNotHeldByWhoLoses) {
    Journey shift = run(100s);
    shift.pass(1s);
    shift.seen_.name->parties["blue"] = {.known = 2, .good = 0};
    shift.pass(400s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::done) << "away from what is ill is the right way";
}

TEST(TrafficShift, CountsNoTimeWhilePausedOrBlindOrWithoutAMaster) {
    Journey shift = run(300s);
    shift.pass(58s);
    ASSERT_EQ(shift.shift_.step, 1);
    shift.seen_.paused = true;
    shift.pass(1000s);
    EXPECT_EQ(shift.shift_.step, 1);
    shift.seen_.paused = false;
    shift.seen_.known = false;
    shift.seen_.name.reset();
    shift.pass(1000s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::stepping) << "not to know is no trouble of green's";
    shift.seen_ = {.known = true, .name = both_well(), .unseen = {}};
    for (int masters = 0; masters < 20; ++masters) {
        shift.another_master();
        shift.pass(20s);
    }
    EXPECT_EQ(shift.shift_.step, 1) << "each has to see it for the whole time";
    shift.pass(15s);
    EXPECT_EQ(shift.shift_.step, 2);
}

TEST(TrafficShift, IsCancelledInOneStep) {
    Journey shift = run(300s);
    shift.pass(100s);
    shift.shift_.cancelled = true;
    shift.seen_.paused = true;
    shift.pass(1s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::rolling_back);
    EXPECT_EQ(shift.shift_.now, blue_alone);
    shift.seen_.paused = false;
    shift.pass(1s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::cancelled);

    Journey early = run(300s);
    early.shift_.cancelled = true;
    early.pass(1s);
    EXPECT_EQ(early.shift_.phase, ShiftPhase::cancelled);
    EXPECT_TRUE(early.shift_.now.empty());
}

TEST(TrafficShift, DoesNotWaitForEverToSeeItsReturn) {
    Journey shift = run(300s);
    shift.pass(100s);
    shift.shift_.cancelled = true;
    shift.seen_.unseen = "the DNS server 10.0.0.9:53: no answer";
    shift.pass(59s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::rolling_back);
    shift.pass(5s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::cancelled);
    EXPECT_EQ(shift.shift_.now, blue_alone);
    EXPECT_EQ(shift.shift_.why, "not seen yet: the DNS server 10.0.0.9:53: no answer");
}

TEST(TrafficShift, OfANameThatNobodyPublishesEndsByItself) {
    Journey shift = run(300s);
    shift.seen_.name.reset();
    shift.pass(59s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::asked);
    shift.pass(3s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::rolled_back);
    EXPECT_THAT(shift.shift_.why, HasSubstr("nothing is published"));
}

TEST(TrafficShift, DoesNotBeginWhereNoPercentsCanBeWritten) {
    for (const char* const reason : {"no zone", "no more than 100"}) {
        SharedName name = both_well();
        if (reason == std::string("no zone")) {
            name.parties[""] = {.known = 1, .good = 1, .percent = 50};
        } else {
            for (int i = 0; i < 101; ++i)
                name.parties["z" + std::to_string(i)] = {.known = 1, .good = 1, .percent = 1};
        }
        Journey shift = run(300s);
        shift.seen_.name = name;
        shift.pass(59s);
        EXPECT_EQ(shift.shift_.phase, ShiftPhase::asked) << reason;
        shift.pass(3s);
        EXPECT_EQ(shift.shift_.phase, ShiftPhase::rolled_back) << reason;
        EXPECT_THAT(shift.shift_.why, HasSubstr(reason));
        EXPECT_TRUE(shift.path_.empty());
    }
}

TEST(TrafficShift, TellsWhyInTextThatEveryReaderTakes) {
    Journey shift = run(300s);
    shift.pass(58s);
    shift.seen_.unseen = std::string(249, 'x') + "\u00e4\n\xff";
    shift.pass(20s);
    EXPECT_EQ(shift.shift_.phase, ShiftPhase::held);
    EXPECT_EQ(shift.shift_.why, std::string(249, 'x'));
    const auto read = znodes::decode<znodes::TrafficShifts>(
        encode(znodes::TrafficShifts{.stamp = {.cluster = "c", .writer = "n"},
                                     .names = {{"api.muster.test", shift.shift_}}}),
        "c");
    EXPECT_TRUE(read) << read.error().message();
}

TEST(TrafficShift, IsAlwaysAHundredOnItsWay) {
    std::mt19937_64 random(11);
    for (int round = 0; round < 500; ++round) {
        const auto any = [&](const char* last) {
            const int one = static_cast<int>(random() % 101);
            const int two = static_cast<int>(random() % (101 - one));
            Percents all{{"a", one}, {"b", two}, {last, 100 - one - two}};
            std::erase_if(all, [](const auto& share) { return share.second == 0; });
            return all;
        };
        const Percents from = any("c");
        const Percents to = any("d");
        const int steps = 1 + static_cast<int>(random() % 100);
        for (int step = 0; step <= steps; ++step) {
            int sum = 0;
            for (const auto& [party, percent] : between(from, to, step, steps)) {
                EXPECT_GE(percent, 1);
                sum += percent;
            }
            ASSERT_EQ(sum, 100);
        }
        EXPECT_EQ(between(from, to, 0, steps), from);
        EXPECT_EQ(between(from, to, steps, steps), to);
    }
}

}  // namespace
}  // namespace muster::dnsupdate
