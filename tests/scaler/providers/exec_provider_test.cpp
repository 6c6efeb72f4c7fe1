// The exec provider: what its program is given, and what its end means.
#include "scaler/machine_processes.hpp"
#include "tests/scaler/providers/exec_world.hpp"
#include "tests/support/eventually.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
using namespace scaler;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

const FleetName edge("edge");
const InstanceId id("edge-1-1");

class ExecProviderTest : public testing::Test {
 protected:
    ExecProviderSettings& settings() { return settings_; }
    const TempDir& directory() { return directory_; }

    template <class T>
    T run(asio::awaitable<T> work) {
        context_.restart();
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.run();
        return result.get();
    }
    template <class Act>
    auto with(Act act) {
        ExecProvider provider(clock_, settings_);
        return run(act(provider));
    }
    ProviderResult<Machine> create(std::map<std::string, std::string> parameters = {}) {
        return with([&](ExecProvider& provider) {
            return provider.create({.fleet = edge,
                                    .id = id,
                                    .token = "t1",
                                    .host = "h7",
                                    .parameters = std::move(parameters)},
                                   {.era = 3, .epoch = 41});
        });
    }
    ProviderResult<void> remove() {
        return with(
            [](ExecProvider& provider) { return provider.remove(edge, id, 7s, {.epoch = 1}); });
    }
    ProviderResult<Machine> get() {
        return with([](ExecProvider& provider) { return provider.get(edge, id); });
    }
    ProviderResult<void> can_remove() {
        return with([](ExecProvider& provider) { return provider.can_remove(edge, id); });
    }
    ProviderResult<Machines> list() {
        return with([](ExecProvider& provider) { return provider.list(edge); });
    }

 private:
    TempDir directory_;
    ExecProviderSettings settings_ = cloud_settings(directory_.path());
    asio::io_context context_{1};
    AsioClock clock_;
};

template <class T>
Trouble trouble_of(const ProviderResult<T>& result) {
    EXPECT_FALSE(result);
    return result ? Trouble::transient : result.error().trouble;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream from(text);
    for (std::string line; std::getline(from, line);) lines.push_back(line);
    return lines;
}

TEST_F(ExecProviderTest, GivesVerbIdAndEnvironmentAndNothingOfOurs) {
    const std::string log = (directory() / "log").string();
    directory().write("tell", "#!/bin/sh\nexec >" + log + "\nfor w; do echo \"$w\"; done\nenv\n");
    settings().program = "/bin/sh";
    settings().arguments = {(directory() / "tell").string(), "--zone", "a b;$(id)"};
    settings().environment = {"HOME=/nowhere"};
    ::setenv("MUSTER_SECRET_OF_OURS", "1", 1);
    ASSERT_TRUE(create({{"size-of.disk", "20"}, {"image", "lb:7"}}));
    EXPECT_THAT(lines_of(read_file(log)),
                UnorderedElementsAre("--zone",
                                     "a b;$(id)",
                                     "create",
                                     "edge-1-1",
                                     "HOME=/nowhere",
                                     "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                                     "/sbin:/bin",
                                     "LC_ALL=C",
                                     "PWD=/",
                                     "MUSTER_CLUSTER=prod",
                                     "MUSTER_FLEET=edge",
                                     "MUSTER_TOKEN=t1",
                                     "MUSTER_HOST=h7",
                                     "FENCE_EPOCH=3.41",
                                     "MUSTER_PARAMETER_SIZE_OF_DISK=20",
                                     "MUSTER_PARAMETER_IMAGE=lb:7"));
    ASSERT_TRUE(remove());
    const std::string removal = read_file(log);
    EXPECT_THAT(removal, HasSubstr("remove\nedge-1-1\n"));
    EXPECT_THAT(removal, HasSubstr("MUSTER_GRACE_SECONDS=7\n"));
    EXPECT_THAT(removal, HasSubstr("FENCE_EPOCH=0.1\n"));
    ASSERT_FALSE(list());
    EXPECT_THAT(read_file(log), HasSubstr("MUSTER_CLUSTER=prod\n")) << "of every call";
}

TEST_F(ExecProviderTest, RefusesParametersThatAreOneInTheEnvironment) {
    const auto refused = create({{"a.b", "1"}, {"a-b", "2"}});
    EXPECT_EQ(trouble_of(refused), Trouble::invalid);
    EXPECT_THAT(refused.error().detail, HasSubstr("MUSTER_PARAMETER_A_B"));
}

