#include "common/znodes/payloads.hpp"

#include "tests/znodes/random_payloads.hpp"
#include "tests/znodes/random_scaling_payloads.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <type_traits>

namespace muster::znodes {
namespace {

using testing::RandomPayloads;

/// What every payload must withstand, whatever it holds.
template <class T>
class Payload : public ::testing::Test {};

using AllPayloads = ::testing::Types<Epoch,
                                     Control,
                                     Candidate,
                                     Member,
                                     GroupHead,
                                     Assignment,
                                     ShardMap,
                                     Ack,
                                     Progress,
                                     GroupIndex,
                                     ShardMembers,
                                     ShardStatus,
                                     Handoff,
                                     AgentReport,
                                     Rollout,
                                     LbEvidence,
                                     DnsState,
                                     AuditEntry,
                                     FleetState,
                                     FleetPause,
                                     FleetInstanceRecord,
                                     HostMachines>;
TYPED_TEST_SUITE(Payload, AllPayloads);

/// What a decoder lets through must be a value that we could have written ourselves.
template <class T>
void expect_error_or_valid(const std::string& bytes) {
    const auto value = decode<T>(bytes, "");
    if (!value) return;
    const auto again = decode<T>(encode(*value), "");
    ASSERT_TRUE(again) << again.error().message() << "\n" << bytes << "\n" << encode(*value);
    EXPECT_EQ(*again, *value) << bytes;
}

TYPED_TEST(Payload, ComesBackAsItWasWritten) {
    RandomPayloads random(1);
    for (int i = 0; i < 300; ++i) {
        const auto value = random.make<TypeParam>();
        const std::string bytes = encode(value);
        const auto back = decode<TypeParam>(bytes, "c-1");
        ASSERT_TRUE(back) << back.error().message() << "\n" << bytes;
        EXPECT_EQ(*back, value) << bytes;
        EXPECT_EQ(encode(*back), bytes);
    }
}

TYPED_TEST(Payload, EveryTruncationIsRefused) {
    RandomPayloads random(2);
    const std::string bytes = encode(random.make<TypeParam>());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const auto value = decode<TypeParam>(bytes.substr(0, length), "");
        ASSERT_FALSE(value) << length;
        EXPECT_EQ(value.error().code, make_error_code(Errc::malformed));
    }
}

TYPED_TEST(Payload, AnyChangedByteGivesAnErrorOrAValidValue) {
    RandomPayloads random(3);
    std::string bytes = encode(random.make<TypeParam>());
    while (bytes.size() > 1'500) bytes = encode(random.make<TypeParam>());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (const char c : {'\0', '9', '-', '"', '{', '[', ',', 'e', '\\', '\xff', ' ', 'w'}) {
            std::string changed = bytes;
            changed[at] = c;
            expect_error_or_valid<TypeParam>(changed);
        }
    }
}

TYPED_TEST(Payload, AnyFieldOfAnyOtherTypeGivesAnErrorOrAValidValue) {
    RandomPayloads random(4);
    const std::string bytes = encode(random.make<TypeParam>());
    for (std::size_t colon = bytes.find(':'); colon != std::string::npos;
         colon = bytes.find(':', colon + 1)) {
        const std::size_t end = bytes.find_first_of(",}]", colon);
        if (end == std::string::npos) break;
        for (const std::string_view other : {"null",
                                             "true",
                                             "0",
                                             "-1",
                                             "1.5",
                                             "1e300",
                                             "9223372036854775807",
                                             "18446744073709551615",
                                             "99999999999999999999999",
                                             "\"\"",
                                             "\"x/y\"",
                                             "\"..\"",
                                             "[]",
                                             "{}",
                                             "[[0,\"own\"]]",
                                             "{\"web\":\"0-999999999\"}",
                                             "{\"web\":\"5-3\"}",
                                             "{\"web\":\"1,1\"}",
                                             "{\"..\":\"1\"}",
                                             "\"0-7\""}) {
            std::string changed = bytes;
            changed.replace(colon + 1, end - colon - 1, other);
            expect_error_or_valid<TypeParam>(changed);
        }
    }
}

