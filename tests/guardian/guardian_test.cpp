#include "orchestrator/guardian.hpp"

#include "tests/guardian/guarded.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

TEST(Guardian, PassesTheExitCodeOfItsChildOn) {
    Guarded guarded({"exit", "42"});
    EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 42, .signal = 0}));
}

TEST(Guardian, TellsASignalledChildAsAShellDoes) {
    Guarded guarded({"run"});
    kill_checked(guarded.ready_child(), SIGKILL);
    EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 128 + SIGKILL, .signal = 0}));
}

TEST(Guardian, ForwardsTerminationAndHangup) {
    Guarded guarded({"run"});
    (void)guarded.ready_child();
    guarded.guardian().signal(SIGHUP);
    EXPECT_TRUE(guarded.says("signal " + std::to_string(SIGHUP)));
    guarded.guardian().signal(SIGTERM);
    EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 5, .signal = 0}));
}

TEST(Guardian, ForwardsASignalToItsGroupOnce) {
    Guarded guarded({"run"});
    (void)guarded.ready_child();
    guarded.guardian().signal_group(SIGINT);
    const std::string line = "\nsignal " + std::to_string(SIGINT) + "\n";
    ASSERT_TRUE(guarded.says(line));
    // SIGTERM comes after whatever a second SIGINT would have brought.
    guarded.guardian().signal(SIGTERM);
    ASSERT_TRUE(guarded.guardian().wait(10s));
    const std::string text = guarded.guardian().output();
    EXPECT_EQ(text.find(line), text.rfind(line)) << text;
}

TEST(Guardian, TakesItsChildAlongWhenItIsKilled) {
    Guarded guarded({"run"});
    const pid_t child = guarded.ready_child();
    guarded.guardian().signal(SIGKILL);
    EXPECT_TRUE(eventually(10s, [&] { return !is_alive(child); }));
}

TEST(Guardian, KillsAHungChildOnlyAfterTheWholeTime) {
    Guarded guarded({"run"}, 1'200ms);
    const pid_t child = guarded.ready_child();
    const Stopwatch watch;
    kill_checked(child, SIGSTOP);
    ASSERT_EQ(guarded.guardian().wait(60s), (ExitStatus{.code = 128 + SIGKILL, .signal = 0}));
    // Ticks are twelfths: one may have been under way.
    EXPECT_GE(watch.elapsed(), 1'100ms - 20ms);
    EXPECT_TRUE(guarded.guardian().output().contains("event=child_hangs"));
}

TEST(Guardian, LeavesAChildAloneThatPausesForLess) {
    Guarded guarded({"run"}, 1'200ms);
    const pid_t child = guarded.ready_child();
    for (int i = 0; i < 3; ++i) {
        kill_checked(child, SIGSTOP);
        EXPECT_FALSE(guarded.guardian().wait(600ms));
        kill_checked(child, SIGCONT);
        EXPECT_FALSE(guarded.guardian().wait(200ms));
    }
    EXPECT_FALSE(guarded.guardian().output().contains("event=child_hangs"));
}

TEST(Guardian, DoesNotCountTheTimeInWhichBothWereFrozen) {
    Guarded guarded({"run"}, 600ms);
    const pid_t child = guarded.ready_child();
    guarded.guardian().signal(SIGSTOP);
    kill_checked(child, SIGSTOP);
    EXPECT_FALSE(guarded.guardian().wait(1'500ms));
    kill_checked(child, SIGCONT);
    guarded.guardian().signal(SIGCONT);
    EXPECT_FALSE(guarded.guardian().wait(500ms));
    guarded.guardian().signal(SIGTERM);
    EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 5, .signal = 0}));
}

TEST(Guardian, DoesNotWatchAChildThatHasNotBegunToBeat) {
    Guarded guarded({"silent"}, 120ms);
    (void)guarded.ready_child();
    EXPECT_FALSE(guarded.guardian().wait(600ms));
    guarded.guardian().signal(SIGTERM);
    EXPECT_EQ(guarded.guardian().wait(10s), (ExitStatus{.code = 5, .signal = 0}));
}

TEST(Guardian, KillsTheEffectProcessesOfADeadChildBeforeItEnds) {
    Guarded guarded({"effect"});
    const pid_t effect = guarded.pid_after("effect");
    kill_checked(guarded.ready_child(), SIGKILL);
    ASSERT_TRUE(guarded.guardian().wait(10s));
    EXPECT_EQ(::kill(-effect, 0), -1) << "its group still has processes";
}

TEST(Guardian, RefusesToBeTracedOrDumped) {
    Guarded guarded({"run"});
    EXPECT_TRUE(guarded.says("dumpable 0\n"));
}

}  // namespace
}  // namespace muster::test
