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
                                     .reason = coin() ? "L4CON" : "",
                                     .penalty = coin() ? number(0, 5'000) : 0,
                                     .intents = intents()};
        }
        return out;
    }
    SharedValue<Ejection> ejection() {
        if (coin()) return {};
        return Ejection{.since = time(),
                        .until = time(),
                        .times = number(0, 1'000),
                        .sign = static_cast<OutlierSign>(number(0, 3)),
                        .lbs = number(0, 100),
                        .of = number(0, 100)};
    }
    SharedValue<Intents> intents() {
        if (coin()) return {};
        switch (number(0, 2)) {
            case 0:
                return Intents{.reply = intent()};
            case 1:
                return Intents{.agent = intent()};
            default:
                return Intents{.reply = intent(), .agent = intent()};
        }
    }
    LeasedIntent intent() {
        Intent said{.serving = static_cast<Intent::Serving>(number(0, 2)),
                    .wish = static_cast<Intent::Wish>(number(0, 3)),
                    .degraded = coin(),
                    .reason = coin() ? text() : ""};
        if (coin()) said.weight_percent = number(0, 256);
        if (coin()) said.maxconn = number(0, 1'000);
        return {.intent = std::move(said), .until = time()};
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
inline DnsState RandomPayloads::make() {
    DnsState state{.stamp = stamp()};
    for (int n = number(0, 5); n > 0; --n)
        state.stores[name()] = {
            .born = coin(), .revision = big(), .term = big(), .longest_ttl = number(0, 3'600)};
    return state;
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
    for (int n = number(0, 2); n > 0; --n) member.providers.push_back(text());
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
                                 .tombstone = number(0, 4) == 0,
                                 .listed = number(0, 4) == 0});
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
    for (auto& [slot, detail] : status.details) detail.ejection = ejection();
    return status;
}
template <>
inline LbEvidence RandomPayloads::make() {
    LbEvidence evidence{.stamp = stamp(),
                        .fleet = FleetName(name()),
                        .instance = InstanceId(name()),
                        .incarnation = text(),
                        .group_uid = text(),
                        .seen = number(0, 1'000),
                        .found = number(0, 1'000)};
    std::set<std::string> ids;
    for (int n = number(0, 20); n > 0; --n) ids.insert("b" + text());
    for (const std::string& id : ids) {
        evidence.outliers.push_back({.backend = BackendId(id),
                                     .sign = static_cast<OutlierSign>(number(0, 3)),
                                     .failed = number(0, 1'000),
                                     .answers = number(0, 1'000),
                                     .finding = std::max<std::int64_t>(1, big())});
    }
    return evidence;
}
template <>
inline Handoff RandomPayloads::make() {
    return {.stamp = stamp(), .move = big(), .layout = number(1, 1'000), .counters = details()};
}
template <>
inline AgentReport RandomPayloads::make() {
    AgentReport report{.stamp = stamp(),
                       .fleet = FleetName(name()),
                       .instance = InstanceId(name()),
                       .incarnation = text(),
                       .address = text(),
                       .build = text(),
                       .lb = text(),
                       .accepting = coin(),
                       .time = time(),
                       .fleet_generation = big(),
                       .status_time = time(),
                       .error = text(100)};
    for (int n = number(0, 10); n > 0; --n) report.generations[GroupName(name())] = big();
    if (coin()) report.exporters["lb"] = "192.0.2.1:" + std::to_string(number(1, 65'535));
    if (coin()) report.connections = {.open = number(0, 1'000'000), .counted = time()};
    return report;
}

template <>
inline Rollout RandomPayloads::make() {
    Rollout rollout{.stamp = stamp(),
                    .group_uid = "u" + text(),
                    .stable = number(1, 1'000),
                    .candidate = number(1'000, 2'000),
                    .released = coin()};
    for (int n = number(0, 4); n > 0; --n) {
        RolloutWave wave{
            .verdict = static_cast<WaveVerdict>(number(0, 3)), .time = time(), .reason = text()};
        for (int m = number(0, 4); m > 0; --m)
            wave.members[FleetName(coin() ? "edge" : name())].emplace(name());
        rollout.waves.push_back(std::move(wave));
    }
    return rollout;
}

}  // namespace muster::znodes::testing
