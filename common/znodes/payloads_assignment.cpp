// Payloads by which the master hands out work and workers answer: assignment, map, ack, progress.
#include "common/znodes/names.hpp"
#include "common/znodes/payload_reader.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace muster::znodes {

namespace json = boost::json;

namespace {

/// OWN outside a move, nearly all there is, has no mark.
Mark mark_of(const AssignedShard& assigned) {
    switch (assigned.role) {
        case Role::own:
            return assigned.move == 0 ? Mark{} : Mark{.letter = 'o', .value = assigned.move};
        case Role::warm:
            return {.letter = 'w', .value = assigned.move};
        case Role::drain:
            return {.letter = 'd', .value = assigned.move};
    }
    return {};
}

Role role_of(Mark mark) {
    if (mark.letter == 'w') return Role::warm;
    if (mark.letter == 'd') return Role::drain;
    return Role::own;
}

}  // namespace

std::string encode(const Assignment& assignment) {
    MarkedShards shards;
    shards.reserve(assignment.shards.size());
    for (const AssignedShard& assigned : assignment.shards) {
        shards.emplace_back(assigned.shard, mark_of(assigned));
    }
    json::object out = stamped(assignment.stamp);
    out.emplace("incarnation", assignment.incarnation);
    out.emplace("shards", pack_shards(std::move(shards)));
    return json::serialize(out);
}

static void read(Reader& in, Assignment& assignment) {
    assignment.incarnation = in.text("incarnation");
    for (auto& [shard, mark] : in.shards("shards", "owd")) {
        assignment.shards.push_back(
            {.shard = std::move(shard), .role = role_of(mark), .move = mark.value});
    }
    std::ranges::sort(assignment.shards, {}, &AssignedShard::shard);
}

std::string encode(const ShardMap& map) {
    std::map<NodeId, MarkedShards> by_node;
    for (const auto& [shard, node] : map.owners) by_node[node].emplace_back(shard, Mark{});
    json::object owners;
    for (auto& [node, shards] : by_node) {
        owners.emplace(node.str(), pack_shards(std::move(shards)));
    }
    json::object out = stamped(map.stamp);
    out.emplace("owners", std::move(owners));
    return json::serialize(out);
}

static void read(Reader& in, ShardMap& map) {
    MarkedShards shards;
    for (const auto& [node, packed] : in.object("owners", 10'000)) {
        const std::size_t before = shards.size();
        if (!is_path_name(node) || !packed.is_object() ||
            !unpack_shards(packed.get_object(), "", shards)) {
            in.refuse(Errc::malformed, "owners");
            return;
        }
        const NodeId owner{std::string_view(node)};
        for (std::size_t i = before; i < shards.size(); ++i) {
            // Two owners of one shard: whatever this is, it is no map of ours.
            if (!map.owners.emplace(shards[i].first, owner).second) {
                in.refuse(Errc::malformed, "owners");
                return;
            }
        }
    }
}

std::string encode(const Ack& ack) {
    MarkedShards shards;
    for (const AckEntry& entry : ack.answers) {
        shards.emplace_back(
            entry.shard,
            Mark{.letter = entry.answer == Answer::ready ? 'r' : 'd', .value = entry.move});
    }
    json::object out = stamped(ack.stamp);
    out.emplace("answers", pack_shards(std::move(shards)));
    return json::serialize(out);
}

static void read(Reader& in, Ack& ack) {
    for (auto& [shard, mark] : in.shards("answers", "rd")) {
        if (mark.letter == 0) {
            in.refuse(Errc::malformed, "answers");
            return;
        }
        ack.answers.push_back({.shard = std::move(shard),
                               .move = mark.value,
                               .answer = mark.letter == 'r' ? Answer::ready : Answer::drained});
    }
    std::ranges::sort(ack.answers, {}, &AckEntry::shard);
}

std::string encode(const Progress& progress) {
    MarkedShards shards;
    for (const auto& [shard, age] : progress.pass_age) {
        shards.emplace_back(shard, Mark{.letter = '@', .value = age.count()});
    }
    json::object out = stamped(progress.stamp);
    out.emplace("time", milliseconds(progress.time));
    out.emplace("pass_age_ms", pack_shards(std::move(shards)));
    return json::serialize(out);
}

static void read(Reader& in, Progress& progress) {
    progress.time = in.time("time");
    for (auto& [shard, mark] : in.shards("pass_age_ms", "@")) {
        if (mark.letter == 0 || mark.value > latest_time) {
            in.refuse(Errc::malformed, "pass_age_ms");
            return;
        }
        progress.pass_age.emplace(std::move(shard), std::chrono::milliseconds(mark.value));
    }
}

template Result<Assignment> decode<Assignment>(std::string_view, std::string_view);
template Result<ShardMap> decode<ShardMap>(std::string_view, std::string_view);
template Result<Ack> decode<Ack>(std::string_view, std::string_view);
template Result<Progress> decode<Progress>(std::string_view, std::string_view);

}  // namespace muster::znodes
