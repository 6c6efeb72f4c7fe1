#include "checker/engine.hpp"

#include "checker/prober_pool.hpp"
#include "checker/schedule.hpp"
#include "tests/checker/support/engine_fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

const ProbeOutcome refused{.result = Result::failure, .reason = Reason::l4_refused};
const ProbeOutcome timed_out{.result = Result::failure, .reason = Reason::l7_timeout};

TEST_F(EngineTest, KeepsAnExactCadenceForAnHour) {
    constexpr int checks = 60;
    for (std::uint64_t i = 0; i < checks; ++i) engine_->put(check(i, "b" + std::to_string(i)));
    clock_.run_for(1h);

    const SteadyTime zero =
        wall_zero(test::VirtualClock::default_wall, test::VirtualClock::default_start);
    for (std::uint64_t i = 0; i < checks; ++i) {
        const auto starts = prober_.starts_of("b" + std::to_string(i));
        ASSERT_EQ(starts.size(), 1800U);
        for (std::size_t k = 0; k < starts.size(); ++k) {
            const SteadyTime slot =
                next_slot(cadence(CheckId{i}, 2s, zero), test::VirtualClock::default_start) +
                static_cast<int>(k) * 2s;
            ASSERT_EQ(starts[k], round_up(slot, 10ms));
        }
    }
    const EngineCounters& counters = engine_->counters();
    EXPECT_EQ(counters.started, checks * 1800U);
    EXPECT_EQ(counters.succeeded + prober_.running, checks * 1800U);
    EXPECT_EQ(counters.skipped_slots, 0U);
    EXPECT_EQ(counters.late_starts, 0U);
    EXPECT_EQ(counters.stalled, 0ns);
    // Nothing is more than one tick behind its slot.
    EXPECT_EQ(
        counters.lateness[0] + counters.lateness[1] + counters.lateness[2] + counters.lateness[3],
        checks * 1800U);
}

TEST_F(EngineTest, DoesNotWakeUpWithNothingToDo) {
    clock_.run_for(1min);
    EXPECT_EQ(clock_.next_wake_up(), std::nullopt);
    EXPECT_EQ(engine_->last_tick(), clock_.now()) << "asleep as planned is not overdue";

    engine_->put(check(1, "a", {.interval = 60s}));
    clock_.run_for(61s);
    ASSERT_EQ(prober_.starts.size(), 1U);
    clock_.run_for(1s);
    EXPECT_EQ(clock_.next_wake_up(), prober_.starts[0].time + 60s) << "nothing before its slot";
}

TEST_F(EngineTest, KeepsItsPlaceWhenRemovedAndAddedAgainAndOnAnotherNode) {
    engine_->put(check(1, "a"));
    clock_.run_for(20s);
    const auto place = (prober_.starts.back().time.time_since_epoch()) % 2s;
    for (const auto pause : {1ms, 777ms, 1999ms, 3500ms}) {
        engine_->remove(CheckId{1});
        clock_.run_for(pause);
        restart({});
        engine_->put(check(1, "a"));
        clock_.run_for(2s + 10ms);
        EXPECT_EQ(prober_.starts.back().time.time_since_epoch() % 2s, place);
    }
}

TEST_F(EngineTest, IsNotMovedByASteppedWallClock) {
    engine_->put(check(1, "a"));
    clock_.run_for(20s);
    const auto before = prober_.starts_of("a");
    clock_.step_wall(-777ms);
    clock_.run_for(20s);
    const auto after = prober_.starts_of("a");
    ASSERT_EQ(after.size(), 2 * before.size());
    for (std::size_t i = 1; i < after.size(); ++i) EXPECT_EQ(after[i] - after[i - 1], 2s);
}

