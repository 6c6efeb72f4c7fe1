#include "common/base/task_group.hpp"

#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace muster {
namespace {

using namespace std::chrono_literals;

class TaskGroups : public testing::Test {
 protected:
    asio::awaitable<void> wait(std::chrono::nanoseconds span, bool& ended) {
        co_await clock.sleep_for(span);
        ended = true;
    }
    asio::awaitable<void> end_at_once(bool& ran) {
        ran = true;
        co_return;
    }
    asio::awaitable<void> fail_with(std::string what) {
        co_await clock.sleep_for(1ms);
        throw std::runtime_error(what);
    }
    asio::awaitable<void> stop(bool& stopped) {
        co_await group.stop();
        stopped = true;
    }

    asio::io_context context{1};
    test::VirtualClock clock{context};
    std::vector<std::string> failures;
    TaskGroup group{context.get_executor(),
                    [this](const std::string& task, const std::string& what) {
                        failures.push_back(task + ": " + what);
                    }};
};

TEST_F(TaskGroups, StopEndsWhatWaitsAndReturnsAfterIt) {
    bool slept = false;
    bool stopped = false;
    group.spawn("wait", wait(1h, slept));
    clock.run_for(1ms);
    asio::co_spawn(context, stop(stopped), test::rethrow);
    clock.run_for(1ms);
    EXPECT_TRUE(stopped);
    EXPECT_FALSE(slept);
    EXPECT_EQ(group.size(), 0U);
    EXPECT_TRUE(failures.empty());
}

TEST_F(TaskGroups, ATaskThatIsCancelledBeforeItsFirstStepEndsQuietly) {
    bool slept = false;
    bool ran = false;
    group.spawn("wait", wait(1h, slept));
    group.spawn("short", end_at_once(ran));
    group.cancel();
    clock.run_for(1ms);
    EXPECT_EQ(group.size(), 0U);
    EXPECT_FALSE(slept);
    EXPECT_TRUE(failures.empty());
}

TEST_F(TaskGroups, NothingStartsAfterTheStop) {
    bool ran = false;
    group.cancel();
    group.spawn("late", end_at_once(ran));
    clock.run_for(1ms);
    EXPECT_FALSE(ran);
}

TEST_F(TaskGroups, AnExceptionIsToldWithTheTasksName) {
    group.spawn("worker", fail_with("no luck"));
    clock.run_for(10ms);
    EXPECT_EQ(failures, std::vector<std::string>{"worker: no luck"});
}

}  // namespace
}  // namespace muster
