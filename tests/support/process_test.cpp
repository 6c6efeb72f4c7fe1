#include "tests/support/process.hpp"

#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <csignal>
#include <string>
#include <system_error>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

ProcessSettings shell(const std::string& script, const TempDir& dir) {
    return {.argv = {"sh", "-c", script}, .env = {}, .cwd = dir.path(), .output = dir / "out"};
}

TEST(Process, ReportsItsExitCodeAndItsOutput) {
    const TempDir dir;
    Process process(shell("echo to stdout; echo to stderr >&2; exit 7", dir));
    EXPECT_EQ(process.wait(10s), (ExitStatus{.code = 7, .signal = 0}));
    EXPECT_EQ(process.output(), "to stdout\nto stderr\n");
    EXPECT_FALSE(process.running());
}

TEST(Process, RunsInItsDirectoryWithItsEnvironment) {
    const TempDir dir;
    ProcessSettings settings = shell("pwd; echo $GREETING; [ -n \"$PATH\" ]", dir);
    settings.env = {{"GREETING", "hello"}};
    Process process(settings);
    EXPECT_EQ(process.wait(10s), ExitStatus{});
    EXPECT_EQ(process.output(), dir.path().string() + "\nhello\n");
}

TEST(Process, SaysWhyAProgramCannotBeStarted) {
    try {
        const Process process({.argv = {"no-such-program"}, .env = {}, .cwd = {}, .output = {}});
        FAIL() << "started";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    }
}

TEST(Process, TellsSignalsFromExits) {
    const TempDir dir;
    Process process(shell("exec sleep 60", dir));
    EXPECT_EQ(process.terminate(), (ExitStatus{.code = 143, .signal = SIGTERM}));
}

TEST(Process, IsKilledWhenItIgnoresTermination) {
    const TempDir dir;
    Process process(shell("trap '' TERM; echo ready; while :; do sleep 1; done", dir));
    ASSERT_TRUE(eventually(10s, [&] { return process.output() == "ready\n"; }));
    EXPECT_EQ(process.terminate(50ms), (ExitStatus{.code = 137, .signal = SIGKILL}));
}

TEST(Process, TakesItsOwnChildrenAlongEvenWhenItEndedBeforeThem) {
    const TempDir dir;
    pid_t grandchild = -1;
    {
        Process process(shell("sleep 60 & echo $!", dir));
        ASSERT_EQ(process.wait(10s), ExitStatus{});
        const std::string text = process.output();
        std::from_chars(text.data(), text.data() + text.size(), grandchild);
        ASSERT_GT(grandchild, 1);
        ASSERT_TRUE(is_alive(grandchild));
    }
    EXPECT_TRUE(eventually(10s, [&] { return !is_alive(grandchild); }));
}

TEST(Process, KnowsTheChildrenOfAnother) {
    const TempDir dir;
    Process process(shell("sleep 60 & echo $!; wait", dir));
    ASSERT_TRUE(eventually(10s, [&] { return process.output().ends_with("\n"); }));
    EXPECT_EQ(children_of(process.pid()), std::vector<pid_t>{std::stoi(process.output())});
    EXPECT_TRUE(is_alive(process.pid()));
}

TEST(Process, StandsStillOnceItIsPaused) {
    const TempDir dir;
    Process process({.argv = {"python3", "-c", R"(
import itertools, threading
def count():
    for _ in itertools.count(): open("beats", "a").write(".")
for _ in range(4): threading.Thread(target=count).start())"},
                     .cwd = dir.path()});
    const auto beats = [&] { return read_file(dir / "beats").size(); };
    for (int i = 0; i < 20; ++i) {
        const std::size_t begun = beats();
        ASSERT_TRUE(eventually(10s, [&] { return beats() > begun; }));
        process.pause();
        const std::size_t before = beats();
        EXPECT_EQ(beats(), before);
        process.resume();
    }
}

TEST(Process, StopsAndContinues) {
    const TempDir dir;
    // No child processes: a shell whose vfork()ed child is stopped before its exec can't be stopped
    // itself.
    Process process(
        shell("i=0; while :; do i=$((i + 1)); [ $((i % 9999)) = 0 ] && echo tick; done", dir));
    ASSERT_TRUE(eventually(10s, [&] { return !process.output().empty(); }));
    process.signal_group(SIGSTOP);
    const auto stopped = [&] {
        const std::string stat = read_file("/proc/" + std::to_string(process.pid()) + "/stat");
        return stat.find(") T ") != std::string::npos;
    };
    ASSERT_TRUE(eventually(10s, stopped));
    const std::size_t before = process.output().size();
    process.signal_group(SIGCONT);
    EXPECT_TRUE(eventually(10s, [&] { return process.output().size() > before; }));
}

}  // namespace
}  // namespace muster::test
