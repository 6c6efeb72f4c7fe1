#include "scaler/orphans.hpp"

#include "tests/scaler/lifecycle/views.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

// The rules of plan() about machines that have no record.
namespace muster::scaler::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using znodes::FleetPauseKind;

/// Orphans in `view`'s listings: `count` machines of an earlier generation.
LifecycleView with_orphans(int size, int count, seconds age, seconds apart, int listings) {
    LifecycleView view = serving(size);
    view.state->generation = 3;
    for (int k = 1; k <= count; ++k) {
        view.inventory.newest->machines.push_back(
            {.id = id(2, k), .token = "u1.x", .state = MachineState::running, .age = age});
        view.state->orphans[id(2, k)] = {.first = view.inventory.newest->asked - apart,
                                         .last = view.inventory.newest->asked,
                                         .listings = listings};
    }
    view.state->listed = view.inventory.newest->asked;
    for (const Machine& machine : view.inventory.newest->machines)
        view.sights[machine.id].out_of_dns = true;
    return view;
}

int condemned(const LifecyclePlan& planned) {
    if (!planned.write) return 0;
    return static_cast<int>(std::ranges::count_if(
        planned.write->state.orphans,
        [](const auto& orphan) { return orphan.second.condemned.has_value(); }));
}

TEST(LifecycleOrphans, AreRemovedWithDoubleEvidenceOnly) {
    const auto after = [](int count, int age, int apart, int listings) {
        return condemned(
            plan(quick_settings(), with_orphans(9, count, seconds(age), seconds(apart), listings)));
    };
    EXPECT_EQ(after(1, 601, 120, 2), 1);
    EXPECT_EQ(after(1, 600, 120, 2), 0) << "too young";
    EXPECT_EQ(after(1, 601, 119, 2), 0) << "listings too close";
    EXPECT_EQ(after(1, 601, 120, 1), 0) << "one listing";
    EXPECT_EQ(after(7, 601, 120, 2), quick_settings().orphans_per_hour);
    EXPECT_EQ(after(9, 601, 120, 2), 0) << "as many as there are instances: the tree is wrong";
}

