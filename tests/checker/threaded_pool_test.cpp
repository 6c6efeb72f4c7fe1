#include "checker/network_prober.hpp"
#include "checker/prober_pool.hpp"
#include "common/base/task_group.hpp"
#include "tests/checker/support/backend_stub.hpp"
#include "tests/checker/support/real_time.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

namespace muster::checker {
namespace {

using namespace std::chrono_literals;

/// The pool over real sockets; backends and control share the test's own thread.
class ThreadedPoolTest : public testing::Test {
 protected:
    ThreadedPoolTest() {
        pool_.on_report([this](const CheckReport& report) {
            EXPECT_EQ(std::this_thread::get_id(), control_);
            reports_[report.id].push_back(report);
        });
    }

    static std::unique_ptr<Prober> make(asio::any_io_executor executor, Clock& clock) {
        return std::make_unique<NetworkProber>(std::move(executor), clock);
    }

    Check check(std::uint64_t id, std::uint16_t port, config::CheckSpec spec) const {
        auto request = std::make_shared<ProbeRequest>(ProbeRequest{
            .host = "127.0.0.1", .port = port, .probe = spec.probe, .timeout = spec.timeout});
        return {.id = CheckId{id},
                .request = std::move(request),
                .spec = std::make_shared<config::CheckSpec>(std::move(spec))};
    }

    static config::CheckSpec quick() { return {.interval = 100ms, .timeout = 5s, .rise = 2}; }

    [[nodiscard]] std::vector<CheckId> ids(std::uint64_t count) const {
        std::vector<CheckId> all;
        for (std::uint64_t i = 0; i < count; ++i) all.push_back(CheckId{i});
        return all;
    }

    asio::awaitable<void> look_into(std::vector<CheckId> wanted) {
        insights_ = co_await pool_.look(wanted);
        passes_ = co_await pool_.passes(wanted);
        counters_ = co_await pool_.counters();
    }

    void look(std::vector<CheckId> wanted) {
        tasks_.spawn("look", look_into(std::move(wanted)));
        ASSERT_TRUE(run_until(context_, [&] { return tasks_.size() == 0; }));
    }

    [[nodiscard]] std::size_t up() const {
        std::size_t count = 0;
        for (const auto& [id, reports] : reports_) {
            if (reports.back().state.verdict == Verdict::up) ++count;
        }
        return count;
    }

