#include "common/znodes/rollout.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::znodes {
namespace {

const FleetName edge("edge");
const InstanceId lb1("lb1");
const InstanceId lb2("lb2");

RolloutWave wave(WaveVerdict verdict, std::set<InstanceId> members) {
    return {.members = {{edge, std::move(members)}}, .verdict = verdict};
}

Rollout from_1_to_2(std::vector<RolloutWave> waves) {
    return {.stamp = {.cluster = "c", .token = 3, .writer = "n1", .sequence = 1},
            .group_uid = "uid",
            .stable = 1,
            .candidate = 2,
            .waves = std::move(waves)};
}

/// Of an agent that sees generations 1 and 2, and has nothing applied.
const KnownGenerations both{.group_uid = "uid", .newest = 2, .readable = {1}};

AssignedGeneration assign(const std::optional<Rollout>& rollout,
                          const KnownGenerations& known = both,
                          const InstanceId& instance = lb2) {
    return assigned_generation(rollout, false, edge, instance, known);
}

using Reason = GenerationReason;

TEST(AssignedGeneration, IsTheNewestWithoutARollout) {
    EXPECT_EQ(assign(std::nullopt),
              (AssignedGeneration{.generation = 2, .reason = Reason::no_rollout}));
}

TEST(AssignedGeneration, IsTheNewestWithoutARolloutWhateverIsApplied) {
    EXPECT_EQ(assign(std::nullopt, {.group_uid = "uid", .newest = 2, .readable = {}, .applied = 1})
                  .generation,
              2);
}

TEST(AssignedGeneration, IsTheStableOneOfThoseInNoWave) {
    EXPECT_EQ(assign(from_1_to_2({wave(WaveVerdict::watching, {lb1})})),
              (AssignedGeneration{.generation = 1, .assigned = 1, .reason = Reason::in_no_wave}));
    EXPECT_EQ(assign(from_1_to_2({})),
              (AssignedGeneration{.generation = 1, .assigned = 1, .reason = Reason::in_no_wave}));
}

TEST(AssignedGeneration, IsTheCandidateInAWaveThatIsWatchedOrHasPassed) {
    for (const WaveVerdict verdict : {WaveVerdict::watching, WaveVerdict::passed}) {
        EXPECT_EQ(
            assign(from_1_to_2({wave(verdict, {lb1})}), both, lb1),
            (AssignedGeneration{.generation = 2, .assigned = 2, .reason = Reason::wave_open}));
    }
}

TEST(AssignedGeneration, IsTheStableOneWhileTheWaveWaits) {
    EXPECT_EQ(
        assign(from_1_to_2({wave(WaveVerdict::passed, {lb1}), wave(WaveVerdict::waiting, {lb2})})),
        (AssignedGeneration{.generation = 1, .assigned = 1, .reason = Reason::wave_waits}));
}

TEST(AssignedGeneration, IsTheCandidateInTwoWavesOnceOneIsOpen) {
    EXPECT_EQ(
        assign(from_1_to_2({wave(WaveVerdict::waiting, {lb2}), wave(WaveVerdict::passed, {lb2})}))
            .reason,
        Reason::wave_open);
}

TEST(AssignedGeneration, IsTheStableOneForAllOnceAWaveHasFailed) {
    const Rollout failed =
        from_1_to_2({wave(WaveVerdict::passed, {lb1}), wave(WaveVerdict::failed, {lb2})});
    for (const InstanceId& instance : {lb1, lb2}) {
        EXPECT_EQ(
            assign(failed, both, instance),
            (AssignedGeneration{.generation = 1, .assigned = 1, .reason = Reason::rolled_back}));
    }
}

TEST(AssignedGeneration, TellsFleetsApart) {
    const Rollout rollout = from_1_to_2({wave(WaveVerdict::watching, {lb1})});
    EXPECT_EQ(assigned_generation(rollout, false, FleetName("inner"), lb1, both).generation, 1);
}

TEST(AssignedGeneration, StaysWhereARolloutHasEndedThoughThereIsANewerOne) {
    Rollout rollout = from_1_to_2({});
    rollout.stable = 2;
    const KnownGenerations three{.group_uid = "uid", .newest = 3, .readable = {2}};
    EXPECT_EQ(assign(rollout, three),
              (AssignedGeneration{.generation = 2, .assigned = 2, .reason = Reason::settled}));
}

TEST(AssignedGeneration, IsTheNewestOnceReleased) {
    Rollout rollout = from_1_to_2({});
    rollout.released = true;
    EXPECT_EQ(assign(rollout), (AssignedGeneration{.generation = 2, .reason = Reason::released}));
}

TEST(AssignedGeneration, IsNotForTheNextGroupOfThatName) {
    KnownGenerations other = both;
    other.group_uid = "another";
    EXPECT_EQ(assign(from_1_to_2({}), other),
              (AssignedGeneration{.generation = 2, .reason = Reason::earlier_life}));
}

TEST(AssignedGeneration, ThatWasPrunedLeavesWhatIsApplied) {
    const KnownGenerations pruned{.group_uid = "uid", .newest = 9, .applied = 5};
    EXPECT_EQ(
        assign(from_1_to_2({}), pruned),
        (AssignedGeneration{.generation = 5, .assigned = 1, .reason = Reason::not_available}));
}

TEST(AssignedGeneration, ThatWasPrunedLeavesANewLbTheNewest) {
    const KnownGenerations pruned{.group_uid = "uid", .newest = 9};
    EXPECT_EQ(
        assign(from_1_to_2({}), pruned),
        (AssignedGeneration{.generation = 9, .assigned = 1, .reason = Reason::not_available}));
}

TEST(AssignedGeneration, IsKnownWhereItIsApplied) {
    const KnownGenerations applied{.group_uid = "uid", .newest = 2, .applied = 1};
    EXPECT_EQ(assign(from_1_to_2({}), applied),
              (AssignedGeneration{.generation = 1, .assigned = 1, .reason = Reason::in_no_wave}));
}

TEST(AssignedGeneration, OfTheFutureLeavesWhatIsApplied) {
    Rollout rollout = from_1_to_2({});
    rollout.stable = rollout.candidate = 1'000'000;
    const KnownGenerations known{.group_uid = "uid", .newest = 2, .readable = {}, .applied = 2};
    EXPECT_EQ(assign(rollout, known).generation, 2);
    EXPECT_EQ(assign(rollout, known).reason, Reason::not_available);
}

TEST(AssignedGeneration, ThatCanNotBeReadAtAllLeavesWhatIsApplied) {
    KnownGenerations known = both;
    const auto assigned = [&] { return assigned_generation(std::nullopt, true, edge, lb1, known); };
    EXPECT_EQ(assigned(), (AssignedGeneration{.generation = 2, .reason = Reason::unreadable}));
    known.applied = 1;
    EXPECT_EQ(assigned(), (AssignedGeneration{.generation = 1, .reason = Reason::unreadable}));
}

TEST(AssignedGeneration, HasAReasonInWords) {
    for (int reason = 0; reason <= static_cast<int>(Reason::not_available); ++reason)
        EXPECT_NE(to_string(static_cast<Reason>(reason)), "unknown");
}

TEST(GenerationsNamed, AreNoneOnceReleased) {
    Rollout rollout = from_1_to_2({});
    EXPECT_EQ(generations_named(rollout), (std::set<std::int64_t>{1, 2}));
    rollout.released = true;
    EXPECT_TRUE(generations_named(rollout).empty());
}

// --- the znode -----------------------------------------------------------------------------------

TEST(RolloutPayload, ReadsLikeThis) {
    Rollout rollout = from_1_to_2({wave(WaveVerdict::passed, {lb1})});
    rollout.waves[0].time = WallTime(std::chrono::milliseconds(1'700'000'000'000));
    rollout.waves[0].reason = "0 errors in 60 s";
    EXPECT_EQ(encode(rollout),
              R"({"v":1,"cluster":"c","token":3,"writer":"n1","seq":1,"group_uid":"uid",)"
              R"("stable":1,"candidate":2,"waves":[{"members":{"edge":["lb1"]},)"
              R"("verdict":"passed","time":1700000000000,"reason":"0 errors in 60 s"}]})");
}

std::error_code refusal(const std::string& fields) {
    const auto read = decode<Rollout>(
        R"({"v":1,"cluster":"c","token":3,"writer":"n1","seq":1,)" + fields + "}", "c");
    return read ? std::error_code{} : read.error().code;
}

TEST(RolloutPayload, IsRefusedWhenItsGenerationsAreNone) {
    EXPECT_EQ(refusal(R"("group_uid":"u","stable":1,"candidate":1,"waves":[])"), std::error_code{});
    EXPECT_EQ(refusal(R"("group_uid":"u","stable":0,"candidate":1,"waves":[])"),
              Errc::out_of_bounds);
    EXPECT_EQ(refusal(R"("group_uid":"u","stable":-1,"candidate":1,"waves":[])"),
              Errc::out_of_bounds);
    EXPECT_EQ(refusal(R"("group_uid":"u","stable":2,"candidate":1,"waves":[])"),
              Errc::out_of_bounds);
    EXPECT_EQ(refusal(R"("group_uid":"","stable":1,"candidate":1,"waves":[])"),
              Errc::out_of_bounds);
    EXPECT_EQ(refusal(R"("group_uid":"u","stable":"1","candidate":1,"waves":[])"), Errc::malformed);
    EXPECT_EQ(refusal(R"("group_uid":"u","stable":1,"candidate":1)"), Errc::malformed);
}

TEST(RolloutPayload, IsRefusedWhenAWaveIsNone) {
    const auto with = [](const std::string& waves) {
        return refusal(R"("group_uid":"u","stable":1,"candidate":2,"waves":)" + waves);
    };
    EXPECT_EQ(with(R"([{"members":{},"verdict":"waiting","time":0,"reason":""}])"),
              std::error_code{});
    EXPECT_EQ(with("{}"), Errc::malformed);
    EXPECT_EQ(with("[1]"), Errc::malformed);
    EXPECT_EQ(with("[[]]"), Errc::malformed);
    EXPECT_EQ(with("[{}]"), Errc::malformed);
    EXPECT_EQ(with(R"([{"members":[],"verdict":"waiting","time":0,"reason":""}])"),
              Errc::malformed);
    EXPECT_EQ(with(R"([{"members":{"../x":[]},"verdict":"waiting","time":0,"reason":""}])"),
              Errc::malformed);
    EXPECT_EQ(with(R"([{"members":{"e":["a/b"]},"verdict":"waiting","time":0,"reason":""}])"),
              Errc::malformed);
    EXPECT_EQ(with(R"([{"members":{"e":[7]},"verdict":"waiting","time":0,"reason":""}])"),
              Errc::malformed);
    EXPECT_EQ(with(R"([{"members":{},"verdict":"splendid","time":0,"reason":""}])"),
              Errc::malformed);
    EXPECT_EQ(with(R"([{"members":{},"verdict":"waiting","time":-1,"reason":""}])"),
              Errc::out_of_bounds);
}

TEST(RolloutPayload, IsRefusedWhenItIsTooLarge) {
    std::vector<RolloutWave> waves(101);
    EXPECT_FALSE(decode<Rollout>(encode(from_1_to_2(waves)), "c"));
    waves.resize(100);
    EXPECT_TRUE(decode<Rollout>(encode(from_1_to_2(waves)), "c"));
    std::set<InstanceId> many;
    for (int i = 0; i < 10'000; ++i) many.insert(InstanceId("lb" + std::to_string(i)));
    EXPECT_TRUE(decode<Rollout>(encode(from_1_to_2({wave(WaveVerdict::waiting, many)})), "c"));
    EXPECT_EQ(decode<Rollout>(encode(from_1_to_2({wave(WaveVerdict::waiting, many),
                                                  wave(WaveVerdict::waiting, {lb1})})),
                              "c")
                  .error()
                  .code,
              Errc::out_of_bounds);
}

TEST(RolloutPayload, HasAReasonOfBoundedLength) {
    Rollout rollout = from_1_to_2({wave(WaveVerdict::failed, {})});
    rollout.waves[0].reason = std::string(10'000, 'x');
    const auto back = decode<Rollout>(encode(rollout), "c");
    ASSERT_TRUE(back);
    EXPECT_EQ(back->waves[0].reason.size(), max_rollout_reason);
}

}  // namespace
}  // namespace muster::znodes