TEST(LifecycleOrphans, AreLeftAloneWhenAnythingIsInDoubt) {
    const auto good = [] { return with_orphans(9, 1, seconds(700), seconds(200), 3); };
    const std::vector<std::pair<std::string, void (*)(LifecycleView&)>> rows{
        {"partial", [](LifecycleView& view) { view.inventory.partial = true; }},
        {"new master", [](LifecycleView& view) { view.reconciled = false; }},
        {"paused", [](LifecycleView& view) { view.pause.kind = FleetPauseKind::out; }},
        {"in DNS", [](LifecycleView& view) { view.sights.at(id(2, 1)).out_of_dns = false; }},
        {"never looked up", [](LifecycleView& view) { view.sights.erase(id(2, 1)); }},
        {"budget",
         [](LifecycleView& view) { view.state->collected.assign(5, view.now - seconds(3'599)); }},
        {"foreign name",
         [](LifecycleView& view) {
             auto sighting = view.state->orphans.extract(id(2, 1));
             sighting.key() = InstanceId("web-canary");
             view.state->orphans.insert(std::move(sighting));
             view.inventory.newest->machines.back().id = InstanceId("web-canary");
         }},
    };
    EXPECT_EQ(condemned(plan(quick_settings(), good())), 1);
    for (const auto& [name, spoil] : rows) {
        LifecycleView view = good();
        spoil(view);
        EXPECT_EQ(condemned(plan(quick_settings(), view)), 0) << name;
    }
}

/// Staging and production share an account, and both have a fleet `web`; this is staging.
LifecycleView with_production(const std::string& token) {
    LifecycleView view = serving(4);
    for (int k = 1; k <= 3; ++k) {
        const Machine theirs{.id = id(12, k),
                             .token = token,
                             .state = MachineState::running,
                             .age = std::chrono::hours(9)};
        for (auto* listing : {&view.inventory.before, &view.inventory.newest})
            (*listing)->machines.push_back(theirs);
        view.sights[theirs.id].out_of_dns = true;
    }
    return view;
}

/// The view after what was planned, and another listing of the same machines.
void go_on(LifecycleView& view, const LifecyclePlan& planned) {
    if (planned.write) view.state = planned.write->state;
    view.now += seconds(130);
    view.inventory.newest->asked = view.now;
}

TEST(LifecycleOrphans, AreNeverAnotherClustersOrAnEarlierFleets) {
    for (const char* const token : {"u9.nonce", "u1", "u1x.nonce", "u11.nonce", ".u1.x", ""}) {
        LifecycleView view = with_production(token);
        for (int round = 0; round < 4; ++round) {
            const LifecyclePlan planned = plan(quick_settings(), view);
            EXPECT_THAT(planned.calls, IsEmpty()) << token;
            EXPECT_EQ(condemned(planned), 0) << token;
            EXPECT_THAT(planned.says,
                        Contains(HasSubstr("web-12-1, web-12-2, web-12-3 without a record")));
            go_on(view, planned);
        }
        EXPECT_THAT(view.state->orphans, IsEmpty()) << token;
    }
    LifecycleView ours = with_production("u1.nonce");
    ours.state->generation = 12;
    for (int round = 0; round < 3; ++round) go_on(ours, plan(quick_settings(), ours));
    EXPECT_THAT(plan(quick_settings(), ours).calls, SizeIs(3)) << "what is proven is collected";
}

TEST(LifecycleOrphans, OfOthersAreNoSignThatTheTreeIsWrong) {
    LifecycleView view = with_orphans(3, 1, seconds(700), seconds(200), 3);
    for (int k = 1; k <= 9; ++k)
        view.inventory.newest->machines.push_back(
            {.id = id(12, k), .token = "u9.x", .state = MachineState::running});
    EXPECT_EQ(condemned(plan(quick_settings(), view)), 1);
}

/// A master before this one may have condemned by the name alone.
TEST(LifecycleOrphans, ThatWereCondemnedAreRemovedOnlyIfTheyAreOurs) {
    LifecycleView view = with_production("u9.nonce");
    view.state->orphans[id(12, 1)] = {.first = view.now - seconds(600),
                                      .last = view.now - seconds(5),
                                      .listings = 9,
                                      .condemned = view.now - seconds(5)};
    view.state->listed = view.now - seconds(5);
    for (const bool listed : {true, false}) {
        if (!listed) view.inventory.newest.reset();
        EXPECT_THAT(plan(quick_settings(), view).calls, IsEmpty()) << listed;
    }
}

TEST(LifecycleOrphans, AreRemovedAfterThatIsWrittenUntilTheyAreNotListed) {
    LifecycleView view = with_orphans(9, 1, seconds(700), seconds(200), 3);
    LifecyclePlan planned = plan(quick_settings(), view);
    EXPECT_THAT(planned.calls, IsEmpty());
    view.state = planned.write->state;
    view.sights.at(id(2, 1)).out_of_dns = false;
    EXPECT_THAT(plan(quick_settings(), view).calls, IsEmpty()) << "for want of better ones";
    view.sights.at(id(2, 1)).out_of_dns = true;
    planned = plan(quick_settings(), view);
    ASSERT_THAT(planned.calls, SizeIs(1));
    EXPECT_EQ(planned.calls[0].kind, CallKind::remove);
    EXPECT_EQ(planned.calls[0].order.id, id(2, 1));
    view.replies[id(2, 1)] = {.kind = CallKind::remove,
                              .asked = view.now,
                              .at = view.now,
                              .result = Machine{.id = id(2, 1)}};
    view.now += seconds(60);
    EXPECT_THAT(plan(quick_settings(), view).calls, IsEmpty()) << "until it is listed again";
    view.inventory.newest->asked = view.now;
    EXPECT_THAT(plan(quick_settings(), view).calls, SizeIs(1));
    view.inventory.newest->machines.pop_back();
    view.state->listed.reset();
    EXPECT_THAT(plan(quick_settings(), view).write->state.orphans, IsEmpty());
}

TEST(LifecycleOrphans, NamesAreOurs) {
    EXPECT_EQ(generation_of(fleet, "web-12-3"), 12);
    for (const char* name : {"web-12",
                             "web-12-",
                             "web--3",
                             "web-0-1",
                             "web-1-0",
                             "web-1-1x",
                             "api-1-1",
                             "web",
                             "",
                             "web-99999999999999999999-1"})
        EXPECT_EQ(generation_of(fleet, name), std::nullopt) << name;
}

}  // namespace
}  // namespace muster::scaler::testing