TEST_F(ExecProviderTest, ReadsExitCodes) {
    struct Row {
        int code;
        Trouble of_change;
        Trouble of_read;
    };
    using enum Trouble;
    for (const Row& row : {Row{20, quota, quota},
                           Row{30, transient, transient},
                           Row{40, invalid, invalid},
                           Row{50, fenced, fenced},
                           Row{1, unknown_outcome, transient},
                           Row{2, unknown_outcome, transient},
                           Row{127, unknown_outcome, transient},
                           Row{255, unknown_outcome, transient}}) {
        SCOPED_TRACE(row.code);
        const std::string code = std::to_string(row.code);
        directory().write("exit", code);
        const auto created = create();
        EXPECT_EQ(trouble_of(created), row.of_change);
        EXPECT_EQ(created.error().detail, "create edge-1-1: exit code " + code + ": told to ?[31m");
        directory().write("exit", code);
        EXPECT_EQ(trouble_of(remove()), row.of_change);
        directory().write("exit", code);
        EXPECT_EQ(trouble_of(get()), row.of_read);
        directory().write("exit", code);
        EXPECT_EQ(trouble_of(list()), row.of_read);
        directory().write("exit", code);
        EXPECT_EQ(trouble_of(can_remove()), row.of_read);
    }
    directory().write("exit", "11");
    EXPECT_EQ(trouble_of(create()), unknown_outcome);
    // There, says it, and get() says that it isn't.
    directory().write("exit", "10");
    EXPECT_EQ(trouble_of(create()), unknown_outcome);
}

TEST_F(ExecProviderTest, KillsAllOfAProgramThatTakesTooLong) {
    std::vector<std::pair<char, pid_t>> effects;
    settings().timeout = 1s;
    settings().effects = {.started = [&](pid_t group) { effects.emplace_back('s', group); },
                          .ended = [&](pid_t group) { effects.emplace_back('e', group); }};
    directory().write("hang", "");
    const auto hung = create();
    EXPECT_EQ(trouble_of(hung), Trouble::unknown_outcome);
    EXPECT_THAT(hung.error().detail, HasSubstr("took too long"));
    const pid_t child = std::stoi(read_file(directory() / "hanging"));
    EXPECT_TRUE(eventually(5s, [child] { return !identify(child); }));
    ASSERT_EQ(effects.size(), 2U);
    EXPECT_EQ(effects[0], std::make_pair('s', effects[1].second));
    EXPECT_EQ(effects[1].first, 'e');
    directory().write("hang", "");
    EXPECT_EQ(trouble_of(list()), Trouble::transient);
}

TEST_F(ExecProviderTest, EndsWithItsCallersEndAndWithTooMuchOutput) {
    settings().program = "/bin/sh";
    directory().write("flood",
                      "#!/bin/sh\nwhile :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done\n");
    settings().arguments = {(directory() / "flood").string()};
    const auto flooded = create();
    EXPECT_EQ(trouble_of(flooded), Trouble::unknown_outcome);
    EXPECT_THAT(flooded.error().detail, HasSubstr("more than 1 MiB"));
    directory().write("flood",
                      "#!/bin/sh\nwhile [ $((n += 1)) -lt 9999 ]; do echo moan >&2; done\n"
                      "echo '{\"complete\":true,\"machines\":[]}'\n");
    EXPECT_TRUE(list());
    // What it leaves behind holds its output open, and is not waited for.
    directory().write("flood",
                      "#!/bin/sh\nsleep 5000000 &\necho $! > " + (directory() / "left").string() +
                          "\n"
                          "echo '{\"complete\":true,\"machines\":[]}'\n");
    EXPECT_TRUE(list());
    const pid_t left = std::stoi(read_file(directory() / "left"));
    EXPECT_TRUE(eventually(5s, [left] { return !identify(left); }));
}

TEST_F(ExecProviderTest, SaysOfAProgramThatCantBeStartedThatNothingWasDone) {
    settings().program = (directory() / "none").string();
    const auto refused = create();
    EXPECT_EQ(trouble_of(refused), Trouble::invalid);
    EXPECT_THAT(refused.error().detail, HasSubstr("can't be started: No such file"));
}

}  // namespace

}  // namespace muster::test