TEST_F(EngineTest, ReportsOnlyWhatChangesTheVerdictOrACounter) {
    engine_->put(check(1, "a"));
    clock_.run_for(20s);
    ASSERT_EQ(reports_.size(), 1U);
    EXPECT_EQ(reports_[0].id, CheckId{1});
    EXPECT_EQ(reports_[0].transition, Transition::changed);
    EXPECT_EQ(reports_[0].state.verdict, Verdict::up);
    EXPECT_EQ(reports_[0].outcome.code, 200);

    prober_.replies["a"] = {.outcome = refused};
    clock_.run_for(20s);
    std::vector<Transition> transitions;
    for (const CheckReport& report : reports_) transitions.push_back(report.transition);
    EXPECT_THAT(
        transitions,
        testing::ElementsAre(
            Transition::changed, Transition::pending, Transition::pending, Transition::changed));
    EXPECT_EQ(state(1).verdict, Verdict::down);
    EXPECT_EQ(engine_->results(CheckId{1}), 20U);
    EXPECT_EQ(engine_->recent(CheckId{1}).size(), 20U);
    EXPECT_EQ(engine_->recent(CheckId{1}).back().outcome.reason, Reason::l4_refused);
}

TEST_F(EngineTest, StartsFromTheStateItIsGivenWithCountersPending) {
    Check restored = check(1, "a");
    restored.start = {.verdict = Verdict::up, .failures = 2, .reason = Reason::l4_refused};
    prober_.replies["a"] = {.outcome = refused};
    engine_->put(restored);
    clock_.run_for(2010ms);
    ASSERT_EQ(reports_.size(), 1U);
    EXPECT_EQ(reports_[0].transition, Transition::changed);
    EXPECT_EQ(reports_[0].state.verdict, Verdict::down);
}

TEST_F(EngineTest, GoesFastWhileAChangeIsPendingAndReturnsToItsSlots) {
    engine_->put(check(1, "a", {.interval = 2s, .fast_interval = 200ms}));
    clock_.run_for(10s);
    const SteadyTime last = prober_.starts.back().time;
    const std::size_t count = prober_.starts.size();
    prober_.replies["a"] = {.outcome = refused};
    clock_.run_for(2300ms);
    prober_.replies.clear();  // after one failure in the slot and one or two fast ones
    clock_.run_until(last + 8s + 10ms);

    std::vector<std::chrono::nanoseconds> since;
    for (std::size_t i = count; i < prober_.starts.size(); ++i) {
        since.push_back(prober_.starts[i].time - last);
    }
    ASSERT_GE(since.size(), 5U);
    EXPECT_EQ(since[0], 2s);
    // Counted from the slot, which is up to a tick before the start.
    EXPECT_NEAR(static_cast<double>((since[1] - since[0]).count()), 200e6, 10e6);
    EXPECT_EQ(since[since.size() - 1], 8s);
    EXPECT_EQ(since[since.size() - 2], 6s);
    EXPECT_EQ(since[since.size() - 3], 4s);
}

TEST_F(EngineTest, UsesTheDownIntervalWhileDownAndTheFastOneOnTheWayUp) {
    prober_.replies["a"] = {.outcome = refused};
    engine_->put(
        check(1, "a", {.interval = 2s, .fast_interval = 500ms, .down_interval = 10s, .rise = 3}));
    clock_.run_for(33s);
    const auto starts = prober_.starts_of("a");
    ASSERT_GE(starts.size(), 3U);
    EXPECT_LE(starts.size(), 4U);
    EXPECT_EQ(starts[2] - starts[1], 10s);
    prober_.replies.clear();
    clock_.run_for(11s);
    EXPECT_EQ(state(1).verdict, Verdict::up);
    EXPECT_LE(clock_.wall() - state(1).since, 10s);
}

TEST_F(EngineTest, ProbesEqualRequestsOnce) {
    for (std::uint64_t i = 0; i < 5; ++i) engine_->put(check(i, "same"));
    engine_->put(check(9, "other"));
    clock_.run_for(20s + 10ms);
    EXPECT_EQ(prober_.starts_of("same").size(), 10U);
    EXPECT_EQ(prober_.starts_of("other").size(), 10U);
    EXPECT_EQ(engine_->counters().deduplicated, 40U);
    EXPECT_EQ(reports_.size(), 6U);
    for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(engine_->results(CheckId{i}), 10U);
}

TEST_F(EngineTest, JoinsAnEqualRequestOfAnotherIntervalWhereTheirSlotsMeet) {
    engine_->put(check(1, "same", {.interval = 2s}));
    engine_->put(check(2, "same", {.interval = 10s}));
    clock_.run_for(100s + 10ms);
    EXPECT_EQ(prober_.starts_of("same").size(), 50U);
    EXPECT_EQ(engine_->results(CheckId{1}), 50U);
    EXPECT_EQ(engine_->results(CheckId{2}), 10U);
}

