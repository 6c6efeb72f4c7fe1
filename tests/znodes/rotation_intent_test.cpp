// What a backend wants for itself, and all that counts more: the whole matrix.

#include "common/znodes/rotation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace muster::znodes {
namespace {

using namespace std::chrono_literals;
using config::Admin;
using Serving = Intent::Serving;
using Wish = Intent::Wish;

const WallTime now = WallTime(1'700'000'000'000ms);

BackendView backend(Admin admin, Letter verdict, const Intent& intent, WallTime until = now + 10s) {
    return {.id = BackendId("b"),
            .admin = admin,
            .verdict = verdict,
            .since = now - 1h,
            .intent = LeasedIntent{.intent = intent, .until = until}};
}

/// Alone in its group, where nothing is capped and nothing panics.
RotationEntry placed(const BackendView& view) {
    return rotation({view}, {.panic_enter_percent = 0, .panic_exit_percent = 0}, false, now)
        .entries.front();
}

/// admin > failed probe > own down, drain, maintenance > own weight > own up, written once more.
RotationEntry expected(Admin admin, Letter verdict, const Intent& intent) {
    const auto out = [](RotationReason reason) {
        return RotationEntry{.id = BackendId("b"), .reason = reason};
    };
    const auto in = [](int weight, RotationReason reason) {
        return RotationEntry{.id = BackendId("b"), .in = true, .weight = weight, .reason = reason};
    };
    if (admin == Admin::drain) return out(RotationReason::drain);
    if (admin == Admin::maintenance) return out(RotationReason::maintenance);
    if (verdict == Letter::down) return out(RotationReason::down);
    if (intent.serving == Serving::down) return out(RotationReason::own_down);
    if (intent.wish == Wish::drain) return out(RotationReason::own_drain);
    if (intent.wish == Wish::maintenance) return out(RotationReason::own_maintenance);
    const int percent = intent.weight_percent.value_or(100);
    if (percent == 0) return out(RotationReason::own_weight);
    if (verdict == Letter::unknown) return in(percent, RotationReason::unproven);
    return in(percent, percent == 100 ? RotationReason::healthy : RotationReason::own_weight);
}

TEST(RotationIntent, CountsBelowAdminAndProbesInEveryCombination) {
    int combinations = 0;
    for (const Admin admin : {Admin::active, Admin::drain, Admin::maintenance}) {
        for (const Letter verdict : {Letter::up, Letter::degraded, Letter::down, Letter::unknown}) {
            for (const Serving serving : {Serving::unsaid, Serving::up, Serving::down}) {
                for (const Wish wish :
                     {Wish::unsaid, Wish::ready, Wish::drain, Wish::maintenance}) {
                    for (const std::optional<int> percent : {std::optional<int>(),
                                                             std::optional(0),
                                                             std::optional(50),
                                                             std::optional(100),
                                                             std::optional(200)}) {
                        const Intent intent{
                            .serving = serving, .wish = wish, .weight_percent = percent};
                        const auto name = std::to_string(static_cast<int>(admin)) + " " +
                                          static_cast<char>(verdict) + " " +
                                          std::to_string(static_cast<int>(serving)) + " " +
                                          std::to_string(static_cast<int>(wish)) + " " +
                                          (percent ? std::to_string(*percent) : "-");
                        EXPECT_EQ(placed(backend(admin, verdict, intent)),
                                  expected(admin, verdict, intent))
                            << name;
                        // Over, it was never said.
                        EXPECT_EQ(placed(backend(admin, verdict, intent, now)),
                                  expected(admin, verdict, {}))
                            << name;
                        ++combinations;
                    }
                }
            }
        }
    }
    EXPECT_EQ(combinations, 3 * 4 * 3 * 4 * 5);
}

/// A group of five of which the first `many` say the same.
std::vector<BackendView> five(int many, const Intent& intent) {
    std::vector<BackendView> backends;
    for (int i = 0; i < 5; ++i) {
        BackendView& one =
            backends.emplace_back(backend(Admin::active, Letter::up, i < many ? intent : Intent{}));
        one.id = BackendId("b" + std::to_string(i));
    }
    return backends;
}

int count_in(const Rotation& rotation) {
    int in = 0;
    for (const RotationEntry& entry : rotation.entries) in += entry.in ? 1 : 0;
    return in;
}

TEST(RotationIntent, ThatIsDownCountsAsDownInCapsAndPanic) {
    const Intent down{.serving = Serving::down};
    EXPECT_EQ(count_in(rotation(five(2, down), {}, false, now)), 3);
    EXPECT_EQ(count_in(rotation(five(2, down), {.max_eject_percent = 20}, false, now)), 4);
    const Rotation panic = rotation(five(4, down), {}, false, now);
    EXPECT_TRUE(panic.panic) << "an application that calls itself down everywhere empties nothing";
    EXPECT_EQ(count_in(panic), 5);
}

TEST(RotationIntent, ToBeDrainedIsObeyedInPanicToo) {
    std::vector<BackendView> backends = five(2, {.wish = Wish::drain});
    for (int i = 2; i < 5; ++i) backends[static_cast<std::size_t>(i)].verdict = Letter::down;
    const Rotation panic = rotation(backends, {}, false, now);
    EXPECT_TRUE(panic.panic);
    EXPECT_EQ(count_in(panic), 3);
    EXPECT_FALSE(panic.entries[0].in);
}

TEST(RotationIntent, SharesTheWeightThatASlowStartHasReached) {
    BackendView view = backend(Admin::active, Letter::up, {.weight_percent = 50});
    view.since = now;
    const Rotation started = rotation({view}, {.slow_start = 10s}, false, now);
    EXPECT_EQ(started.entries[0].weight, 5);
    EXPECT_EQ(started.entries[0].reason, RotationReason::slow_start);
}

}  // namespace
}  // namespace muster::znodes
