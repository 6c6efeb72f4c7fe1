#include "common/base/with_timeout.hpp"

#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

namespace muster {
namespace {

using namespace std::chrono_literals;

class WithTimeout : public testing::Test {
 protected:
    asio::awaitable<Result<int>> answer_after(std::chrono::nanoseconds span) {
        if (span > 0ns) co_await clock.sleep_for(span);
        co_return 42;
    }
    asio::awaitable<Result<int>> throw_at_once() {
        throw std::runtime_error("no luck");
        co_return 0;
    }
    asio::awaitable<void> ask(std::chrono::nanoseconds limit, asio::awaitable<Result<int>> op) {
        found = co_await with_timeout(clock, limit, std::move(op));
    }
    std::optional<Result<int>> run(std::chrono::nanoseconds limit,
                                   asio::awaitable<Result<int>> op) {
        asio::co_spawn(context, ask(limit, std::move(op)), test::rethrow);
        clock.run_for(10s);
        return found;
    }

    asio::io_context context{1};
    test::VirtualClock clock{context};
    std::optional<Result<int>> found;
};

TEST_F(WithTimeout, GivesTheAnswerThatCameInTime) {
    EXPECT_EQ(run(1s, answer_after(900ms)).value().value(), 42);
    EXPECT_EQ(run(1s, answer_after(0ns)).value().value(), 42) << "at once";
}

TEST_F(WithTimeout, GivesUpWhenTheLimitHasPassed) {
    const auto late = run(1s, answer_after(1100ms));
    ASSERT_TRUE(late);
    ASSERT_FALSE(late->has_value());
    EXPECT_EQ(late->error().code, std::make_error_code(std::errc::timed_out));
}

TEST_F(WithTimeout, DoesNotWaitForTheTimer) {
    const SteadyTime start = clock.now();
    asio::co_spawn(context, ask(1h, answer_after(1ms)), test::rethrow);
    EXPECT_TRUE(clock.run_for(2h, [this] { return found.has_value(); }));
    EXPECT_LT(clock.now() - start, 1s);
}

TEST_F(WithTimeout, LetsExceptionsThrough) {
    EXPECT_THROW((void)run(1s, throw_at_once()), std::runtime_error);
}

TEST_F(WithTimeout, EndsWithTheTaskThatWaits) {
    TaskGroup group(context.get_executor());
    group.spawn("ask", ask(1h, answer_after(30min)));
    clock.run_for(1s);
    group.cancel();
    clock.run_for(1s);
    EXPECT_EQ(group.size(), 0U);
    group.spawn("never", ask(1h, answer_after(30min)));
    clock.run_for(1s);
    EXPECT_FALSE(found);
}

TEST_F(WithTimeout, EndsWithATaskThatHasNotBegun) {
    TaskGroup group(context.get_executor());
    group.spawn("ask", ask(1h, answer_after(30min)));
    group.cancel();
    clock.run_for(1s);
    EXPECT_EQ(group.size(), 0U);
    EXPECT_FALSE(found);
}

class Signals : public testing::Test {
 protected:
    asio::awaitable<void> count(Signal& signal) {
        for (;;) {
            co_await signal.wait();
            ++woken;
        }
    }
    asio::io_context context{1};
    test::VirtualClock clock{context};
    int woken = 0;
};

TEST_F(Signals, ThatComeWhileNobodyWaitsCollapseIntoOne) {
    Signal signal(context.get_executor());
    TaskGroup group(context.get_executor());
    signal.notify();
    signal.notify();
    group.spawn("count", count(signal));
    clock.run_for(1ms);
    EXPECT_EQ(woken, 1);
    signal.notify();
    clock.run_for(1ms);
    EXPECT_EQ(woken, 2);
    group.cancel();
    clock.run_for(1ms);
    signal.notify();
    clock.run_for(1ms);
    EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace muster