TYPED_TEST(Payload, RandomMutationsGiveAnErrorOrAValidValue) {
    RandomPayloads random(5);
    std::mt19937 generator(6);
    for (int i = 0; i < 1'000; ++i) {
        std::string bytes = encode(random.make<TypeParam>());
        for (int n = random.number(1, 6); n > 0 && !bytes.empty(); --n) {
            const auto at =
                std::uniform_int_distribution<std::size_t>(0, bytes.size() - 1)(generator);
            const auto length = static_cast<std::size_t>(random.number(0, 8));
            switch (random.number(0, 3)) {
                case 0:
                    bytes[at] = static_cast<char>(random.number(0, 255));
                    break;
                case 1:
                    bytes.erase(at, length);
                    break;
                case 2:
                    bytes.insert(at, bytes.substr(at, length));
                    break;
                default:
                    bytes.insert(at, std::to_string(random.big()));
                    break;
            }
        }
        expect_error_or_valid<TypeParam>(bytes);
    }
}

TYPED_TEST(Payload, GarbageIsMalformed) {
    for (const std::string_view bytes : {"",
                                         " ",
                                         "null",
                                         "1",
                                         "\"v\"",
                                         "[]",
                                         "{}",
                                         "{\"v\":1}",
                                         "{\"v\":\"1\",\"cluster\":\"c\"}",
                                         "{\"v\":1,\"cluster\":7}",
                                         "{\"v\":1,\"cluster\":\"c\"}",
                                         "{\"v\":1.0,\"cluster\":\"c\"}",
                                         "10.0.0.1",
                                         "\xff\xfe",
                                         "{\"v\":1,\"cluster\":\"\xff\"}"}) {
        const auto value = decode<TypeParam>(bytes, "");
        ASSERT_FALSE(value) << bytes;
        EXPECT_EQ(value.error().code, make_error_code(Errc::malformed)) << bytes;
    }
}

TYPED_TEST(Payload, DeepNestingIsRefused) {
    std::string bytes = encode(RandomPayloads(7).make<TypeParam>());
    bytes.pop_back();
    bytes += ",\"new\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    EXPECT_FALSE(decode<TypeParam>(bytes, ""));
}

TYPED_TEST(Payload, OversizeIsOutOfBounds) {
    constexpr bool is_evidence = std::is_same_v<TypeParam, LbEvidence>;
    std::string bytes = encode(RandomPayloads(8).make<TypeParam>());
    bytes.resize((is_evidence ? max_evidence_bytes : max_payload_bytes) + 1, ' ');
    const auto value = decode<TypeParam>(bytes, "");
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, make_error_code(Errc::out_of_bounds));
    bytes.pop_back();
    EXPECT_TRUE(decode<TypeParam>(bytes, ""));
}

TYPED_TEST(Payload, FieldsOfNewerBuildsAreIgnored) {
    const auto value = RandomPayloads(9).make<TypeParam>();
    std::string bytes = encode(value);
    bytes.pop_back();
    bytes += R"(,"new":{"a":[1,2.5,{"b":null}]},"newer":1e300})";
    const auto back = decode<TypeParam>(bytes, "c-1");
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, value);
}

TYPED_TEST(Payload, AnotherFormatIsToldApartFromGarbage) {
    std::string bytes = encode(RandomPayloads(10).make<TypeParam>());
    bytes.replace(bytes.find("\"v\":1"), 5, "\"v\":2");
    const auto value = decode<TypeParam>(bytes, "another");
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, make_error_code(Errc::other_format));
    const auto unreadable = decode<TypeParam>(R"({"v":3,"all":"else differs"})", "");
    ASSERT_FALSE(unreadable);
    EXPECT_EQ(unreadable.error().code, make_error_code(Errc::other_format));
}

TYPED_TEST(Payload, AnotherClusterIsRefusedExceptWhereTheUuidIsBorn) {
    const auto value = RandomPayloads(11).make<TypeParam>();
    const auto back = decode<TypeParam>(encode(value), "another");
    if (std::is_same_v<TypeParam, Control>) {
        ASSERT_TRUE(back);
        EXPECT_EQ(*back, value);
    } else {
        ASSERT_FALSE(back);
        EXPECT_EQ(back.error().code, make_error_code(Errc::other_cluster));
    }
}

