#include "scaler/lifecycle_draft.hpp"
#include "tests/scaler/lifecycle/world.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

// The crash matrix of reference/autoscaling.md, 4.4, row by row: what the next master sees, and
// what it does.
namespace muster::scaler::testing {
namespace {

const std::vector<Turn> out_story{{.size = 1}, {.second = 20, .size = 2}};
const std::vector<Turn> in_story{{.size = 2}, {.second = 40, .size = 1}};
const InstanceId first("web-1-1");
const InstanceId second_one("web-2-1");

using Is = std::function<bool(const Action&)>;

Is writes(std::string sentence) {
    return [sentence = std::move(sentence)](const Action& action) {
        for (const std::string& did : action.write.did)
            if (did.contains(sentence)) return true;
        return false;
    };
}

Is calls(CallKind kind) {
    return [kind](const Action& action) {
        return action.kind == ActionKind::call && action.call.kind == kind;
    };
}

bool is_dns(const Action& action) {
    return action.kind == ActionKind::dns;
}

enum class Dies { before, after };

class CrashMatrix : public ::testing::Test {
 protected:
    /// Runs until the action, from this second on, and lets the master die there.
    void crash(std::vector<Turn> story, int from, const Is& is, Dies dies) {
        world_.emplace(quick_settings(), std::move(story));
        Master master = world_->elect();
        Action about_to;
        ASSERT_TRUE(world_->run(
            master, at_second(600), [&](const World& world, const Master&, const Action& action) {
                if (world.now < at_second(from) || !is(action)) return false;
                about_to = action;
                return true;
            }));
        if (dies == Dies::after) world_->execute(master, about_to, Answered::yes);
        world_->calls.clear();
        next_ = world_->elect();
    }

    /// The next master's actions of this kind, until `end`, in order.
    std::vector<std::string> goes_on(int end, ActionKind kind) {
        std::vector<std::string> actions;
        world_->run(next_, at_second(end), [&](const World&, const Master&, const Action& action) {
            if (action.kind == kind) actions.push_back(action.str());
            return false;
        });
        return actions;
    }

    void expect_settled(int size) {
        world_->check_settled(size);
        EXPECT_EQ(world_->violations, std::vector<std::string>{}) << world_->trace();
    }

    const znodes::FleetInstanceRecord& record(const InstanceId& id) {
        return world_->records().at(id);
    }
    const std::optional<znodes::FleetIntent>& intent() { return world_->state()->intent; }