    std::thread::id control_ = std::this_thread::get_id();
    asio::io_context context_;
    AsioClock clock_;
    std::map<CheckId, std::vector<CheckReport>> reports_;
    std::vector<std::optional<CheckRunner::Insight>> insights_;
    std::vector<CheckRunner::Pass> passes_;
    EngineCounters counters_;
    TaskGroup tasks_{context_.get_executor()};
    ThreadedPool pool_{context_.get_executor(), clock_, 3, {}, make};
};

TEST_F(ThreadedPoolTest, ProbesOverItsThreadsAndReportsToControl) {
    std::vector<BackendStub> stubs;
    std::vector<Check> checks;
    for (std::uint64_t i = 0; i < 30; ++i) {
        stubs.emplace_back(context_.get_executor(), good_script());
        checks.push_back(check(i, stubs.back().port(), quick()));
    }
    pool_.put(checks);
    ASSERT_TRUE(run_until(context_, [&] { return up() == 30; }));

    stubs[7].change({.parts = {"HTTP/1.1 500 Broken\r\n\r\n"}});
    ASSERT_TRUE(run_until(
        context_, [&] { return reports_[CheckId{7}].back().state.verdict == Verdict::down; }));
    EXPECT_EQ(reports_[CheckId{7}].back().outcome.code, 500);
    EXPECT_EQ(up(), 29U);

    std::vector<CheckId> wanted = ids(30);
    wanted.push_back(CheckId{999});
    look(wanted);
    ASSERT_EQ(insights_.size(), 31U);
    for (std::size_t i = 0; i < 30; ++i) {
        ASSERT_TRUE(insights_[i]) << i;
        EXPECT_EQ(insights_[i]->state.verdict, i == 7 ? Verdict::down : Verdict::up);
        EXPECT_FALSE(insights_[i]->recent.empty());
        EXPECT_TRUE(passes_[i].last_start_age);
        EXPECT_GE(passes_[i].results, 1U);
    }
    EXPECT_FALSE(insights_[30]);
    EXPECT_FALSE(passes_[30].last_start_age);
    EXPECT_GE(counters_.succeeded, 30U);
    EXPECT_GE(pool_.last_tick(), clock_.now() - 5s * test::slowdown());
}

TEST_F(ThreadedPoolTest, ProbesEqualRequestsOnceEvenOverSeveralThreads) {
    const BackendStub stub(context_.get_executor(), good_script());
    std::vector<Check> checks;
    for (std::uint64_t i = 0; i < 12; ++i) checks.push_back(check(i, stub.port(), quick()));
    pool_.put(checks);
    ASSERT_TRUE(run_until(context_, [&] { return up() == 12; }));
    ASSERT_TRUE(run_until(context_, [&] { return stub.seen().requests.size() >= 10; }));
    look(ids(12));
    EXPECT_EQ(counters_.deduplicated, 11 * counters_.started);
}

TEST_F(ThreadedPoolTest, KeepsTheStateOfACheckWhoseBackendMovesToAnotherPort) {
    const BackendStub first(context_.get_executor(), good_script());
    const BackendStub second(context_.get_executor(), good_script());
    pool_.put({check(1, first.port(), quick())});
    ASSERT_TRUE(run_until(context_, [&] { return up() == 1; }));
    pool_.put({check(1, second.port(), quick())});
    ASSERT_TRUE(run_until(context_, [&] { return second.seen().requests.size() >= 3; }));
    EXPECT_EQ(reports_[CheckId{1}].size(), 1U) << "it was UP and still is";
}

TEST_F(ThreadedPoolTest, HastensEachCheckInTheThreadThatHasIt) {
    config::CheckSpec spec = quick();
    spec.interval = 1h;  // their turns come later than this test
    std::vector<BackendStub> stubs;
    std::vector<Check> checks;
    for (std::uint64_t i = 0; i < 9; ++i) {
        stubs.emplace_back(context_.get_executor(), good_script());
        checks.push_back(check(i, stubs.back().port(), spec));
    }
    pool_.put(checks);
    std::vector<CheckId> some = ids(8);
    some.push_back(CheckId{77});
    pool_.hasten(some);
    ASSERT_TRUE(run_until(context_, [&] { return up() == 8; }));
    EXPECT_TRUE(stubs[8].seen().requests.empty());
}

TEST_F(ThreadedPoolTest, ForgetsWhatIsRemoved) {
    const BackendStub stub(context_.get_executor(), good_script());
    pool_.put({check(1, stub.port(), quick())});
    ASSERT_TRUE(run_until(context_, [&] { return up() == 1; }));
    pool_.remove({CheckId{1}, CheckId{77}});
    look({CheckId{1}});
    EXPECT_FALSE(insights_[0]);
    const std::size_t seen = stub.seen().requests.size();
    context_.run_for(350ms);
    EXPECT_LE(stub.seen().requests.size(), seen + 1);
}

TEST_F(ThreadedPoolTest, StopsWithProbesUnderWayAndAnswersStill) {
    const BackendStub silent(context_.get_executor(), {.then = Then::hang});
    config::CheckSpec patient = quick();
    patient.timeout = 60s;
    std::vector<Check> checks;
    for (std::uint64_t i = 0; i < 20; ++i) {
        patient.probe = config::HttpCheck{.path = "/" + std::to_string(i)};
        checks.push_back(check(i, silent.port(), patient));
    }
    pool_.put(checks);
    ASSERT_TRUE(run_until(context_, [&] { return silent.seen().requests.size() == 20; }));
    tasks_.spawn("look", look_into(ids(20)));
    context_.poll();
    pool_.stop();
    ASSERT_TRUE(run_until(context_, [&] { return tasks_.size() == 0; }));
    look(ids(20));
    EXPECT_FALSE(insights_[0]);
    EXPECT_EQ(counters_.started, 20U);
    EXPECT_TRUE(reports_.empty()) << "being stopped is no failure";
    pool_.stop();
    pool_.put(checks);
    pool_.remove(ids(20));
}

TEST_F(ThreadedPoolTest, EndsAQuestionThatIsCancelled) {
    for (int i = 0; i < 50; ++i) {
        TaskGroup asking(context_.get_executor());
        asking.spawn("look", look_into(ids(20)));
        context_.poll_one();
        asking.cancel();
        ASSERT_TRUE(run_until(context_, [&] { return asking.size() == 0; }));
    }
}

}  // namespace
}  // namespace muster::checker
