#include "agent/lb_program.hpp"

#include "common/base/asio_clock.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;

Result<ProgramEnd> run(std::vector<std::string> argv, std::chrono::nanoseconds limit = 10s) {
    AsioClock clock;
    asio::io_context io;
    std::optional<Result<ProgramEnd>> ended;
    const auto task = [&]() -> asio::awaitable<void> {
        ended = co_await run_program(clock, std::move(argv), limit);
    };
    asio::co_spawn(io, task(), test::rethrow);
    io.run();
    return *ended;
}

TEST(LbProgram, TellsHowItEndedAndWhatItSaid) {
    EXPECT_EQ(run({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}),
              (ProgramEnd{.code = 3, .output = "out\nerr\n"}));
    EXPECT_EQ(run({"/bin/sh", "-c", "kill -9 $$"}), (ProgramEnd{.code = 137}));
    EXPECT_EQ(run({"/usr/bin/env"}), ProgramEnd()) << "nothing of ours is inherited";
}

TEST(LbProgram, ThatIsNotThereIsAnError) {
    EXPECT_EQ(run({"/no/such/program"}).error().message(),
              "/no/such/program: No such file or directory");
}

TEST(LbProgram, IsKilledWithAllThatItStartedWhenItTakesTooLong) {
    const auto ended = run({"/bin/sh", "-c", "sleep 60 & sleep 60"}, 50ms);
    EXPECT_EQ(ended.error().message(), "/bin/sh: Connection timed out");
}

TEST(LbProgram, SaysNoMoreThanIsKept) {
    EXPECT_EQ(run({"/bin/sh", "-c", "head -c 200000 /dev/zero"})->output.size(), 65536U);
}

}  // namespace
}  // namespace muster::agent