TEST_F(EngineTest, MovesNothingWhenTheFirstOfEqualChecksLeaves) {
    engine_->put(check(1, "same"));
    engine_->put(check(2, "same"));
    clock_.run_for(10s);
    engine_->remove(CheckId{1});
    clock_.run_for(10s + 10ms);
    const auto starts = prober_.starts_of("same");
    EXPECT_EQ(starts.size(), 10U);
    for (std::size_t i = 1; i < starts.size(); ++i) EXPECT_EQ(starts[i] - starts[i - 1], 2s);
    EXPECT_EQ(engine_->size(), 1U);
}

TEST_F(EngineTest, CatchesUpWithinTheSpreadThenFallsIntoItsPhase) {
    constexpr std::uint64_t checks = 500;
    const SteadyTime added = clock_.now();
    for (std::uint64_t i = 0; i < checks; ++i) {
        Check heir = check(i, "b" + std::to_string(i));
        heir.catch_up = true;
        engine_->put(heir);
    }
    clock_.run_for(20s);
    const SteadyTime zero = wall_zero(test::VirtualClock::default_wall, added);
    std::set<SteadyTime> firsts;
    for (std::uint64_t i = 0; i < checks; ++i) {
        const auto starts = prober_.starts_of("b" + std::to_string(i));
        ASSERT_LE(starts.at(0) - added, 160ms);
        firsts.insert(starts[0]);
        const Cadence slots = cadence(CheckId{i}, 2s, zero);
        for (std::size_t k = 1; k < starts.size(); ++k) {
            ASSERT_LE(starts[k] - starts[k - 1], 2s + 10ms);
            // A tick later where the slot passed while the catching up was under way.
            const SteadyTime slot = next_slot(slots, starts[k] - (k == 1 ? 20ms : 10ms) - 1ns);
            ASSERT_LE(slot, starts[k]);
        }
    }
    EXPECT_GE(firsts.size(), 14U) << "spread over the ticks";
}

TEST_F(EngineTest, LeavesNoGapBehindACatchUpThatHangs) {
    for (std::uint64_t i = 0; i < 50; ++i) {
        const std::string host = "b" + std::to_string(i);
        prober_.replies[host] = {.outcome = timed_out, .after = 1s};
        Check heir = check(i, host, {.interval = 2s, .timeout = 1s});
        heir.catch_up = true;
        engine_->put(heir);
    }
    clock_.run_for(20s);
    for (std::uint64_t i = 0; i < 50; ++i) {
        const auto starts = prober_.starts_of("b" + std::to_string(i));
        for (std::size_t k = 1; k < starts.size(); ++k) {
            ASSERT_LE(starts[k] - starts[k - 1], 2s + 10ms);
        }
    }
}

TEST_F(EngineTest, ProbesAHangingTargetAtEverySlotWhenTimeoutEqualsInterval) {
    prober_.replies["a"] = {.outcome = timed_out, .after = 1s + 3ms};
    engine_->put(check(1, "a", {.interval = 1s, .timeout = 1s}));
    clock_.run_for(60s);
    EXPECT_GE(prober_.starts.size(), 59U);
}

TEST_F(EngineTest, PutWithEqualContentChangesNothing) {
    engine_->put(check(1, "a"));
    clock_.run_for(3s);
    const auto starts = prober_.starts.size();
    for (int i = 0; i < 20; ++i) {
        Check again = check(1, "a");  // other objects, equal values
        again.start.verdict = Verdict::down;
        again.catch_up = true;
        engine_->put(again);
        clock_.run_for(100ms);
    }
    EXPECT_EQ(prober_.starts.size(), starts + 1);
    EXPECT_EQ(state(1).verdict, Verdict::up);
}