    std::optional<World> world_;
    Master next_;
};

using Names = std::vector<std::string>;

TEST_F(CrashMatrix, DecisionComputedAndNothingWritten) {
    crash(out_story, 20, writes("web-2-1 is planned"), Dies::before);
    EXPECT_FALSE(intent());
    goes_on(80, ActionKind::write);
    EXPECT_TRUE(world_->records().contains(second_one)) << "decided again, from the rings";
    EXPECT_EQ(world_->state()->generation, 2);
    expect_settled(2);
}

TEST_F(CrashMatrix, OutIntentWritten) {
    crash(out_story, 20, writes("web-2-1 is planned"), Dies::after);
    EXPECT_EQ(intent()->ids, std::vector{second_one});
    EXPECT_FALSE(world_->machines.contains(second_one));
    EXPECT_EQ(goes_on(80, ActionKind::call), (Names{"get web-2-1", "create web-2-1"}));
    expect_settled(2);
}

TEST_F(CrashMatrix, CreateSentAndItsReplyLost) {
    crash(out_story, 20, calls(CallKind::create), Dies::after);
    EXPECT_EQ(record(second_one).phase, InstancePhase::creating);
    EXPECT_TRUE(world_->machines.contains(second_one));
    EXPECT_EQ(goes_on(80, ActionKind::call), Names{"get web-2-1"}) << "adopted";
    expect_settled(2);
}

TEST_F(CrashMatrix, MachineUpAndNotInDns) {
    crash(out_story, 20, writes("web-2-1 is warming"), Dies::after);
    const WallTime until = record(second_one).warm_until.value();
    world_->advance(seconds(4));
    goes_on(80, ActionKind::call);
    EXPECT_EQ(record(second_one).since, until) << "the warm-up goes on where it was";
    expect_settled(2);
}

TEST_F(CrashMatrix, ServingWrittenAndDnsNot) {
    crash(out_story, 20, writes("web-2-1 is serving"), Dies::after);
    EXPECT_FALSE(world_->published.contains(second_one));
    EXPECT_EQ(goes_on(80, ActionKind::dns), Names{"publish 2"});
    expect_settled(2);
}

TEST_F(CrashMatrix, DnsWrittenAndItsReplyLost) {
    crash(out_story, 20, is_dns, Dies::after);
    EXPECT_EQ(goes_on(80, ActionKind::dns), Names{});
    expect_settled(2);
}

TEST_F(CrashMatrix, CreateTimedOutForGood) {
    std::vector<Turn> story = out_story;
    story.back().creates_fail = true;
    crash(story, 20, calls(CallKind::create), Dies::after);
    world_->advance(quick_settings().create_timeout);
    EXPECT_EQ(record(second_one).phase, InstancePhase::creating);
    const WallTime failed = world_->now;
    const Names all = goes_on(100, ActionKind::call);
    EXPECT_EQ(all, (Names{"get web-2-1", "remove web-2-1", "get web-2-1", "get web-2-1"}));
    EXPECT_EQ(
        world_->state()->back_off,
        (znodes::FleetBackOff{.failures = 1, .failed = failed, .until = failed + seconds(300)}));
    expect_settled(1);
}

TEST_F(CrashMatrix, InIntentWrittenAndStillWanted) {
    crash(in_story, 40, writes("web-1-1 is to leave"), Dies::after);
    EXPECT_EQ(intent()->leaving, std::vector{first});
    EXPECT_EQ(record(first).phase, InstancePhase::serving);
    EXPECT_TRUE(world_->published.contains(first));
    goes_on(120, ActionKind::call);
    expect_settled(1);
}

TEST_F(CrashMatrix, InIntentWrittenAndNotWantedAnyMore) {
    std::vector<Turn> story = in_story;
    story.push_back({.second = 41, .size = 2});
    crash(story, 40, writes("web-1-1 is to leave"), Dies::after);
    world_->advance(seconds(5));
    goes_on(120, ActionKind::call);
    EXPECT_EQ(world_->calls["create"] + world_->calls["remove"], 0);
    EXPECT_TRUE(world_->records().contains(first));
    expect_settled(2);
}

TEST_F(CrashMatrix, DrainingAndOutOfDnsAndStillWanted) {
    crash(in_story, 40, is_dns, Dies::after);
    EXPECT_EQ(record(first).phase, InstancePhase::draining);
    EXPECT_FALSE(world_->published.contains(first));
    goes_on(120, ActionKind::call);
    expect_settled(1);
}

TEST_F(CrashMatrix, DrainingAndOutOfDnsAndNotWantedAnyMore) {
    std::vector<Turn> story = in_story;
    story.push_back({.second = 41, .size = 2});
    crash(story, 40, is_dns, Dies::after);
    world_->advance(seconds(5));
    EXPECT_EQ(goes_on(120, ActionKind::dns), Names{"publish 2"});
    EXPECT_EQ(world_->calls["create"] + world_->calls["remove"], 0);
    expect_settled(2);
}

TEST_F(CrashMatrix, OutOfDnsAndTheTimeOfItsConnectionsNotWritten) {
    crash(in_story, 40, writes("web-1-1 is out of DNS"), Dies::before);
    EXPECT_EQ(record(first).deadline, std::nullopt);
    const WallTime died = world_->now;
    goes_on(48, ActionKind::call);
    EXPECT_EQ(record(first).phase, InstancePhase::draining);
    const Names written = goes_on(120, ActionKind::write);
    ASSERT_FALSE(written.empty());
    EXPECT_TRUE(written.front().contains("web-1-1 is out of DNS")) << written.front();
    EXPECT_GE(died, at_second(40));
    expect_settled(1);
}

TEST_F(CrashMatrix, DrainedAndDeletingNotWritten) {
    crash(in_story, 40, writes("web-1-1 is deleting"), Dies::before);
    const auto was = record(first);
    EXPECT_EQ(was.phase, InstancePhase::draining);
    std::optional<WallTime> until;
    while (const auto action = world_->next(next_, until)) {
        EXPECT_EQ(record(first).deadline, was.deadline) << "its time goes on where it was";
        if (writes("deleting")(*action)) break;
        world_->execute(next_, *action, Answered::yes);
    }
    goes_on(120, ActionKind::call);
    expect_settled(1);
}

TEST_F(CrashMatrix, DeletingWrittenAndDeleteNotSent) {
    crash(in_story, 40, writes("web-1-1 is deleting"), Dies::after);
    EXPECT_TRUE(world_->machines.contains(first));
    EXPECT_EQ(goes_on(120, ActionKind::call),
              (Names{"get web-1-1", "remove web-1-1", "get web-1-1", "get web-1-1"}));
    expect_settled(1);
}

TEST_F(CrashMatrix, DeletingIsNeverTakenBack) {
    std::vector<Turn> story = in_story;
    story.push_back({.second = 51, .size = 3});
    crash(story, 40, writes("web-1-1 is deleting"), Dies::after);
    world_->advance(seconds(5));
    goes_on(140, ActionKind::call);
    EXPECT_FALSE(world_->records().contains(first));
    expect_settled(3);
}

TEST_F(CrashMatrix, DeleteSentAndItsReplyLost) {
    crash(in_story, 40, calls(CallKind::remove), Dies::after);
    EXPECT_EQ(record(first).phase, InstancePhase::deleting);
    EXPECT_EQ(goes_on(120, ActionKind::call), (Names{"get web-1-1", "get web-1-1"}));
    expect_settled(1);
}

TEST_F(CrashMatrix, LastInstanceDoneAndIntentNotCleared) {
    crash(in_story, 40, writes("web-1-1 is deleting"), Dies::after);
    LifecycleView view = world_->view_of(next_);
    view.decision.reset();
    view.instances.at(first).phase = InstancePhase::gone;
    const LifecyclePlan planned = plan(quick_settings(), view);
    ASSERT_TRUE(planned.write);
    EXPECT_FALSE(planned.write->state.intent);
    ASSERT_EQ(planned.write->instances.size(), 1U);
    EXPECT_EQ(planned.write->instances.at(first), std::nullopt);
}

class PausedMaster : public ::testing::Test {
 protected:
    /// An old master stops before this action, and another one takes its place until `until`.
    void freeze(std::vector<Turn> story, int from, const Is& is, int until, bool fences = false) {
        world_.emplace(quick_settings(), std::move(story));
        world_->provider_fences = fences;
        old_ = world_->elect();
        ASSERT_TRUE(world_->run(
            old_, at_second(600), [&](const World& world, const Master&, const Action& action) {
                late_ = action;
                return world.now >= at_second(from) && is(action);
            }));
        next_ = world_->elect();
        world_->run(next_, at_second(until));
    }
    void resume() { world_->execute(old_, late_, Answered::yes); }
    void expect_settled(int size) {
        world_->check_settled(size);
        EXPECT_EQ(world_->violations, std::vector<std::string>{}) << world_->trace();
    }

