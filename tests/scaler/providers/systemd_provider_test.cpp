// The systemd provider: what it writes for a unit, and what systemctl's answers mean. The systemctl
// is a fake: there is no systemd in the tests.
#include "tests/scaler/providers/systemd_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
using namespace scaler;
using testing::HasSubstr;

const FleetName edge("edge");
const InstanceId id("edge-1-1");
const ProviderFence fence{.epoch = 1};
constexpr const char* unit = "units/muster-lb@edge-1-1.service";

class SystemdProviderTest : public testing::Test {
 protected:
    const TempDir& directory() { return directory_; }
    SystemdProviderSettings& settings() { return settings_; }

    template <class Act>
    auto with(Act act) {
        SystemdProvider provider(clock_, settings_);
        context_.restart();
        auto result = asio::co_spawn(context_, act(provider), asio::use_future);
        context_.run();
        return result.get();
    }
    ProviderResult<Machine> create(const FleetName& fleet = edge) {
        return with([&](SystemdProvider& provider) {
            return provider.create(
                {.fleet = fleet, .id = id, .token = "t1", .parameters = {{"size", "2"}}}, fence);
        });
    }
    ProviderResult<Machine> get() {
        return with([](SystemdProvider& provider) { return provider.get(edge, id); });
    }
    ProviderResult<void> remove(std::chrono::seconds grace) {
        return with(
            [grace](SystemdProvider& provider) { return provider.remove(edge, id, grace, fence); });
    }

 private:
    TempDir directory_;
    SystemdProviderSettings settings_ = systemd_settings(directory_.path());
    asio::io_context context_{1};
    AsioClock clock_;
};

template <class T>
Trouble trouble_of(const ProviderResult<T>& result) {
    EXPECT_FALSE(result);
    return result ? Trouble::unknown_outcome : result.error().trouble;
}

TEST_F(SystemdProviderTest, LeavesForTheUnitWhatItNeeds) {
    directory().write("lb.in", "listen ${address}:${port:lb}\n");
    settings().machines.files = {{.from = (directory() / "lb.in").string(), .to = "lb.cfg"}};
    const auto made = create();
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->state, MachineState::running);
    const std::filesystem::path linked = directory() / "machines/.units/edge-1-1";
    EXPECT_EQ(read_file(linked / "lb.cfg"), "listen " + made->address + "\n");
    EXPECT_EQ(
        read_file(linked / "environment"),
        "MUSTER_ID=edge-1-1\nMUSTER_CLUSTER=prod\nMUSTER_FLEET=edge\nMUSTER_TOKEN=t1\nMUSTER_DIR=" +
            (directory() / "machines/edge/edge-1-1").string() +
            "\nMUSTER_IP=127.0.0.1\nMUSTER_ADDRESS=" + made->address +
            "\nMUSTER_PARAMETER_SIZE=2\n");
    // A unit's name is one for all fleets.
    EXPECT_EQ(trouble_of(create(FleetName("other"))), Trouble::invalid);
    ASSERT_TRUE(remove(5s));
    EXPECT_FALSE(std::filesystem::is_symlink(linked));
    EXPECT_FALSE(std::filesystem::exists(directory() / unit));
}

TEST_F(SystemdProviderTest, KillsAUnitThatDoesNotEndWithinItsGrace) {
    ASSERT_TRUE(create());
    directory().write("units/stubborn", "");
    ASSERT_TRUE(remove(1s));
    const std::string calls = read_file(directory() / "units/calls");
    EXPECT_THAT(calls, HasSubstr("stop muster-lb@edge-1-1.service\n"));
    EXPECT_THAT(calls, HasSubstr("kill muster-lb@edge-1-1.service\n"));
    EXPECT_FALSE(std::filesystem::exists(directory() / unit));
}

TEST_F(SystemdProviderTest, SaysThatThereIsNoSuchUnit) {
    directory().write("units/no-unit", "");
    const auto refused = create();
    EXPECT_EQ(trouble_of(refused), Trouble::invalid);
    EXPECT_THAT(refused.error().detail, HasSubstr("systemctl start muster-lb@edge-1-1.service"));
    EXPECT_TRUE(remove(1s));
}

TEST_F(SystemdProviderTest, ReadsTheStatesOfUnits) {
    ASSERT_TRUE(create());
    const std::string of_unit = "Id=muster-lb@edge-1-1.service\nActiveState=";
    const auto state_when = [&](const std::string& answer) {
        directory().write("units/answer", answer);
        const auto got = get();
        return got ? std::optional(got->state) : std::nullopt;
    };
    EXPECT_EQ(state_when(of_unit + "active\n"), MachineState::running);
    EXPECT_EQ(state_when("ActiveState=reloading\nId=muster-lb@edge-1-1.service\n"),
              MachineState::running);
    EXPECT_EQ(state_when(of_unit + "activating\n"), MachineState::starting);
    EXPECT_EQ(state_when(of_unit + "deactivating\n"), MachineState::stopping);
    EXPECT_EQ(state_when(of_unit + "failed\n"), MachineState::stopped);
    EXPECT_EQ(state_when(of_unit + "dreaming\n"), MachineState::unknown);
    EXPECT_EQ(state_when("Id=another.service\nActiveState=active\n"), MachineState::stopped);
    for (const std::string& bad : {std::string("Failed to connect to bus\n"),
                                   std::string("Id=x\n"),
                                   std::string("ActiveState=active\n"),
                                   std::string("\0\xff", 2),
                                   std::string(2UZ << 20U, 'x')})
        EXPECT_EQ(state_when(bad), std::nullopt) << bad.substr(0, 40);
}

TEST_F(SystemdProviderTest, DoesNothingWithoutSystemctl) {
    settings().systemctl = {(directory() / "none").string()};
    const auto refused = create();
    EXPECT_EQ(trouble_of(refused), Trouble::transient);
    EXPECT_THAT(refused.error().detail, HasSubstr("can't be started"));
}

}  // namespace

}  // namespace muster::test
