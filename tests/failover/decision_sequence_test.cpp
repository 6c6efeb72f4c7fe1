#include "tests/failover/decision_sequence.hpp"

#include "scaler/decide.hpp"
#include "scaler/explain.hpp"
#include "scaler/lifecycle.hpp"
#include "scaler/recording_text.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

const FleetName edge("edge");

/// A load that falls from 5 instances' to 1's; at most one of them leaves in 10 s.
struct Story {
    scaler::Policy policy{
        .min = 1,
        .max = 9,
        .metrics = {{.name = "load",
                     .rule = scaler::TargetPolicy{.measure = scaler::Measure::average_of_total,
                                                  .target = scaler::whole(100)}}}};
    std::vector<FleetCommit> commits;
    std::vector<RecordedDecision> recorded;

    /// `forgets`: the second of the two masters begins without a history.
    explicit Story(bool forgets) {
        policy.in.window = 0s;
        policy.in.budgets = {{.count = 1, .window = 10s}};
        znodes::FleetState state{.stamp = {.token = 1}, .target = 5};
        commits.push_back({.fleet = edge, .state = state});
        for (int tick = 1; tick <= 20; ++tick) {
            const bool next = tick > 5;
            if (tick == 6 && forgets) state.history = {};
            auto membership = std::make_shared<scaler::Membership>();
            membership->size = state.target;
            for (int i = 0; i < state.target; ++i)
                membership->instances.push_back({.id = std::to_string(i)});
            const scaler::Observations observed{
                .samples = {{"load", scaler::sample_of(scaler::whole(100))}}};
            const WallTime at{std::chrono::seconds(tick)};
            const scaler::Decision decision = scaler::decide(
                policy, scaler::history_of(state.history), observed, *membership, at);
            recorded.push_back({.epoch = next ? 2 : 1,
                                .tick = {.at = at,
                                         .observed = observed,
                                         .membership = membership,
                                         .decision = scaler::canonical(decision)},
                                .observed = observed});
            state.stamp.token = next ? 2 : 1;
            state.tick = tick;
            state.target = decision.size;
            state.history = scaler::kept_of(decision.next);
            commits.push_back({.at = at, .fleet = edge, .state = state});
        }
    }
};

TEST(DecisionSequence, IsThatOfOneCoreWhenTheNextMasterGoesOn) {
    const Story story(false);
    const DecisionSequence all =
        compare_decisions(story.commits, edge, story.recorded, story.policy, 1s);
    EXPECT_EQ(all.ticks, 20U);
    EXPECT_EQ(all.masters, 2U);
    EXPECT_EQ(all.changes, 2U);
    EXPECT_EQ(all.differences, 0U) << all.first;
    EXPECT_EQ(all.unwritten + all.unrecorded + all.holes, 0U);
    EXPECT_EQ(all.span, 20U);
}

TEST(DecisionSequence, DiffersWhenTheNextMasterHasForgotten) {
    const Story story(true);
    const DecisionSequence all =
        compare_decisions(story.commits, edge, story.recorded, story.policy, 1s);
    EXPECT_GT(all.differences, 0U);
    EXPECT_TRUE(all.first.starts_with("edge at 1970-01-01T00:00:06Z, epoch 2: ")) << all.first;
}

TEST(DecisionSequence, LeavesOutWhatWasNeverWritten) {
    Story story(false);
    // Another master has decided the same tick, and died.
    RecordedDecision lost = story.recorded[4];
    lost.epoch = 7;
    story.recorded.push_back(lost);
    // And of this one no record is left.
    story.recorded.erase(story.recorded.begin() + 9);
    const DecisionSequence all =
        compare_decisions(story.commits, edge, story.recorded, story.policy, 1s);
    EXPECT_EQ(all.unwritten, 1U);
    EXPECT_EQ(all.unrecorded, 1U);
    EXPECT_EQ(all.holes, 1U) << "its master recorded later ones";
    EXPECT_EQ(all.differences, 0U) << all.first;
}

/// What a killed master may lose, and what it may not.
TEST(DecisionSequence, TellsALastRecordThatIsMissingFromAHole) {
    for (const auto& [erased, holes] : {std::pair{4, 0U}, {19, 0U}, {0, 1U}, {5, 1U}}) {
        Story story(false);
        story.recorded.erase(story.recorded.begin() + erased);
        const DecisionSequence all =
            compare_decisions(story.commits, edge, story.recorded, story.policy, 1s);
        EXPECT_EQ(all.unrecorded, 1U) << erased;
        EXPECT_EQ(all.holes, holes) << erased;
    }
    Story story(false);
    std::erase_if(story.commits, [](const FleetCommit& commit) {
        return commit.at > WallTime(5s) && commit.at < WallTime(10s);
    });
    const DecisionSequence all =
        compare_decisions(story.commits, edge, story.recorded, story.policy, 1s);
    EXPECT_EQ(all.ticks, 16U);
    EXPECT_EQ(all.span, 20U) << "ticks that were missed";
}

}  // namespace
}  // namespace muster::test