    std::optional<World> world_;
    Master old_;
    Master next_;
    Action late_;
};

TEST_F(PausedMaster, ResumesWithAWrite) {
    freeze(out_story, 20, writes("web-2-1 is planned"), 60);
    const auto before = world_->records();
    resume();
    EXPECT_TRUE(old_.deposed);
    EXPECT_EQ(world_->records(), before);
    expect_settled(2);
}

TEST_F(PausedMaster, ResumesWithDns) {
    freeze(in_story, 0, [](const Action& one) { return one.publish.size() == 2; }, 120);
    resume();
    EXPECT_EQ(world_->published.size(), 1U) << "refused by the fence";
    expect_settled(1);
}

TEST_F(PausedMaster, ResumesWithARemoval) {
    freeze(in_story, 40, calls(CallKind::remove), 120);
    resume();
    expect_settled(1);
}

/// The residual hole (4.3, 5): what it makes is found, and removed with double evidence.
TEST_F(PausedMaster, ResumesWithACreate) {
    for (const bool fences : {false, true}) {
        std::vector<Turn> story = out_story;
        story.back().creates_fail = true;
        story.push_back({.second = 90, .size = 1, .creates_fail = false});
        freeze(story, 20, calls(CallKind::create), 100, fences);
        EXPECT_FALSE(world_->records().contains(second_one));
        resume();
        EXPECT_EQ(world_->machines.contains(second_one), !fences);
        const WallTime made = world_->now;
        world_->run(next_, made + seconds(590));
        EXPECT_EQ(world_->machines.contains(second_one), !fences) << "not before it is 10 min old";
        EXPECT_FALSE(world_->published.contains(second_one));
        world_->run(next_, made + seconds(640));
        expect_settled(1);
    }
}

}  // namespace
}  // namespace muster::scaler::testing
