// A worker that hears what LBs say of its backends.
#include "tests/orchestrator/one_worker.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using config::OutlierAction;

class WorkerOutlierTest : public testing::Test {
 protected:
    WorkerOutlierTest() {
        auto& fleet = one_.view.fleets[FleetName("edge")];
        fleet.head.emplace();
        fleet.spec = std::make_shared<const config::FleetSpec>(config::FleetSpec{
            .name = FleetName("edge"), .listeners = {{.name = "main", .group = web_shard.group}}});
        for (const char* lb : {"lb1", "lb2", "lb3"})
            one_.view.agents[{FleetName("edge"), InstanceId(lb)}].value.incarnation = "i1";
        for (const checker::Check& check : one_.runner.put_checks)
            one_.runner.report({.id = check.id,
                                .state = {.verdict = checker::Verdict::up},
                                .transition = checker::Transition::changed,
                                .outcome = {.result = checker::Result::success}});
        want(config::OutlierSpec{.action = OutlierAction::eject});
    }

    void want(std::optional<config::OutlierSpec> outlier) {
        auto spec = *one_.view.groups[web_shard.group].spec;
        spec.outlier = std::move(outlier);
        one_.view.groups[web_shard.group].spec =
            std::make_shared<const config::GroupSpec>(std::move(spec));
        one_.worker.on_view({.config = true});
        one_.clock.run_for(100ms);
    }
    /// An LB names these; none: it takes back what it said.
    void say(const std::string& lb,
             const std::vector<std::string>& backends,
             std::int64_t finding = 1) {
        auto& all = one_.view.evidence[web_shard.group];
        if (backends.empty()) {
            all.erase("edge:" + lb);
        } else {
            znodes::LbEvidence said{.stamp = {.cluster = "uuid", .sequence = ++sequence_},
                                    .fleet = FleetName("edge"),
                                    .instance = InstanceId(lb),
                                    .incarnation = "i1",
                                    .group_uid = "uid",
                                    .seen = 20,
                                    .found = static_cast<int>(backends.size())};
            for (const std::string& id : backends)
                said.outliers.push_back({.backend = BackendId(id), .finding = finding});
            all["edge:" + lb].value = std::move(said);
        }
        one_.worker.on_view({.evidence = true});
        one_.clock.run_for(50ms);
    }
    [[nodiscard]] checker::CheckId check(const std::string& backend) const {
        return one_.worker.find_check(web_shard.group, BackendId(backend)).value();
    }
    /// As published.
    [[nodiscard]] SharedValue<znodes::Ejection> ejection(std::size_t slot) {
        one_.clock.run_for(1s);
        const znodes::ShardStatus status = one_.published();
        const auto detail = status.details.find(static_cast<int>(slot));
        return detail == status.details.end() ? SharedValue<znodes::Ejection>{}
                                              : detail->second.ejection;
    }
    using Checks = std::vector<checker::CheckId>;

    OneWorker one_{10, {.interval = 10s}};
    std::int64_t sequence_ = 0;
};

TEST_F(WorkerOutlierTest, ProbesWhatOneLbNamesAndLessOftenAsItSucceeds) {
    say("lb1", {"b003"});
    EXPECT_EQ(one_.runner.hastened, Checks{check("b003")});
    one_.clock.run_for(32s);
    EXPECT_EQ(one_.runner.hastened.size(), 6U) << "0, 1, 3, 7, 15, 25 s";
    EXPECT_EQ(one_.worker.counters().hastened, 6U);
    EXPECT_FALSE(ejection(3)) << "one LB of three";
    say("lb1", {});
    one_.clock.run_for(60s);
    EXPECT_EQ(one_.runner.hastened.size(), 6U);
    say("lb1", {"b003"}, 2);
    EXPECT_EQ(one_.runner.hastened.size(), 7U) << "after a quiet time at once again";
}