TEST(Payloads, ReadLikeThis) {
    const Stamp stamp{.cluster = "c-1", .token = 12, .writer = "n1", .sequence = 3};
    const WallTime time(std::chrono::milliseconds(1'700'000'000'000));
    const auto shard = [](const char* group, int number) {
        return ShardId{.group = GroupName(group), .number = number};
    };
    Assignment assignment{.stamp = stamp, .incarnation = "i7"};
    for (int number = 0; number < 8; ++number) {
        assignment.shards.push_back({.shard = shard("web", number)});
    }
    assignment.shards.push_back({.shard = shard("web", 12), .role = Role::warm, .move = 17});
    assignment.shards.push_back({.shard = shard("api", 0), .role = Role::drain, .move = 9});
    EXPECT_EQ(encode(assignment),
              R"({"v":1,"cluster":"c-1","token":12,"writer":"n1","seq":3,"incarnation":"i7",)"
              R"("shards":{"api":"0d9","web":"0-7,12w17"}})");
    EXPECT_EQ(encode(ShardMap{.stamp = stamp,
                              .owners = {{shard("web", 0), NodeId("n1")},
                                         {shard("web", 1), NodeId("n2")},
                                         {shard("web", 2), NodeId("n1")}}}),
              R"({"v":1,"cluster":"c-1","token":12,"writer":"n1","seq":3,)"
              R"("owners":{"n1":{"web":"0,2"},"n2":{"web":"1"}}})");
    EXPECT_EQ(encode(Ack{.stamp = stamp, .answers = {{.shard = shard("web", 12), .move = 17}}}),
              R"({"v":1,"cluster":"c-1","token":12,"writer":"n1","seq":3,)"
              R"("answers":{"web":"12r17"}})");
    EXPECT_EQ(encode(Progress{.stamp = stamp,
                              .time = time,
                              .pass_age = {{shard("web", 0), std::chrono::milliseconds(340)}}}),
              R"({"v":1,"cluster":"c-1","token":12,"writer":"n1","seq":3,"time":1700000000000,)"
              R"("pass_age_ms":{"web":"0@340"}})");
    EXPECT_EQ(
        encode(ShardMembers{
            .stamp = stamp,
            .group_uid = "g1",
            .slots =
                {{.backend = BackendId("b1"), .address = "10.0.0.1:80"},
                 {.backend = BackendId("10.0.0.2:80"), .address = "10.0.0.2:80", .tombstone = true},
                 {.backend = BackendId("lb1"), .address = "10.0.0.3:80", .listed = true}}}),
        R"({"v":1,"cluster":"c-1","token":12,"writer":"n1","seq":3,"uid":"g1","layout":1,)"
        R"("slots":[["b1","10.0.0.1:80"],"10.0.0.2:80",["lb1","10.0.0.3:80",true]],"tombstones":[1]})");
    EXPECT_EQ(
        encode(ShardStatus{
            .stamp = stamp,
            .group_uid = "g1",
            .time = time,
            .letters = {Letter::up, Letter::down, Letter::unknown},
            .details = {{1, {.since = time, .successes = 1, .failures = 0, .reason = "L4CON"}}}}),
        R"({"v":1,"cluster":"c-1","token":12,"writer":"n1","seq":3,"uid":"g1","layout":1,)"
        R"("time":1700000000000,"doubt":false,"letters":"UD?",)"
        R"("details":{"1":[1700000000000,1,0,"L4CON"]}})");
}

TEST(Payloads, OfDnsReadLikeThis) {
    const DnsState state{
        .stamp = {.cluster = "c-1", .token = 7, .writer = "n1", .sequence = 3},
        .stores = {{"etcd", {.born = true, .revision = 120, .term = 2, .longest_ttl = 30}}}};
    EXPECT_EQ(encode(state),
              R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,)"
              R"("stores":{"etcd":{"born":true,"revision":120,"term":2,"longest_ttl":30}}})");
    DnsState more = state;
    more.stores["etcd"].last_good["api.example.org"] = {
        .ttl = std::chrono::seconds(30),
        .members = {{"lb-1", {.address = "192.0.2.1", .port = 80, .priority = 10, .weight = 50}}}};
    EXPECT_EQ(
        encode(more),
        R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,)"
        R"("stores":{"etcd":{"born":true,"revision":120,"term":2,"longest_ttl":30,"last_good":)"
        R"({"api.example.org":{"ttl":30,"members":{"lb-1":["192.0.2.1",80,10,50]}}}}}})");
    EXPECT_EQ(decode<DnsState>(encode(more), "c-1"), more);
    const auto older =
        decode<DnsState>(R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,)"
                         R"("stores":{"etcd":{"born":true,"revision":120,"term":2}}})",
                         "c-1");
    ASSERT_TRUE(older);
    EXPECT_EQ(older->stores.at("etcd").longest_ttl, 3'600) << "what isn't known is the longest";
    for (const char* bad : {R"({"etcd":7})",
                            R"({"a/b":{"born":true,"revision":1,"term":1}})",
                            R"({"etcd":{"born":true,"revision":-1,"term":1}})",
                            R"({"etcd":{"born":true,"revision":1,"term":1,"longest_ttl":-1}})",
                            R"({"etcd":{"born":true,"revision":1,"term":1,"longest_ttl":3601}})",
                            R"({"etcd":{"born":true,"revision":1,"term":1,"last_good":[]}})",
                            R"({"etcd":{"born":true,"revision":1,"term":1,"last_good":{"a":7}}})",
                            R"({"etcd":{"born":true,"revision":1,"term":1,"last_good":)"
                            R"({"a":{"ttl":-1,"members":{}}}}})",
                            R"({"etcd":{"born":true,"revision":1,"term":1,"last_good":)"
                            R"({"a":{"ttl":1,"members":{"b":["x",1,1]}}}}})",
                            R"({"etcd":{"born":true,"revision":1,"term":1,"last_good":)"
                            R"({"a":{"ttl":1,"members":{"b":["x",1,1,65536]}}}}})"}) {
        const std::string bytes =
            R"({"v":1,"cluster":"c-1","token":7,"writer":"n1","seq":3,"stores":)" +
            std::string(bad) + "}";
        EXPECT_FALSE(decode<DnsState>(bytes, "c-1")) << bytes;
    }
}

