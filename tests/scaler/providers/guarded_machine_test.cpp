// What the end of a musterd and of its guardian leaves of what providers have started.
#include "scaler/machine_processes.hpp"
#include "tests/scaler/providers/process_world.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"
#include "tests/support/program.hpp"

#include <gtest/gtest.h>

#include <string>

namespace muster::test {

namespace {

using namespace std::chrono_literals;

constexpr int killed = 128 + SIGKILL;

int run_to_its_death(const std::string& kind, const TempDir& directory) {
    Process process(
        {.argv = {built_program("tests/scaler/providers/guarded_machine_program").string(),
                  kind,
                  directory.path().string()},
         .env = {},
         .cwd = {},
         .output = {}});
    const auto ended = process.wait(60s);
    return ended ? ended->code : -1;
}

TEST(GuardedMachine, OutlivesMusterdAndItsGuardian) {
    const TempDir directory;
    EXPECT_EQ(run_to_its_death("process", directory), killed);
    const std::string mark = (directory / "machines/edge/edge-1-1:").string();
    EXPECT_TRUE(eventually(10s, [&] { return marked_processes(mark).size() == 2; }));
    end_machines_of(directory.path());
    EXPECT_TRUE(marked_processes(mark).empty());
}

TEST(GuardedMachine, IsNotMadeOnByAProgramWhoseMusterdIsDead) {
    const TempDir directory;
    directory.write("hang", "");
    EXPECT_EQ(run_to_its_death("exec", directory), killed);
    // The program's own child: the guardian has ended the whole group before it went.
    const pid_t child = std::stoi(read_file(directory / "hanging"));
    EXPECT_FALSE(scaler::identify(child));
}

}  // namespace

}  // namespace muster::test
