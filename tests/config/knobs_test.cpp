// Every timing and threshold of a check, said by the group, by a backend, or by both: what the
// backend is checked with.
#include "common/config/decode.hpp"

#include <gtest/gtest.h>

#include <string>

namespace muster::config {
namespace {

using Set = void (*)(CheckSpec& check);

/// A field with two values, neither of them the default.
struct Knob {
    const char* name;
    const char* of_group;
    Set set_group;
    const char* of_backend;
    Set set_backend;
};

const Knob knobs[] = {
    {"interval",
     "interval: 7s",
     [](CheckSpec& check) { check.interval = 7s; },
     "interval: 9s",
     [](CheckSpec& check) { check.interval = 9s; }},
    {"fast_interval",
     "fast_interval: 200ms",
     [](CheckSpec& check) { check.fast_interval = 200ms; },
     "fast_interval: 300ms",
     [](CheckSpec& check) { check.fast_interval = 300ms; }},
    {"down_interval",
     "down_interval: 20s",
     [](CheckSpec& check) { check.down_interval = 20s; },
     "down_interval: 30s",
     [](CheckSpec& check) { check.down_interval = 30s; }},
    {"timeout",
     "timeout: 700ms",
     [](CheckSpec& check) { check.timeout = 700ms; },
     "timeout: 800ms",
     [](CheckSpec& check) { check.timeout = 800ms; }},
    {"timeouts_resolve",
     "timeouts: {resolve: 100ms}",
     [](CheckSpec& check) { check.timeouts.resolve = 100ms; },
     "timeouts: {resolve: 200ms}",
     [](CheckSpec& check) { check.timeouts.resolve = 200ms; }},
    {"timeouts_connect",
     "timeouts: {connect: 100ms}",
     [](CheckSpec& check) { check.timeouts.connect = 100ms; },
     "timeouts: {connect: 200ms}",
     [](CheckSpec& check) { check.timeouts.connect = 200ms; }},
    {"timeouts_tls",
     "timeouts: {tls: 100ms}",
     [](CheckSpec& check) { check.timeouts.tls = 100ms; },
     "timeouts: {tls: 200ms}",
     [](CheckSpec& check) { check.timeouts.tls = 200ms; }},
    {"timeouts_first_byte",
     "timeouts: {first_byte: 100ms}",
     [](CheckSpec& check) { check.timeouts.first_byte = 100ms; },
     "timeouts: {first_byte: 200ms}",
     [](CheckSpec& check) { check.timeouts.first_byte = 200ms; }},
    {"timeouts_reply",
     "timeouts: {reply: 100ms}",
     [](CheckSpec& check) { check.timeouts.reply = 100ms; },
     "timeouts: {reply: 200ms}",
     [](CheckSpec& check) { check.timeouts.reply = 200ms; }},
    {"timeouts_of_other_phases_are_replaced_as_a_whole",
     "timeouts: {connect: 100ms}",
     [](CheckSpec& check) { check.timeouts.connect = 100ms; },
     "timeouts: {reply: 200ms}",
     [](CheckSpec& check) { check.timeouts.reply = 200ms; }},
    {"jitter",
     "jitter: 100ms",
     [](CheckSpec& check) { check.jitter = 100ms; },
     "jitter: 200ms",
     [](CheckSpec& check) { check.jitter = 200ms; }},
    {"rise",
     "rise: 4",
     [](CheckSpec& check) { check.rise = 4; },
     "rise: 5",
     [](CheckSpec& check) { check.rise = 5; }},
    {"fall",
     "fall: 4",
     [](CheckSpec& check) { check.fall = 4; },
     "fall: 5",
     [](CheckSpec& check) { check.fall = 5; }},
    {"initial",
     "initial: up",
     [](CheckSpec& check) { check.initial = InitialState::up; },
     "initial: down",
     [](CheckSpec& check) { check.initial = InitialState::down; }},
    {"min_down",
     "min_down: 1m",
     [](CheckSpec& check) { check.min_down = 1min; },
     "min_down: 2m",
     [](CheckSpec& check) { check.min_down = 2min; }},
    {"flap_damping",
     "flap_damping: {suppress: 5}",
     [](CheckSpec& check) { check.flap_damping = FlapDamping{.suppress = 5}; },
     "flap_damping: {half_life: 2m}",
     [](CheckSpec& check) { check.flap_damping = FlapDamping{.half_life = 2min}; }},
    {"confirm",
     "confirm: 0",
     [](CheckSpec& check) { check.confirm = 0; },
     "confirm: 2",
     [](CheckSpec& check) { check.confirm = 2; }},
    {"port",
     "port: 8081",
     [](CheckSpec& check) { check.port = 8081; },
     "port: 8082",
     [](CheckSpec& check) { check.port = 8082; }},
};

class EveryKnob : public testing::TestWithParam<Knob> {
 protected:
    /// With an empty text the check doesn't say it.
    static GroupSpec group(const std::string& of_group, const std::string& of_backend) {
        const std::string own = of_backend.empty() ? "" : ", check: {" + of_backend + "}";
        const Decoded decoded =
            decode("kind: Group\nname: web\nspec:\n  backends:\n" +
                   ("    - {address: \"10.0.0.1:80\"" + own + "}\n") + "    - 10.0.0.2:80\n" +
                   (of_group.empty() ? "" : "  check: {" + of_group + "}\n"));
        EXPECT_TRUE(decoded.problems.empty())
            << (decoded.problems.empty() ? "" : to_string(decoded.problems[0]));
        return decoded.groups.empty() ? GroupSpec{} : decoded.groups[0];
    }
    /// Of the backend that may have a check of its own, and of the one that has none.
    static void expect_checks(const GroupSpec& group, const Set& first, const Set& second) {
        ASSERT_EQ(group.backends.size(), 2U);
        for (const std::size_t i : {0U, 1U}) {
            CheckSpec expected;
            if (const Set& set = i == 0 ? first : second) set(expected);
            EXPECT_EQ(check_of(group, group.backends[i]), expected) << "backend " << i + 1;
        }
    }
};

TEST_P(EveryKnob, SaidByTheGroupIsEveryBackends) {
    expect_checks(group(GetParam().of_group, ""), GetParam().set_group, GetParam().set_group);
}

TEST_P(EveryKnob, SaidByABackendIsItsOwn) {
    expect_checks(group("", GetParam().of_backend), GetParam().set_backend, nullptr);
}

TEST_P(EveryKnob, SaidByBothIsTheBackendsForItAndTheGroupsForOthers) {
    expect_checks(group(GetParam().of_group, GetParam().of_backend),
                  GetParam().set_backend,
                  GetParam().set_group);
}

TEST_P(EveryKnob, LeavesAnotherOneOfTheGroupToTheBackend) {
    const std::string other = GetParam().name == std::string("rise") ? "fall: 9" : "rise: 9";
    GroupSpec both = group(other, GetParam().of_backend);
    CheckSpec expected;
    (other[0] == 'r' ? expected.rise : expected.fall) = 9;
    GetParam().set_backend(expected);
    EXPECT_EQ(check_of(both, both.backends.at(0)), expected);
}

TEST(SlowStart, IsTheGroupsUnlessTheBackendSaysIt) {
    const Decoded decoded = decode(R"(
kind: Group
name: web
spec:
  backends:
    - {address: "10.0.0.1:80", slow_start: 20s}
    - {address: "10.0.0.2:80", slow_start: 0s}
    - 10.0.0.3:80
  lb: {slow_start: 10s}
)");
    ASSERT_TRUE(decoded.problems.empty());
    const GroupSpec& group = decoded.groups.at(0);
    EXPECT_EQ(group.lb.slow_start, 10s);
    EXPECT_EQ(group.backends.at(0).slow_start, 20s);
    EXPECT_EQ(group.backends.at(1).slow_start, 0s) << "none of its own is not the group's";
    EXPECT_EQ(group.backends.at(2).slow_start, std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Knobs, EveryKnob, testing::ValuesIn(knobs), [](const auto& knob) {
    return std::string(knob.param.name);
});

}  // namespace
}  // namespace muster::config
