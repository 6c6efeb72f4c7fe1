#include "common/znodes/rotation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace muster::znodes {
namespace {

using namespace std::chrono_literals;
using config::Admin;

const WallTime now = WallTime(1'700'000'000'000ms);

BackendView backend(int number, Letter verdict, WallTime since = now - 1h) {
    return {.id = BackendId("b" + std::to_string(number)), .verdict = verdict, .since = since};
}

/// b0.. with these letters; the first has had its verdict for longest.
std::vector<BackendView> group(std::string_view letters) {
    std::vector<BackendView> backends;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        backends.push_back(backend(static_cast<int>(i),
                                   static_cast<Letter>(letters[i]),
                                   now - 1h + std::chrono::seconds(i)));
    }
    return backends;
}

int count_in(const Rotation& rotation) {
    return static_cast<int>(std::ranges::count(rotation.entries, true, &RotationEntry::in));
}

/// '+' in, '-' out.
std::string shape(const Rotation& rotation) {
    std::string shape;
    for (const RotationEntry& entry : rotation.entries) shape += entry.in ? '+' : '-';
    return shape;
}

BackendView own_ramp(BackendView backend, config::Duration ramp) {
    backend.slow_start = ramp;
    return backend;
}

TEST(Rotation, GivesEachBackendItsReason) {
    struct Row {
        const char* name;
        BackendView backend;
        RotationEntry expected;
    };
    const BackendId id("b0");
    const auto with = [](Letter verdict, Admin admin, int weight) {
        return BackendView{.id = BackendId("b0"),
                           .admin = admin,
                           .weight = weight,
                           .verdict = verdict,
                           .since = now - 1h};
    };
    using enum RotationReason;
    const Row rows[] = {
        {"up", with(Letter::up, Admin::active, 7), {id, true, 7, healthy}},
        {"degraded", with(Letter::degraded, Admin::active, 7), {id, true, 7, healthy}},
        {"unknown", with(Letter::unknown, Admin::active, 7), {id, true, 7, unproven}},
        {"down", with(Letter::down, Admin::active, 7), {id, false, 0, down}},
        {"drained", with(Letter::up, Admin::drain, 7), {id, false, 0, drain}},
        {"drained and down", with(Letter::down, Admin::drain, 7), {id, false, 0, drain}},
        {"in maintenance", with(Letter::up, Admin::maintenance, 7), {id, false, 0, maintenance}},
        {"weight 0", with(Letter::up, Admin::active, 0), {id, false, 0, zero_weight}},
        {"weight 0, unknown", with(Letter::unknown, Admin::active, 0), {id, false, 0, zero_weight}},
        {"just up",
         backend(0, Letter::up, now - 5s),
         {.id = id, .in = true, .weight = 55, .reason = slow_start}},
        {"just up, with a ramp of its own",
         own_ramp(backend(0, Letter::up, now - 5s), 20s),
         {.id = id, .in = true, .weight = 32, .reason = slow_start}},
        {"just up, and without a ramp",
         own_ramp(backend(0, Letter::up, now - 5s), 0s),
         {.id = id, .in = true, .weight = 100, .reason = healthy}},
    };
    for (const Row& row : rows) {
        // Three healthy neighbours keep it from panic.
        std::vector<BackendView> backends = {
            row.backend, backend(1, Letter::up), backend(2, Letter::up), backend(3, Letter::up)};
        const Rotation result = rotation(backends, {.slow_start = 10s}, false, now);
        EXPECT_EQ(result.entries[0], row.expected) << row.name;
        EXPECT_FALSE(result.panic) << row.name;
    }
}

