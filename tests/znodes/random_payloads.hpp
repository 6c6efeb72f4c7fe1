#pragma once

#include "common/znodes/payloads.hpp"

#include <random>
#include <set>
#include <string>
#include <vector>

namespace muster::znodes::testing {

/// Makes valid payloads from a seed.
class RandomPayloads {
 public:
    explicit RandomPayloads(unsigned seed) : random_(seed) {}

    int number(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
    std::int64_t big() {
        return std::uniform_int_distribution<std::int64_t>(
            0, std::numeric_limits<std::int64_t>::max())(random_);
    }
    bool coin() { return number(0, 1) == 1; }
    WallTime time() {
        return WallTime(std::chrono::milliseconds(
            std::uniform_int_distribution<std::int64_t>(0, 4'000'000'000'000)(random_)));
    }
    std::string text(int most = 20) {
        static constexpr std::string_view parts[] = {
            "a", "Z", "0", "-", " ", "\"", "\\", "/", "é", "漢", "{", ",", ".", "[", "1"};
        std::string out;
        for (int n = number(0, most); n > 0; --n) {
            out += parts[number(0, static_cast<int>(std::size(parts)) - 1)];
        }
        return out;
    }
    std::string name() {
        std::string out = coin() ? "@" : "n";
        for (int n = number(0, 12); n > 0; --n) out += "abc-._09"[number(0, 7)];
        return out;
    }
    Stamp stamp(const std::string& cluster = "c-1") {
        return {.cluster = cluster, .token = big(), .writer = text(), .sequence = big()};
    }
    std::set<ShardId> shards() {
        std::set<ShardId> out;
        for (int n = number(0, 30); n > 0; --n) {
            out.insert({.group = GroupName(coin() ? "web" : name()), .number = number(0, 40)});
        }
        return out;
    }
    std::map<int, SlotDetail> details() {
        std::map<int, SlotDetail> out;
        for (int n = number(0, 10); n > 0; --n) {
            out[number(0, 1'023)] = {.since = time(),
                                     .successes = number(0, 100),
                                     .failures = number(0, 100),
                                     .reason = coin() ? "L4CON" : ""};
        }
        return out;
    }

    template <class T>
    T make();

 private:
    std::mt19937 random_;
};

template <>
inline AuditEntry RandomPayloads::make() {
    return {.stamp = stamp(),
            .time = time(),
            .author = text(),
            .origin = text(),
            .action = text(),
            .object = text(),
            .generation = big(),
            .detail = text()};
}

template <>
inline Epoch RandomPayloads::make() {
    return {.stamp = stamp(), .node = NodeId(name()), .nonce = text()};
}
template <>
inline Control RandomPayloads::make() {
    return {.stamp = stamp(),
            .era = big(),
            .pause = {.all = coin(), .scaling = coin(), .dns = coin(), .status = coin()}};
}
template <>
inline Candidate RandomPayloads::make() {
    return {.stamp = stamp(), .node = NodeId(name()), .incarnation = text(), .address = text()};
}
template <>
inline Member RandomPayloads::make() {
    Member member{.stamp = stamp(),
                  .node = NodeId(name()),
                  .incarnation = text(),
                  .api_address = text(),
                  .peer_address = text(),
                  .zone = text(),
                  .capacity = number(0, 1'000'000),
                  .build = text(),
                  .protocol = number(0, 100),
                  .doubt = coin(),
                  .drain = coin()};
    for (int n = number(0, 5); n > 0; --n) member.probes.push_back(text());
    return member;
}
template <>
inline GroupHead RandomPayloads::make() {
    GroupHead head{.stamp = stamp(),
                   .uid = text(),
                   .generation = big(),
                   .spec = text(200),
                   .author = text(),
                   .time = time(),
                   .deleted = coin()};
    for (int n = number(0, 5); n > 0; --n) head.chunks.push_back(name());
    return head;
}
template <>
inline Assignment RandomPayloads::make() {
    Assignment assignment{.stamp = stamp(), .incarnation = text()};
    for (const ShardId& shard : shards()) {
        const Role role = number(0, 3) < 3 ? Role::own : coin() ? Role::warm : Role::drain;
        assignment.shards.push_back(
            {.shard = shard, .role = role, .move = number(0, 3) > 0 ? 0 : big()});
    }
    return assignment;
}
template <>
inline ShardMap RandomPayloads::make() {
    ShardMap map{.stamp = stamp()};
    for (const ShardId& shard : shards()) map.owners[shard] = NodeId(coin() ? "n1" : "n2");
    return map;
}
template <>
inline Ack RandomPayloads::make() {
    Ack ack{.stamp = stamp()};
    for (const ShardId& shard : shards()) {
        ack.answers.push_back({.shard = shard,
                               .move = coin() ? 0 : big(),
                               .answer = coin() ? Answer::ready : Answer::drained});
    }
    return ack;
}
template <>
inline Progress RandomPayloads::make() {
    Progress progress{.stamp = stamp(), .time = time()};
    for (const ShardId& shard : shards()) {
        progress.pass_age[shard] = std::chrono::milliseconds(number(0, 100'000));
    }
    return progress;
}
template <>
inline GroupIndex RandomPayloads::make() {
    return {.stamp = stamp(),
            .group_uid = text(),
            .layout = number(1, 1'000),
            .shards = number(0, 1'000'000),
            .shard_size = number(1, 1'024)};
}
template <>
inline ShardMembers RandomPayloads::make() {
    ShardMembers members{.stamp = stamp(), .group_uid = text(), .layout = number(1, 1'000)};
    for (int n = number(0, 30); n > 0; --n) {
        const std::string address = "10.0.0." + std::to_string(n) + ":80";
        members.slots.push_back({.backend = BackendId(coin() ? address : "b" + text()),
                                 .address = address,
                                 .tombstone = number(0, 4) == 0});
    }
    return members;
}
template <>
inline ShardStatus RandomPayloads::make() {
    ShardStatus status{.stamp = stamp(),
                       .group_uid = text(),
                       .layout = number(1, 1'000),
                       .time = time(),
                       .doubt = coin()};
    for (int n = number(0, 64); n > 0; --n) {
        status.letters.push_back(static_cast<Letter>("?UDG"[number(0, 3)]));
    }
    status.details = details();
    return status;
}
template <>
inline Handoff RandomPayloads::make() {
    return {.stamp = stamp(), .move = big(), .layout = number(1, 1'000), .counters = details()};
}

}  // namespace muster::znodes::testing