TEST_F(EngineTest, KeepsStateRingAndPhaseWhenTheSpecChanges) {
    engine_->put(check(1, "a"));
    clock_.run_for(10s);
    const auto place = prober_.starts.back().time.time_since_epoch() % 2s;
    config::CheckSpec edited{.interval = 4s, .fall = 1};
    edited.probe = config::HttpCheck{.path = "/other"};
    engine_->put(check(1, "a", edited));
    EXPECT_EQ(state(1).verdict, Verdict::up);
    EXPECT_EQ(engine_->recent(CheckId{1}).size(), 5U);
    const auto before = prober_.starts.size();
    clock_.run_for(20s);
    EXPECT_EQ(prober_.starts.size(), before + 5);
    EXPECT_EQ(prober_.starts.back().time.time_since_epoch() % 2s, place);
    EXPECT_EQ(reports_.size(), 1U);

    prober_.replies["a"] = {.outcome = refused};
    clock_.run_for(4s);
    EXPECT_EQ(state(1).verdict, Verdict::down) << "the new fall is in force";
}

TEST_F(EngineTest, DropsTheResultOfACheckThatWasRemovedOrGivenAnotherRequest) {
    prober_.replies["a"] = {.outcome = refused, .after = 900ms};
    prober_.replies["b"] = {.outcome = refused, .after = 900ms};
    engine_->put(check(1, "a"));
    engine_->put(check(2, "b"));
    ASSERT_TRUE(clock_.run_for(4s, [&] { return prober_.running == 2; }));
    engine_->remove(CheckId{1});
    engine_->put(check(2, "c"));
    clock_.run_for(950ms);
    EXPECT_TRUE(reports_.empty());
    EXPECT_EQ(engine_->state(CheckId{1}), std::nullopt);
    EXPECT_EQ(engine_->results(CheckId{2}), 0U);
    clock_.run_for(2s);
    ASSERT_EQ(reports_.size(), 1U);
    EXPECT_EQ(reports_[0].id, CheckId{2});
    EXPECT_EQ(reports_[0].state.verdict, Verdict::up) << "what the new request found";
}

TEST_F(EngineTest, AddsAgainWhileTheOldProbeRunsWithoutTakingItsResult) {
    prober_.replies["a"] = {.outcome = refused, .after = 900ms};
    engine_->put(check(1, "a"));
    ASSERT_TRUE(clock_.run_for(4s, [&] { return prober_.running == 1; }));
    engine_->remove(CheckId{1});
    engine_->put(check(1, "a"));
    clock_.run_for(950ms);
    EXPECT_TRUE(reports_.empty());
}

TEST_F(EngineTest, SurvivesAReportThatRemovesAndPuts) {
    std::unique_ptr<TaskGroup> tasks = std::move(tasks_);
    tasks->cancel();
    clock_.run_ready();
    engine_ = std::make_unique<Engine>(
        context_.get_executor(), clock_, prober_, EngineSettings{}, [&](const CheckReport& report) {
            reports_.push_back(report);
            engine_->remove(report.id);
            engine_->put(check(static_cast<std::uint64_t>(report.id) + 100, "same"));
        });
    tasks_ = std::make_unique<TaskGroup>(context_.get_executor());
    tasks_->spawn("engine", engine_->run());
    for (std::uint64_t i = 0; i < 4; ++i) engine_->put(check(i, "same"));
    clock_.run_for(10s);
    EXPECT_EQ(engine_->size(), 4U);
    EXPECT_GE(reports_.size(), 16U);
}

TEST_F(EngineTest, NeverCallsATimeoutAFailureWhenItsOwnLoopStoodStill) {
    prober_.replies["a"] = {.outcome = timed_out, .after = 1s};
    Check good = check(1, "a", {.interval = 2s, .timeout = 1s, .fall = 1});
    good.start.verdict = Verdict::up;
    engine_->put(good);
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(clock_.run_for(4s, [&] { return prober_.running == 1; }));
        clock_.run_for(i * 40ms);
        stall(400ms);
        ASSERT_TRUE(clock_.run_for(1s, [&] { return prober_.running == 0; }));
        ASSERT_EQ(engine_->recent(CheckId{1}).back().outcome.reason, Reason::prober_late) << i;
    }
    EXPECT_TRUE(reports_.empty());
    EXPECT_GE(engine_->counters().stalled, 5s);
    clock_.run_for(3s);
    EXPECT_EQ(state(1).verdict, Verdict::down) << "without a stall it is a failure";
}