TEST(Rotation, EjectsTheOldestFailuresUpToTheCap) {
    const RotationPolicy policy{.max_eject_percent = 30};
    auto backends = group("DUDUDUDUUU");
    // b6 has been DOWN for longest.
    backends[6].since = now - 2h;
    const Rotation result = rotation(backends, policy, false, now);
    EXPECT_EQ(shape(result), "-+-+++-+++");
    EXPECT_EQ(result.entries[4].reason, RotationReason::eject_capped);
    EXPECT_EQ(result.entries[4].weight, 100);
    EXPECT_EQ(result.healthy_percent, 60);
    EXPECT_EQ(result.down_percent, 40);
}

TEST(Rotation, TheCapCountsEnabledBackendsAndRoundsDown) {
    auto backends = group("DDDUUUUUU");
    backends[8].admin = Admin::maintenance;
    backends[7].weight = 0;
    // 7 enabled, 40 % of them: 2.
    EXPECT_EQ(shape(rotation(backends, {.max_eject_percent = 40}, false, now)), "--+++++--");
    EXPECT_EQ(shape(rotation(backends, {.max_eject_percent = 0}, false, now)), "+++++++--");
    EXPECT_EQ(shape(rotation(backends, {.max_eject_percent = 100}, false, now)), "---++++--");
}

TEST(Rotation, EqualFailureTimesAreEjectedById) {
    std::vector<BackendView> backends = {backend(2, Letter::down),
                                         backend(0, Letter::down),
                                         backend(1, Letter::down),
                                         backend(3, Letter::up)};
    EXPECT_EQ(
        shape(rotation(backends, {.max_eject_percent = 50, .panic_enter_percent = 0}, false, now)),
        "+--+");
}

TEST(Rotation, PanicHasHysteresis) {
    const RotationPolicy policy{.max_eject_percent = 30};
    struct Row {
        const char* name;
        const char* letters;
        bool panic;
        const char* expected;
    };
    // One timeline: the same numbers as in the header.
    const Row rows[] = {
        {"four down: three out", "DDDDUUUUUU", false, "---+++++++"},
        {"five down: not below 50 %", "DDDDDUUUUU", false, "---+++++++"},
        {"six down: panic", "DDDDDDUUUU", true, "++++++++++"},
        {"five down: not yet 60 %", "DDDDDUUUUU", true, "++++++++++"},
        {"six known up, four unknown: over", "????UUUUUU", false, "++++++++++"},
        {"six down: panic again", "DDDDDDUUUU", true, "++++++++++"},
        {"unknown proves nothing", "D?????UUUU", true, "++++++++++"},
        {"four down: over", "DDDDUUUUUU", false, "---+++++++"},
    };
    bool panic = false;
    for (const Row& row : rows) {
        const Rotation result = rotation(group(row.letters), policy, panic, now);
        EXPECT_EQ(result.panic, row.panic) << row.name;
        EXPECT_EQ(shape(result), row.expected) << row.name;
        panic = result.panic;
    }
}

TEST(Rotation, InPanicDownBackendsGetTheirWholeWeight) {
    const Rotation result = rotation(group("DDU"), {}, false, now);
    EXPECT_TRUE(result.panic);
    EXPECT_EQ(
        result.entries[0],
        (RotationEntry{
            .id = BackendId("b0"), .in = true, .weight = 100, .reason = RotationReason::panic}));
    EXPECT_EQ(result.healthy_percent, 33);
    EXPECT_EQ(result.down_percent, 66);
}

TEST(Rotation, PanicDoesNotOverruleOperators) {
    auto backends = group("DDDU");
    backends[0].admin = Admin::drain;
    backends[1].admin = Admin::maintenance;
    backends[3].weight = 0;
    const Rotation result = rotation(backends, {}, false, now);
    EXPECT_TRUE(result.panic);
    EXPECT_EQ(shape(result), "--+-");
}

TEST(Rotation, PanicOfZeroPercentNeverStarts) {
    EXPECT_EQ(shape(rotation(group("DDDD"), {.panic_enter_percent = 0}, false, now)), "----");
}