TEST_F(WorkerOutlierTest, ProbesOnWhileTheCheckFailsAndNoMoreWhenItIsDown) {
    say("lb1", {"b003"});
    one_.runner.report({.id = check("b003"),
                        .state = {.verdict = checker::Verdict::up, .failures = 1},
                        .transition = checker::Transition::pending,
                        .outcome = {.result = checker::Result::failure}});
    one_.clock.run_for(5s);
    EXPECT_GE(one_.runner.hastened.size(), 5U);
    one_.runner.report({.id = check("b003"),
                        .state = {.verdict = checker::Verdict::down, .failures = 3},
                        .transition = checker::Transition::changed,
                        .outcome = {.result = checker::Result::failure}});
    const std::size_t before = one_.runner.hastened.size();
    one_.clock.run_for(30s);
    EXPECT_EQ(one_.runner.hastened.size(), before);
}

TEST_F(WorkerOutlierTest, IgnoresWhatIsNotItsOwn) {
    say("lb1", {"b099", "nobody"});
    EXPECT_TRUE(one_.runner.hastened.empty());
    want(std::nullopt);
    say("lb1", {"b003"});
    one_.clock.run_for(30s);
    EXPECT_TRUE(one_.runner.hastened.empty()) << "nobody asked";
}

TEST_F(WorkerOutlierTest, EjectsWhatMostLbsNameAndRemembersIt) {
    say("lb1", {"b003"});
    say("lb2", {"b003"});
    const SharedValue<znodes::Ejection> first = ejection(3);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->until - first->since, 30s);
    EXPECT_EQ(first->lbs, 2);
    EXPECT_EQ(first->of, 3);
    EXPECT_EQ(one_.worker.ejected(), 1U);
    EXPECT_EQ(one_.worker.counters().ejections, 1U);
    say("lb3", {"b003"});
    say("lb3", {});
    one_.clock.run_for(10s);
    EXPECT_EQ(*ejection(3), *first) << "nothing that is said meanwhile changes it";
    one_.clock.run_for(20s);
    EXPECT_EQ(one_.worker.ejected(), 0U);
    EXPECT_EQ(one_.worker.counters().ejections, 1U) << "what was found before its end";
    EXPECT_TRUE(ejection(3)) << "remembered for 10 s";
    say("lb1", {"b003"}, 2);
    say("lb2", {"b003"}, 2);
    const SharedValue<znodes::Ejection> second = ejection(3);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->times, 2);
    EXPECT_EQ(second->until - second->since, 60s);
    one_.clock.run_for(81s);
    EXPECT_FALSE(ejection(3)) << "60 s, and 10 s for each of two";
}

TEST_F(WorkerOutlierTest, OnlyProbesWhenToldTo) {
    want(config::OutlierSpec{.action = OutlierAction::probe});
    for (const char* lb : {"lb1", "lb2", "lb3"}) say(lb, {"b003"});
    EXPECT_EQ(one_.runner.hastened.size(), 1U);
    EXPECT_FALSE(ejection(3));
}

TEST_F(WorkerOutlierTest, EndsEveryEjectionWhenItIsTurnedOff) {
    say("lb1", {"b003"});
    say("lb2", {"b003"});
    ASSERT_TRUE(ejection(3));
    want(config::OutlierSpec{.action = OutlierAction::probe});
    EXPECT_FALSE(ejection(3));
    want(config::OutlierSpec{.action = OutlierAction::eject});
    say("lb1", {"b004"});
    say("lb2", {"b004"});
    ASSERT_TRUE(ejection(4));
    want(std::nullopt);
    EXPECT_FALSE(ejection(4));
}

TEST_F(WorkerOutlierTest, DoesNotEjectForLbsThatAreGone) {
    one_.view.agents.erase({FleetName("edge"), InstanceId("lb2")});
    one_.view.agents.erase({FleetName("edge"), InstanceId("lb3")});
    say("lb2", {"b003"});
    say("lb3", {"b003"});
    EXPECT_FALSE(ejection(3)) << "who is not registered has no say";
    say("lb1", {"b003"});
    EXPECT_TRUE(ejection(3)) << "the only one that is there";
}

}  // namespace
}  // namespace muster::orchestrator