TEST(Payloads, OfOutliersReadLikeThis) {
    const Stamp stamp{.cluster = "c-1", .token = 0, .writer = "lb1", .sequence = 3};
    const WallTime time(std::chrono::milliseconds(1'700'000'000'000));
    const LbEvidence evidence{.stamp = stamp,
                              .fleet = FleetName("edge"),
                              .instance = InstanceId("lb1"),
                              .incarnation = "i7",
                              .group_uid = "g1",
                              .seen = 12,
                              .found = 1,
                              .outliers = {{.backend = BackendId("10.0.0.1:80"),
                                            .sign = OutlierSign::consecutive_5xx,
                                            .failed = 5,
                                            .answers = 5,
                                            .finding = 2}}};
    EXPECT_EQ(encode(evidence),
              R"({"v":1,"cluster":"c-1","token":0,"writer":"lb1","seq":3,"fleet":"edge",)"
              R"("instance":"lb1","incarnation":"i7","uid":"g1","seen":12,"found":1,)"
              R"("outliers":[["10.0.0.1:80","consecutive_5xx",5,5,2]]})");
    ShardStatus status{.stamp = stamp, .group_uid = "g1", .time = time, .letters = {Letter::up}};
    status.details[0] = {.since = time,
                         .reason = "L7OK",
                         .ejection = Ejection{.since = time,
                                              .until = time + std::chrono::seconds(30),
                                              .times = 1,
                                              .sign = OutlierSign::success_rate,
                                              .lbs = 2,
                                              .of = 3}};
    EXPECT_EQ(encode(status),
              R"({"v":1,"cluster":"c-1","token":0,"writer":"lb1","seq":3,"uid":"g1","layout":1,)"
              R"("time":1700000000000,"doubt":false,"letters":"U",)"
              R"("ejected":{"0":[1700000000000,1700000030000,1,"success_rate",2,3]},)"
              R"("details":{"0":[1700000000000,0,0,"L7OK"]}})");
    EXPECT_EQ(decode<ShardStatus>(encode(status), "c-1").value(), status);
}

