// A probe that is compiled in, from outside the tree: examples/compiled_in against an installed
// muster, its programs with a real memcached and a real cluster.
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Runs it to its end.
std::string run(const TempDir& directory, std::vector<std::string> command, int* code = nullptr) {
    const std::filesystem::path output = directory / "output";
    std::filesystem::remove(output);
    Process process(ProcessSettings{.argv = command, .output = output});
    const auto status = process.wait(5min);
    EXPECT_TRUE(status) << command.front() << " does not end:\n" << process.output();
    if (code != nullptr) {
        *code = status ? status->code : -1;
    } else if (status) {
        EXPECT_EQ(status->code, 0) << process.output();
    }
    return process.output();
}

std::string group(std::uint16_t port, int most_connections) {
    return "kind: Group\nname: cache\nspec:\n  backends: [{name: b1, address: \"127.0.0.1:" +
           std::to_string(port) +
           "\"}]\n  check: {plugin: {name: memcached, settings: {most_connections: " +
           std::to_string(most_connections) + "}}, interval: 200ms, timeout: 200ms}\n";
}

TEST(CompiledProbe, FromOutsideTheTreeWorksAsOneOfOurOwn) {
    const TempDir directory;
    const std::string prefix = directory / "installed";
    const std::string build = directory / "build";
    const auto tree = built_program("orchestrator/musterd").parent_path().parent_path();
    run(directory, {"cmake", "--install", tree, "--prefix", prefix});
    run(directory,
        {"cmake",
         "-G",
         "Ninja",
         "-S",
         source_file("examples/compiled_in"),
         "-B",
         build,
         "-DCMAKE_CXX_COMPILER=clang++-19",
         "-DCMAKE_C_COMPILER=clang-19",
         "-DCMAKE_PREFIX_PATH=" + prefix});
    run(directory, {"cmake", "--build", build});

    const std::uint16_t port = free_port();
    Process memcached(ProcessSettings{
        .argv = {"memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", std::to_string(port)}});
    const auto probe = [&](const std::string& program, const std::string& spec, int& code) {
        return run(
            directory, {program, "probe", "run", "-f", directory.write("group.yaml", spec)}, &code);
    };
    const std::string mine = build + "/my_musterctl";
    int code = -1;
    std::string said;
    EXPECT_TRUE(eventually(10s, [&] {
        said = probe(mine, group(port, 900), code);
        return code == 0;
    })) << said;
    EXPECT_THAT(said, HasSubstr("L7OK"));
    EXPECT_THAT(probe(mine, group(port, 0), code), HasSubstr("degraded"));
    // A program without it says so.
    EXPECT_THAT(probe(tree / "ctl/musterctl", group(port, 900), code), HasSubstr("PRKIND"));
    // Settings of which it can make nothing.
    std::string strange = group(port, 900);
    strange.replace(strange.find("900"), 3, "\"many\"");
    EXPECT_THAT(probe(mine, strange, code), HasSubstr("PRCONF"));

    Cluster cluster({.zookeepers = 1, .nodes = 1, .program = build + "/my_musterd"});
    ASSERT_TRUE(cluster.wait_for_master(30s));
    cluster.apply(group(port, 900));
    const auto verdict = [&](const std::string& wanted) {
        return eventually(30s, [&] {
            said = cluster.get(0, "/api/v1/backends/cache/b1").body;
            return said.find("\"verdict\":\"" + wanted + "\"") != std::string::npos;
        });
    };
    EXPECT_TRUE(verdict("up")) << said;
    memcached.kill();
    EXPECT_TRUE(verdict("down")) << said;
}

}  // namespace
}  // namespace muster::test
