#pragma once

#include "common/follow/cluster_view.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

namespace muster::orchestrator {

inline const ShardId web_shard{.group = GroupName("web"), .number = 3};

/// Group "web" of so many backends "b000" and so on at 10.0.0.1 and up, all in slots of the same
/// number of its shard 3; three nodes, n1 to n3.
inline follow::ClusterView view_of_one_shard(int count, config::CheckSpec check = {}) {
    auto spec = std::make_shared<config::GroupSpec>();
    spec->name = web_shard.group;
    spec->check = std::move(check);
    znodes::ShardMembers members{.group_uid = "uid", .layout = 2};
    for (int i = 0; i < count; ++i) {
        const BackendId id(fmt::format("b{:03}", i));
        const std::string address = fmt::format("10.0.{}.{}", i / 250, i % 250 + 1);
        spec->backends.push_back({.id = id, .address = address, .port = 80});
        members.slots.push_back({.backend = id, .address = address + ":80"});
    }
    follow::ClusterView view;
    view.control.emplace().value.stamp.cluster = "uuid";
    follow::GroupView& group = view.groups[web_shard.group];
    group.head.emplace().value.uid = "uid";
    group.head->value.generation = 7;
    group.spec = std::move(spec);
    group.spec_generation = 7;
    group.shards[web_shard.number].members.emplace().value = std::move(members);
    for (const char* name : {"n1", "n2", "n3"}) {
        const NodeId node(name);
        view.members[node].value = {.node = node,
                                    .incarnation = "first",
                                    .peer_address = std::string(name) + ":1",
                                    .probes = {"http", "tcp"}};
    }
    return view;
}

}  // namespace muster::orchestrator