TEST_F(EngineTest, CountsNoFailureWhileItIsNotToBeTrusted) {
    prober_.replies["a"] = {.outcome = refused};
    Check good = check(1, "a", {.interval = 1s, .fall = 1});
    good.start.verdict = Verdict::up;
    engine_->put(good);
    engine_->distrust(true);
    clock_.run_for(5s);
    ASSERT_GE(engine_->recent(CheckId{1}).size(), 4U);
    EXPECT_EQ(engine_->recent(CheckId{1})[0].outcome.reason, Reason::prober_doubt);
    EXPECT_EQ(engine_->recent(CheckId{1})[0].outcome.result, Result::inconclusive);
    EXPECT_EQ(state(1).verdict, Verdict::up);
    engine_->distrust(false);
    clock_.run_for(2s);
    EXPECT_EQ(state(1).verdict, Verdict::down);
}

TEST_F(EngineTest, DoubtsFailuresOfProbesThatStartedTooLate) {
    prober_.replies["a"] = {.outcome = refused};
    Check good = check(1, "a", {.interval = 2s, .fall = 1});
    good.start.verdict = Verdict::up;
    engine_->put(good);
    clock_.run_ready();
    const SteadyTime due = clock_.next_wake_up().value();
    clock_.advance_to(due + 251ms);
    clock_.run_for(20ms);
    ASSERT_EQ(engine_->recent(CheckId{1}).size(), 1U);
    EXPECT_EQ(engine_->recent(CheckId{1})[0].outcome.reason, Reason::prober_late);
    EXPECT_EQ(engine_->counters().late_starts, 1U);
    EXPECT_EQ(state(1).verdict, Verdict::up);
    clock_.run_for(2s);
    EXPECT_EQ(state(1).verdict, Verdict::down);
}

TEST_F(EngineTest, SkipsAheadAfterALongStallAndNeverBunches) {
    for (std::uint64_t i = 0; i < 100; ++i) engine_->put(check(i, "b" + std::to_string(i)));
    clock_.run_for(4s);
    const std::size_t before = prober_.starts.size();
    stall(60s);
    clock_.run_for(2s);
    EXPECT_LE(prober_.starts.size() - before, 200U) << "one late start each, then its slot";
    EXPECT_GE(engine_->counters().skipped_slots, 100U * 28);
    clock_.run_for(20s);
    EXPECT_LE(prober_.starts.size() - before, 1200U);
    for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(state(i).verdict, Verdict::up);
}

TEST_F(EngineTest, NeverTakesTheProbersTroubleForAFailure) {
    std::uint64_t id = 0;
    for (const Reason reason : {Reason::prober_ports,
                                Reason::prober_files,
                                Reason::prober_memory,
                                Reason::prober_resolver,
                                Reason::prober_stopped}) {
        const std::string host(to_string(reason));
        prober_.replies[host] = {.outcome = {.result = Result::inconclusive, .reason = reason}};
        Check up = check(++id, host);
        up.start = {.verdict = Verdict::up, .failures = 2};
        engine_->put(up);
    }
    clock_.run_for(60s);
    EXPECT_TRUE(reports_.empty());
    for (std::uint64_t i = 1; i <= id; ++i) {
        EXPECT_EQ(state(i), (HealthState{.verdict = Verdict::up, .failures = 2}));
        EXPECT_EQ(engine_->results(CheckId{i}), 0U);
    }
    EXPECT_EQ(engine_->counters().inconclusive, 150U);
}

TEST_F(EngineTest, ShowsAStuckLoopToTheWatchdog) {
    engine_->put(check(1, "a"));
    clock_.run_for(10s);
    const SteadyTime planned = *clock_.next_wake_up();
    stall(30s);
    EXPECT_EQ(engine_->last_tick(), planned);
    clock_.run_ready();
    EXPECT_GE(engine_->last_tick(), planned + 20s);
}

TEST_F(EngineTest, LetsProbesEndAfterItIsGone) {
    engine_->put(check(1, "a"));
    ASSERT_TRUE(clock_.run_for(4s, [&] { return prober_.running == 1; }));
    stop();
    clock_.run_for(1s);
    EXPECT_EQ(prober_.running, 0U);
    EXPECT_TRUE(reports_.empty());
}

