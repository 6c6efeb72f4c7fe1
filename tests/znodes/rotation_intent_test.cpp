// What a backend wants for itself, and all that counts more: the whole matrix.

#include "common/znodes/rotation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace muster::znodes {
namespace {

using namespace std::chrono_literals;
using config::Admin;
using Serving = Intent::Serving;
using Wish = Intent::Wish;

const WallTime now = WallTime(1'700'000'000'000ms);

BackendView backend(Admin admin, Letter verdict, Intents said) {
    return {.id = BackendId("b"),
            .admin = admin,
            .verdict = verdict,
            .since = now - 1h,
            .intents = std::move(said)};
}

LeasedIntent live(const Intent& intent) {
    return {.intent = intent, .until = now + 10s};
}

BackendView backend(Admin admin, Letter verdict, const Intent& intent) {
    return backend(admin, verdict, Intents{.reply = live(intent)});
}

/// Alone in its group, where nothing is capped and nothing panics.
RotationEntry placed(const BackendView& view) {
    return rotation({view}, {.panic_enter_percent = 0, .panic_exit_percent = 0}, false, now)
        .entries.front();
}

/// admin > failed probe > own down, maintenance, drain > own weight > own up, written once more; of
/// two that speak, the more restrictive one counts.
RotationEntry expected(Admin admin, Letter verdict, const std::vector<Intent>& said) {
    const auto out = [](RotationReason reason) {
        return RotationEntry{.id = BackendId("b"), .reason = reason};
    };
    const auto in = [](int weight, RotationReason reason) {
        return RotationEntry{.id = BackendId("b"), .in = true, .weight = weight, .reason = reason};
    };
    const auto says = [&](auto word, auto Intent::* part) {
        return std::ranges::find(said, word, part) != said.end();
    };
    if (admin == Admin::drain) return out(RotationReason::drain);
    if (admin == Admin::maintenance) return out(RotationReason::maintenance);
    if (verdict == Letter::down) return out(RotationReason::down);
    if (says(Serving::down, &Intent::serving)) return out(RotationReason::own_down);
    if (says(Wish::maintenance, &Intent::wish)) return out(RotationReason::own_maintenance);
    if (says(Wish::drain, &Intent::wish)) return out(RotationReason::own_drain);
    std::vector<int> percents;
    for (const Intent& one : said) {
        if (one.weight_percent) percents.push_back(*one.weight_percent);
    }
    const int percent = percents.empty() ? 100 : std::ranges::min(percents);
    if (percent == 0) return out(RotationReason::own_weight);
    if (verdict == Letter::unknown) return in(percent, RotationReason::unproven);
    return in(percent, percent == 100 ? RotationReason::healthy : RotationReason::own_weight);
}

/// Every combination of what places a backend.
std::vector<Intent> all_intents(const std::vector<std::optional<int>>& percents) {
    std::vector<Intent> all;
    for (const Serving serving : {Serving::unsaid, Serving::up, Serving::down}) {
        for (const Wish wish : {Wish::unsaid, Wish::ready, Wish::drain, Wish::maintenance}) {
            for (const std::optional<int>& percent : percents)
                all.push_back({.serving = serving, .wish = wish, .weight_percent = percent});
        }
    }
    return all;
}

template <class Visit>
void for_each_state(const Visit& visit) {
    for (const Admin admin : {Admin::active, Admin::drain, Admin::maintenance}) {
        for (const Letter verdict : {Letter::up, Letter::degraded, Letter::down, Letter::unknown})
            visit(admin, verdict);
    }
}

std::string name_of(const Intent& intent) {
    return std::to_string(static_cast<int>(intent.serving)) + " " +
           std::to_string(static_cast<int>(intent.wish)) + " " +
           (intent.weight_percent ? std::to_string(*intent.weight_percent) : "-");
}

std::string name_of(Admin admin, Letter verdict) {
    return std::to_string(static_cast<int>(admin)) + " " + static_cast<char>(verdict) + " ";
}

TEST(RotationIntent, CountsBelowAdminAndProbesInEveryCombination) {
    int combinations = 0;
    for (const Intent& intent : all_intents({std::nullopt, 0, 50, 100, 200})) {
        for_each_state([&](Admin admin, Letter verdict) {
            EXPECT_EQ(placed(backend(admin, verdict, intent)), expected(admin, verdict, {intent}))
                << name_of(admin, verdict) << name_of(intent);
            ++combinations;
        });
    }
    EXPECT_EQ(combinations, 3 * 4 * 3 * 4 * 5);
}

TEST(RotationIntent, OfReplyAndAgentCountsEachWhileItHoldsInEveryCombination) {
    const std::vector<Intent> all = all_intents({std::nullopt, 0, 50, 200});
    const WallTime over = now;  // was never said
    int combinations = 0;
    for (const Intent& reply : all) {
        for (const Intent& agent : all) {
            for (const bool replies : {true, false}) {
                for (const bool agent_talks : {true, false}) {
                    const Intents both{
                        .reply = LeasedIntent{.intent = reply, .until = replies ? now + 1s : over},
                        .agent =
                            LeasedIntent{.intent = agent, .until = agent_talks ? now + 9s : over}};
                    std::vector<Intent> said;
                    if (replies) said.push_back(reply);
                    if (agent_talks) said.push_back(agent);
                    for_each_state([&](Admin admin, Letter verdict) {
                        EXPECT_EQ(placed(backend(admin, verdict, both)),
                                  expected(admin, verdict, said))
                            << name_of(admin, verdict) << name_of(reply) << ", " << replies << ", "
                            << name_of(agent) << ", " << agent_talks;
                        ++combinations;
                    });
                }
            }
        }
    }
    EXPECT_EQ(combinations, 3 * 4 * 48 * 48 * 4);
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

TEST(RotationIntent, OfConnectionsOrOfBeingDegradedPlacesNobodyElsewhere) {
    for (const Intent& plain : all_intents({std::nullopt, 0, 50})) {
        for (const std::optional<int> maxconn :
             {std::optional<int>(), std::optional(0), std::optional(30)}) {
            for (const bool degraded : {true, false}) {
                Intent more = plain;
                more.degraded = degraded;
                more.maxconn = maxconn;
                for_each_state([&](Admin admin, Letter verdict) {
                    EXPECT_EQ(placed(backend(admin, verdict, more)),
                              expected(admin, verdict, {plain}));
                    EXPECT_EQ(placed(backend(
                                  admin, verdict, {.reply = live(plain), .agent = live(more)})),
                              expected(admin, verdict, {plain}));
                });
            }
        }
    }
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