TEST(Rotation, WithoutEnabledBackendsThereIsNothingInAndNoPanic) {
    auto backends = group("UD");
    for (BackendView& each : backends) each.admin = Admin::drain;
    EXPECT_EQ(rotation({}, {}, true, now), Rotation{});
    const Rotation result = rotation(backends, {}, true, now);
    EXPECT_EQ(shape(result), "--");
    EXPECT_FALSE(result.panic);
    EXPECT_EQ(result.healthy_percent, 100);
}

TEST(Rotation, SlowStartRampsFromATenthToTheWholeWeight) {
    const auto weight = [](int full, std::chrono::milliseconds age) {
        auto backends = group("UU");
        backends[0].weight = full;
        backends[0].since = now - age;
        return rotation(backends, {.slow_start = 10s}, false, now).entries[0].weight;
    };
    EXPECT_EQ(weight(100, 0s), 10);
    EXPECT_EQ(weight(100, 1s), 19);
    EXPECT_EQ(weight(100, 5s), 55);
    EXPECT_EQ(weight(100, 9'999ms), 99);
    EXPECT_EQ(weight(100, 10s), 100);
    EXPECT_EQ(weight(100, 1h), 100);
    EXPECT_EQ(weight(3, 0s), 1);
    EXPECT_EQ(weight(1, 5s), 1);
    EXPECT_EQ(weight(1'000, 5s), 550);
    // Another node's clock is a little ahead of ours; far ahead, it says nothing.
    EXPECT_EQ(weight(100, -2s), 10);
    EXPECT_EQ(weight(100, -1h), 100);
}

TEST(Rotation, SlowStartLeavesUnknownTimesAndOtherVerdictsAlone) {
    std::vector<BackendView> backends = {backend(0, Letter::up, WallTime{}),
                                         backend(1, Letter::unknown, now),
                                         backend(2, Letter::down, now),
                                         backend(3, Letter::up),
                                         backend(4, Letter::up)};
    const Rotation result =
        rotation(backends, {.max_eject_percent = 0, .slow_start = 10s}, false, now);
    for (const RotationEntry& entry : result.entries)
        EXPECT_EQ(entry.weight, 100) << entry.id.str();
}

/// Groups, policies and times at random.
class RotationProperties : public ::testing::Test {
 protected:
    int number(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }

    std::vector<BackendView> make_group() {
        std::vector<BackendView> backends;
        const int down = number(0, 10);
        for (int i = number(0, 25); i > 0; --i) {
            backends.push_back(
                {.id = BackendId("b" + std::to_string(i)),
                 .admin = number(0, 7) == 0 ? static_cast<Admin>(number(1, 2)) : Admin::active,
                 .weight = number(0, 9) == 0 ? 0 : number(1, 1'000),
                 .verdict =
                     number(0, 10) < down ? Letter::down : static_cast<Letter>("?UG"[number(0, 2)]),
                 .since = now - std::chrono::seconds(number(0, 5))});
        }
        return backends;
    }

    RotationPolicy make_policy() {
        const int enter = number(0, 90);
        return {.max_eject_percent = number(0, 100),
                .panic_enter_percent = enter,
                .panic_exit_percent = number(enter, 100),
                .slow_start = std::chrono::seconds(number(0, 5))};
    }

    std::mt19937 random_{7};
};

TEST_F(RotationProperties, OnlyDownTakesOutAndNeverMoreThanTheCap) {
    for (int round = 0; round < 5'000; ++round) {
        const auto backends = make_group();
        const RotationPolicy policy = make_policy();
        const Rotation result = rotation(backends, policy, number(0, 1) == 1, now);
        ASSERT_EQ(result.entries.size(), backends.size());
        int enabled = 0;
        int ejected = 0;
        for (std::size_t i = 0; i < backends.size(); ++i) {
            const RotationEntry& entry = result.entries[i];
            EXPECT_EQ(entry.id, backends[i].id);
            EXPECT_EQ(entry.in, entry.weight > 0);
            EXPECT_LE(entry.weight, backends[i].weight);
            if (backends[i].admin != Admin::active || backends[i].weight == 0) {
                EXPECT_FALSE(entry.in);
                continue;
            }
            ++enabled;
            if (entry.in) continue;
            ++ejected;
            EXPECT_EQ(backends[i].verdict, Letter::down);
            EXPECT_FALSE(result.panic);
        }
        EXPECT_LE(ejected, enabled * policy.max_eject_percent / 100);
    }
}

TEST_F(RotationProperties, WhoStaysInAlthoughDownFailedNoEarlierThanAnyoneOut) {
    for (int round = 0; round < 2'000; ++round) {
        const auto backends = make_group();
        const Rotation result = rotation(backends, make_policy(), false, now);
        WallTime last_out{};
        WallTime first_capped = WallTime::max();
        for (std::size_t i = 0; i < backends.size(); ++i) {
            if (result.entries[i].reason == RotationReason::down) {
                last_out = std::max(last_out, backends[i].since);
            }
            if (result.entries[i].reason == RotationReason::eject_capped) {
                first_capped = std::min(first_capped, backends[i].since);
            }
        }
        EXPECT_LE(last_out, first_capped);
    }
}

TEST_F(RotationProperties, AVerdictThatBecomesUnknownNeverLowersTheNumberIn) {
    for (int round = 0; round < 5'000; ++round) {
        auto backends = make_group();
        if (backends.empty()) continue;
        const RotationPolicy policy = make_policy();
        const Rotation before = rotation(backends, policy, number(0, 1) == 1, now);
        const auto lost =
            static_cast<std::size_t>(number(0, static_cast<int>(backends.size()) - 1));
        backends[lost].verdict = Letter::unknown;
        const Rotation after = rotation(backends, policy, before.panic, now);
        EXPECT_GE(count_in(after), count_in(before));
        if (before.panic) EXPECT_EQ(shape(after), shape(before));
    }
}

TEST_F(RotationProperties, ABackendThatComesUpNeverLeaves) {
    for (int round = 0; round < 5'000; ++round) {
        auto backends = make_group();
        if (backends.empty()) continue;
        const RotationPolicy policy = make_policy();
        const Rotation before = rotation(backends, policy, number(0, 1) == 1, now);
        const auto risen =
            static_cast<std::size_t>(number(0, static_cast<int>(backends.size()) - 1));
        backends[risen].verdict = Letter::up;
        const Rotation after = rotation(backends, policy, before.panic, now);
        EXPECT_GE(after.entries[risen].in, before.entries[risen].in);
        EXPECT_GE(after.healthy_percent, before.healthy_percent);
    }
}

TEST_F(RotationProperties, WeightsOnlyGrowWithTime) {
    for (int round = 0; round < 500; ++round) {
        const auto backends = make_group();
        const RotationPolicy policy = make_policy();
        Rotation before = rotation(backends, policy, false, now);
        for (int step = 1; step < 60; ++step) {
            const Rotation after = rotation(backends, policy, before.panic, now + step * 100ms);
            for (std::size_t i = 0; i < backends.size(); ++i) {
                if (before.panic == after.panic) {
                    EXPECT_GE(after.entries[i].weight, before.entries[i].weight);
                }
            }
            before = after;
        }
    }
}

TEST_F(RotationProperties, TheOrderOfTheInputDecidesNothing) {
    for (int round = 0; round < 1'000; ++round) {
        auto backends = make_group();
        const RotationPolicy policy = make_policy();
        const bool panic = number(0, 1) == 1;
        auto before = rotation(backends, policy, panic, now);
        EXPECT_EQ(rotation(backends, policy, panic, now), before);
        std::ranges::shuffle(backends, random_);
        auto after = rotation(backends, policy, panic, now);
        std::ranges::sort(before.entries, {}, &RotationEntry::id);
        std::ranges::sort(after.entries, {}, &RotationEntry::id);
        EXPECT_EQ(after, before);
    }
}

}  // namespace
}  // namespace muster::znodes