/// Random puts, removals and replies against a plain model: states are those that `observe` gives
/// for the results of the request in force, and no check is left alone for more than its interval.
TEST_F(EngineTest, HoldsItsPromisesUnderRandomEdits) {
    std::mt19937_64 random(99);
    std::map<std::uint64_t, SteadyTime> added;
    for (int step = 0; step < 3000; ++step) {
        const std::uint64_t id = random() % 40;
        const std::string host = "h" + std::to_string(random() % 20);
        switch (random() % 4) {
            case 0: {
                prober_.replies[host] = {.outcome = random() % 2 == 0 ? refused : timed_out,
                                         .after = std::chrono::milliseconds(random() % 999)};
                break;
            }
            case 1:
                prober_.replies.erase(host);
                break;
            case 2: {
                const auto interval = random() % 2 == 0 ? 1s : 2s;
                if (!engine_->state(CheckId{id})) added[id] = clock_.now();
                engine_->put(check(id, host, {.interval = interval, .timeout = 1s}));
                break;
            }
            case 3:
                engine_->remove(CheckId{id});
                added.erase(id);
                break;
        }
        clock_.run_for(std::chrono::milliseconds(random() % 50));
        ASSERT_EQ(engine_->size(), added.size());
        for (const auto& [check_id, since] : added) {
            const SteadyTime last = engine_->last_start(CheckId{check_id}).value_or(since);
            ASSERT_LE(clock_.now() - last, 2s + 60ms) << "check " << check_id;
        }
    }
    const EngineCounters& counters = engine_->counters();
    EXPECT_EQ(counters.inconclusive, 0U);
    EXPECT_EQ(counters.started, prober_.starts.size());
    EXPECT_EQ(counters.succeeded + counters.failed + prober_.running, counters.started);
}

asio::awaitable<void> ask(CheckRunner& pool,
                          std::vector<std::optional<CheckRunner::Insight>>& insights,
                          std::vector<CheckRunner::Pass>& passes,
                          EngineCounters& counters) {
    insights = co_await pool.look({CheckId{1}, CheckId{2}});
    passes = co_await pool.passes({CheckId{1}, CheckId{2}});
    counters = co_await pool.counters();
}

TEST(InlinePool, AnswersForItsOneEngine) {
    asio::io_context context;
    test::VirtualClock clock(context);
    ScriptedProber prober(context.get_executor(), clock);
    InlinePool pool(context.get_executor(), clock, prober, {});
    std::vector<CheckReport> reports;
    pool.on_report([&](const CheckReport& report) { reports.push_back(report); });
    TaskGroup tasks(context.get_executor());
    tasks.spawn("pool", pool.run());

    auto request = std::make_shared<ProbeRequest>(ProbeRequest{.host = "a", .port = 80});
    pool.put(
        {{.id = CheckId{1}, .request = request, .spec = std::make_shared<config::CheckSpec>()}});
    clock.run_for(10s + 10ms);
    std::vector<std::optional<CheckRunner::Insight>> insights;
    std::vector<CheckRunner::Pass> passes;
    EngineCounters counters;
    tasks.spawn("ask", ask(pool, insights, passes, counters));
    clock.run_ready();
    ASSERT_EQ(insights.size(), 2U);
    ASSERT_TRUE(insights[0]);
    EXPECT_EQ(insights[0]->state.verdict, Verdict::up);
    EXPECT_EQ(insights[0]->results, 5U);
    EXPECT_LE(insights[0]->last_start_age, 2s);
    EXPECT_FALSE(insights[1]);
    EXPECT_EQ(passes[0].results, 5U);
    EXPECT_EQ(passes[1].last_start_age, std::nullopt);
    EXPECT_EQ(counters.started, 5U);
    EXPECT_EQ(reports.size(), 1U);
    EXPECT_EQ(pool.last_tick(), clock.now());

    pool.remove({CheckId{1}});
    tasks.cancel();
    clock.run_ready();
    EXPECT_EQ(tasks.size(), 0U);
}

}  // namespace
}  // namespace muster::checker
