#include "agent/connection_reporter.hpp"

#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <system_error>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using Told = std::optional<znodes::OpenConnections>;

TEST(ConnectionNews, AreFewWhileAnLbStaysAndExactWhenItLeaves) {
    const WallTime noon{1'767'225'600s};
    const struct {
        std::string name;
        std::int64_t told;
        std::chrono::seconds ago;
        std::int64_t open;
        bool leaves;
        bool news;
    } rows[] = {{"stays, the same", 100, 299s, 100, false, false},
                {"stays, the same for long", 100, 300s, 100, false, true},
                {"stays, a little more", 100, 200s, 199, false, false},
                {"stays, more than double", 100, 30s, 202, false, true},
                {"stays, more than double too soon", 100, 29s, 202, false, false},
                {"stays, less than half", 100, 30s, 49, false, true},
                {"stays, from nothing", 0, 30s, 1, false, true},
                {"stays, to nothing", 1, 30s, 0, false, true},
                {"stays, most", 1'000'000'000, 30s, 0, false, true},
                {"leaves, one less", 100, 1s, 99, true, true},
                {"leaves, the same", 100, 4s, 100, true, false},
                {"leaves, the same for a while", 100, 5s, 100, true, true},
                {"the clock was set back", 100, -1s, 100, false, true}};
    for (const auto& row : rows) {
        const znodes::OpenConnections told{.open = row.told, .counted = noon - row.ago};
        EXPECT_EQ(is_news(told, row.open, noon, row.leaves), row.news) << row.name;
    }
    EXPECT_TRUE(is_news(std::nullopt, 0, noon, false));
}

class FakeCounters final : public LbCounterSource {
 public:
    asio::awaitable<Result<LbCounters>> read_counters(const LbState&,
                                                      const std::set<GroupName>&) override {
        co_return LbCounters{};
    }
    asio::awaitable<Result<std::int64_t>> count_connections(
        std::vector<config::Listener>) override {
        ++asked;
        if (!open) co_return fail(std::make_error_code(std::errc::timed_out));
        co_return *open;
    }
    std::optional<std::int64_t> open = 0;
    int asked = 0;
};

TEST(ConnectionReporter, CountsEachSecondOnlyWhileTheLbLeaves) {
    asio::io_context context;
    test::VirtualClock clock(context);
    metrics::Registry registry;
    AgentMetrics metrics(registry);
    FakeCounters counters;
    ConnectionReporter reporter(clock, counters, metrics);
    const auto look = [&](bool leaves) {
        Told told;
        bool ended = false;
        asio::co_spawn(
            context,
            [&]() -> asio::awaitable<void> {
                told = co_await reporter.look({}, leaves);
                ended = true;
            },
            test::rethrow);
        EXPECT_TRUE(clock.run_for(1s, [&] { return ended; }));
        return told;
    };
    const auto seconds = [&](int count, bool leaves) {
        int told = 0;
        for (int second = 0; second < count; ++second) {
            clock.run_for(1s);
            if (look(leaves)) ++told;
        }
        return told;
    };
    counters.open = 5;
    const Told first = look(false);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->open, 5);
    EXPECT_EQ(first->counted, clock.wall());
    EXPECT_EQ(seconds(290, false), 0);
    EXPECT_EQ(counters.asked, 10);
    counters.asked = 0;
    EXPECT_EQ(seconds(20, true), 4) << "each 5 s, that it holds";
    EXPECT_EQ(counters.asked, 20);
    counters.open.reset();
    EXPECT_EQ(seconds(20, true), 0) << "what isn't known isn't told";
    counters.open = 5;
    EXPECT_EQ(seconds(1, true), 1);
}

}  // namespace
}  // namespace muster::agent
