#include "common/znodes/payloads.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace muster::znodes {
namespace {

using namespace std::chrono_literals;

constexpr WallTime now{1'800'000'000s};
constexpr int max_slots = 1'024;  // of a shard

/// All that a backend can say, in the reply to its probe and through its agent.
Intents everything() {
    const Intent all{.serving = Intent::Serving::down,
                     .wish = Intent::Wish::maintenance,
                     .degraded = true,
                     .weight_percent = 256,
                     .maxconn = 1'000'000,
                     .reason = std::string(64, '"')};
    return Intents{.reply = LeasedIntent{.intent = all, .until = now + 10s},
                   .agent = LeasedIntent{.intent = all, .until = now + 5s}};
}

std::map<int, SlotDetail> details(int slots, const Intents& said) {
    std::map<int, SlotDetail> all;
    for (int slot = 0; slot < slots; ++slot) {
        all.emplace(slot,
                    SlotDetail{.since = now,
                               .successes = 1'000'000,
                               .failures = 1'000'000,
                               .reason = std::string(32, 'r'),
                               .penalty = 1'000'000,
                               .intents = said});
    }
    return all;
}

ShardStatus status(int slots) {
    return {.stamp = {.cluster = "c-1", .token = 1, .writer = "n", .sequence = 1},
            .group_uid = "g-1",
            .time = now,
            .letters = std::vector<Letter>(static_cast<std::size_t>(slots), Letter::down),
            .details = details(slots, everything())};
}

TEST(StatusSize, IsBoundedWhateverBackendsSay) {
    for (const int slots : {1, 256, 480, 700, max_slots}) {
        const ShardStatus full = status(slots);
        const std::string bytes = encode(full);
        EXPECT_LE(bytes.size(), max_status_bytes) << slots;
        const auto back = decode<ShardStatus>(bytes, "c-1");
        ASSERT_TRUE(back) << back.error().message();
        EXPECT_EQ(back->letters, full.letters);
        ASSERT_EQ(back->details.size(), full.details.size());
        for (const auto& [slot, detail] : back->details) {
            ASSERT_TRUE(detail.intents);
            Intent wanted = in_force(everything(), now);
            Intent got = in_force(detail.intents, now);
            wanted.reason.clear();
            got.reason.clear();
            EXPECT_EQ(got, wanted) << "slot " << slot << " of " << slots;
        }
    }
}

TEST(StatusSize, OfAUsualShardLeavesNothingOut) {
    const ShardStatus usual = status(256);
    const auto back = decode<ShardStatus>(encode(usual), "c-1");
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, usual);
}

TEST(StatusSize, LeavesOutReasonsBeforeLeases) {
    const ShardStatus large = status(700);
    const auto back = decode<ShardStatus>(encode(large), "c-1");
    ASSERT_TRUE(back);
    const SharedValue<Intents>& said = back->details.at(699).intents;
    ASSERT_TRUE(said && said->reply && said->agent);
    EXPECT_TRUE(said->reply->intent.reason.empty());
    EXPECT_EQ(said->reply->until, now + 10s);
    EXPECT_EQ(said->agent->until, now + 5s);
}

TEST(StatusSize, AsOneIntentEndsWithTheFirstLease) {
    const auto back = decode<ShardStatus>(encode(status(max_slots)), "c-1");
    ASSERT_TRUE(back);
    const SharedValue<Intents>& said = back->details.at(0).intents;
    ASSERT_TRUE(said && said->reply);
    EXPECT_FALSE(said->agent);
    EXPECT_EQ(said->reply->until, now + 5s);
}

TEST(StatusSize, LeavesOutEjectionsBeforeItIsTooLong) {
    ShardStatus full = status(max_slots);
    for (auto& [slot, detail] : full.details)
        detail.ejection = Ejection{.since = now,
                                   .until = now + 30s,
                                   .times = 1'000'000,
                                   .sign = OutlierSign::success_rate,
                                   .lbs = 1'000'000,
                                   .of = 1'000'000};
    const std::string bytes = encode(full);
    EXPECT_LE(bytes.size(), max_status_bytes);
    const auto back = decode<ShardStatus>(bytes, "c-1");
    ASSERT_TRUE(back);
    EXPECT_EQ(back->details.size(), full.details.size());
    EXPECT_FALSE(back->details.at(0).ejection);
}

TEST(StatusSize, OfAHandoffIsBoundedToo) {
    const Handoff handoff{.stamp = status(1).stamp, .counters = details(max_slots, everything())};
    const std::string bytes = encode(handoff);
    EXPECT_LE(bytes.size(), max_status_bytes);
    const auto back = decode<Handoff>(bytes, "c-1");
    ASSERT_TRUE(back);
    EXPECT_EQ(back->counters.size(), handoff.counters.size());
}

}  // namespace
}  // namespace muster::znodes