TEST(Payloads, EvidenceIsRefusedThatIsTooLongOrNamesABackendTwice) {
    LbEvidence evidence{
        .stamp = {.cluster = "c"}, .fleet = FleetName("edge"), .instance = InstanceId("lb1")};
    for (int i = 0; i < 64; ++i)
        evidence.outliers.push_back({.backend = BackendId(std::to_string(1'000 + i))});
    EXPECT_TRUE(decode<LbEvidence>(encode(evidence), "c"));
    LbEvidence more = evidence;
    more.outliers.push_back({.backend = BackendId("9")});
    EXPECT_FALSE(decode<LbEvidence>(encode(more), "c"));
    LbEvidence twice = evidence;
    twice.outliers[1] = twice.outliers[0];
    EXPECT_FALSE(decode<LbEvidence>(encode(twice), "c"));
    LbEvidence longest = evidence;
    longest.outliers[63].backend = BackendId(std::string(513, '9'));
    EXPECT_FALSE(decode<LbEvidence>(encode(longest), "c"));
    const std::string padded = encode(evidence) + std::string(max_evidence_bytes, ' ');
    EXPECT_FALSE(decode<LbEvidence>(padded, "c"));
}

TEST(Payloads, OfWhatABackendWantsAreReadableToThoseWhoKnowOneSource) {
    const auto leased = [](Intent::Wish wish, int until) {
        return LeasedIntent{.intent = {.wish = wish},
                            .until = WallTime(std::chrono::milliseconds(until))};
    };
    const LeasedIntent ready = leased(Intent::Wish::ready, 7);
    const LeasedIntent drain = leased(Intent::Wish::drain, 9);
    struct Row {
        std::string intents;
        Intents value;
    };
    for (const auto& [intents, value] :
         {Row{R"({"until":7,"wish":"ready"})", {.reply = ready}},  // as it always was
          Row{R"({"until":9,"wish":"drain","agent":true})", {.agent = drain}},
          Row{R"({"until":7,"wish":"ready","agent":{"until":9,"wish":"drain"}})",
              {.reply = ready, .agent = drain}}}) {
        const ShardStatus status{
            .stamp = {.cluster = "c"}, .group_uid = "u", .details = {{3, {.intents = value}}}};
        const std::string bytes = encode(status);
        EXPECT_NE(bytes.find(R"("details":{"3":[0,0,0,"",0,)" + intents + "]}"), std::string::npos)
            << bytes;
        EXPECT_EQ(decode<ShardStatus>(bytes, "c").value(), status);
    }
}

TEST(Payloads, TenThousandShardsFit) {
    Assignment one_group{.stamp = {.cluster = "c"}};
    Assignment many_groups = one_group;
    ShardMap map{.stamp = one_group.stamp};
    std::mt19937 random(1);
    for (int i = 0; i < 10'000; ++i) {
        // No two neighbours alike: nothing to pack.
        one_group.shards.push_back({.shard = {.group = GroupName("web"), .number = i},
                                    .role = i % 2 == 0 ? Role::own : Role::warm,
                                    .move = i % 2 == 0 ? 0 : 1'000'000 + i});
        many_groups.shards.push_back(
            {.shard = {.group = GroupName("group-" + std::to_string(i)), .number = 0}});
        map.owners[one_group.shards.back().shard] =
            NodeId("n" + std::to_string(std::uniform_int_distribution(1, 50)(random)));
    }
    std::ranges::sort(many_groups.shards, {}, &AssignedShard::shard);
    for (const auto& assignment : {one_group, many_groups}) {
        const std::string bytes = encode(assignment);
        EXPECT_LE(bytes.size(), max_payload_bytes);
        const auto back = decode<Assignment>(bytes, "c");
        ASSERT_TRUE(back);
        EXPECT_EQ(*back, assignment);
    }
    const auto back = decode<ShardMap>(encode(map), "c");
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, map);
    EXPECT_LE(encode(map).size(), 70'000U);
}

TEST(Payloads, MassFailureOfTheLargestShardFits) {
    ShardStatus status{.stamp = {.cluster = "c"}, .layout = 1};
    for (int slot = 0; slot < 1'024; ++slot) {
        status.letters.push_back(Letter::down);
        status.details[slot] = {.since = WallTime(std::chrono::milliseconds(1'700'000'000'000)),
                                .successes = 0,
                                .failures = 3,
                                .reason = "L7TOUT"};
    }
    EXPECT_LE(encode(status).size(), 48U << 10U);
    EXPECT_TRUE(decode<ShardStatus>(encode(status), "c"));
}

TEST(Payloads, WhatTheRepliesAndAgentsOfTheLargestShardSayFits) {
    const LeasedIntent busy{.intent = {.serving = Intent::Serving::up,
                                       .wish = Intent::Wish::drain,
                                       .weight_percent = 100,
                                       .reason = "12345 connections"},
                            .until = WallTime(std::chrono::milliseconds(1'700'000'000'000))};
    ShardStatus status{.stamp = {.cluster = "c"}, .layout = 1};
    for (int slot = 0; slot < 1'024; ++slot) {
        status.letters.push_back(Letter::down);
        status.details[slot] = {.since = busy.until,
                                .failures = 3,
                                .reason = "L7TOUT",
                                .intents = Intents{.reply = busy, .agent = busy}};
    }
    EXPECT_TRUE(decode<ShardStatus>(encode(status), "c"));
}

TEST(Payloads, NumbersOutsideTheirRangeAreOutOfBounds) {
    const auto code = [](std::string_view fields) {
        const std::string bytes =
            R"({"v":1,"cluster":"c","token":1,"writer":"n","seq":1,"uid":"u",)" +
            std::string(fields) + "}";
        const auto index = decode<GroupIndex>(bytes, "c");
        return index ? std::error_code{} : index.error().code;
    };
    EXPECT_EQ(code(R"("layout":1,"shards":4,"shard_size":16)"), std::error_code{});
    EXPECT_EQ(code(R"("layout":0,"shards":4,"shard_size":16)"), Errc::out_of_bounds);
    EXPECT_EQ(code(R"("layout":1,"shards":-1,"shard_size":16)"), Errc::out_of_bounds);
    EXPECT_EQ(code(R"("layout":1,"shards":4,"shard_size":0)"), Errc::out_of_bounds);
    EXPECT_EQ(code(R"("layout":1,"shards":4,"shard_size":1025)"), Errc::out_of_bounds);
    EXPECT_EQ(code(R"("layout":1,"shards":4,"shard_size":18446744073709551615)"),
              Errc::out_of_bounds);
    EXPECT_EQ(code(R"("layout":1,"shards":4,"shard_size":16.0)"), Errc::malformed);
    EXPECT_EQ(code(R"("layout":1,"shards":4)"), Errc::malformed);
}

TEST(Payloads, NamesThatWouldLeaveTheirPlaceInTheTreeAreRefused) {
    for (const char* name : {"", ".", "..", "a/b", "a b", "/x"}) {
        const Epoch epoch{.stamp = {.cluster = "c"}, .node = NodeId(name)};
        EXPECT_FALSE(decode<Epoch>(encode(epoch), "c")) << name;
        const ShardMap map{.stamp = {.cluster = "c"},
                           .owners = {{ShardId{.group = GroupName(name)}, NodeId("n1")}}};
        EXPECT_FALSE(decode<ShardMap>(encode(map), "c")) << name;
    }
}

TEST(Payloads, AShardWithTwoOwnersIsNoMap) {
    EXPECT_FALSE(decode<ShardMap>(R"({"v":1,"cluster":"c","token":1,"writer":"n","seq":1,)"
                                  R"("owners":{"n1":{"web":"0-3"},"n2":{"web":"3"}}})",
                                  "c"));
}

TEST(AgentReportPayload, ConnectionsAreNumbersWithATimeOrTheReportIsRefused) {
    const auto with = [](const std::string& connections) {
        std::string bytes = encode(AgentReport{.stamp = {.cluster = "c-1"},
                                               .fleet = FleetName("edge"),
                                               .instance = InstanceId("lb1"),
                                               .incarnation = "i"});
        bytes.insert(1, fmt::format(R"("connections": {}, )", connections));
        return decode<AgentReport>(bytes, "c-1");
    };
    const auto good = with(R"({"open": 7, "counted": 1000, "of": "a newer build"})");
    ASSERT_TRUE(good) << good.error().message();
    EXPECT_EQ(good->connections,
              (OpenConnections{.open = 7, .counted = WallTime(std::chrono::seconds(1))}));
    for (const char* const bad : {R"({"open": -1, "counted": 1000})",
                                  R"({"open": 1000000001, "counted": 1000})",
                                  R"({"open": 9223372036854775807, "counted": 1000})",
                                  R"({"open": 1e300, "counted": 1000})",
                                  R"({"open": "7", "counted": 1000})",
                                  R"({"open": 7})",
                                  R"({"open": 7, "counted": 9223372036854775807})",
                                  R"({"open": 7, "counted": -1})",
                                  R"({"counted": 1000})",
                                  "7",
                                  "[7, 1000]",
                                  "null"})
        EXPECT_FALSE(with(bad)) << bad;
}

TEST(AgentReportPayload, IsReadAgainWhateverItsErrorIs) {
    for (const std::string& error : {std::string("line 1\nline 2\x7f"),
                                     std::string(1'000, 'x') + "\n",
                                     std::string(499, 'x') + "\xc3\xa4",
                                     std::string("\xff\xfe"),
                                     std::string("a\0b", 3)}) {
        const std::string bytes = encode(AgentReport{.stamp = {.cluster = "c-1"},
                                                     .fleet = FleetName("web"),
                                                     .instance = InstanceId("lb-1"),
                                                     .error = error});
        const auto back = decode<AgentReport>(bytes, "c-1");
        ASSERT_TRUE(back) << back.error().message() << "\n" << bytes;
        EXPECT_EQ(back->error.substr(0, 1), error[0] == '\xff' ? "\xef" : error.substr(0, 1));
    }
}

}  // namespace
}  // namespace muster::znodes
