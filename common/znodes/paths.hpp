#pragma once

#include "common/base/id.hpp"
#include "common/znodes/config_name.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster::znodes {

/// Where things are in the tree (DESIGN.md, section 4). Built once from the cluster's name.
class Paths {
 public:
    explicit Paths(std::string_view cluster_name) : root_("/muster/" + std::string(cluster_name)) {}

    [[nodiscard]] const std::string& root() const { return root_; }
    [[nodiscard]] std::string epoch() const { return root_ + "/epoch"; }
    [[nodiscard]] std::string control() const { return root_ + "/control"; }
    [[nodiscard]] std::string election() const { return root_ + "/election"; }
    [[nodiscard]] std::string members() const { return root_ + "/members"; }
    [[nodiscard]] std::string member(const NodeId& node) const {
        return members() + "/" + node.str();
    }
    [[nodiscard]] std::string config() const { return root_ + "/config"; }
    [[nodiscard]] std::string heads(ConfigKind kind) const {
        return config() + "/" + std::string(to_string(kind));
    }
    [[nodiscard]] std::string head(const ConfigName& object) const {
        return heads(object.kind) + "/" + object.name;
    }
    [[nodiscard]] std::string group_heads() const { return heads(ConfigKind::group); }
    [[nodiscard]] std::string group_head(const GroupName& g) const { return head(g); }
    [[nodiscard]] std::string chunks() const { return root_ + "/config/chunks"; }
    [[nodiscard]] std::string chunk(std::string_view hash) const {
        return chunks() + "/" + std::string(hash);
    }
    [[nodiscard]] std::string histories(ConfigKind kind) const {
        return root_ + "/config/history/" + std::string(to_string(kind));
    }
    [[nodiscard]] std::string history(const ConfigName& object) const {
        return histories(object.kind) + "/" + object.name;
    }
    [[nodiscard]] std::string history(const ConfigName& object, std::int64_t generation) const {
        return history(object) + "/" + std::to_string(generation);
    }
    [[nodiscard]] std::string assignments() const { return root_ + "/assignment"; }
    [[nodiscard]] std::string assignment(const NodeId& node) const {
        return assignments() + "/" + node.str();
    }
    [[nodiscard]] std::string map() const { return root_ + "/map"; }
    [[nodiscard]] std::string acks() const { return root_ + "/ack"; }
    [[nodiscard]] std::string ack(const NodeId& node) const { return acks() + "/" + node.str(); }
    [[nodiscard]] std::string progresses() const { return root_ + "/progress"; }
    [[nodiscard]] std::string progress(const NodeId& node) const {
        return progresses() + "/" + node.str();
    }
    [[nodiscard]] std::string groups() const { return root_ + "/groups"; }
    [[nodiscard]] std::string group(const GroupName& g) const { return groups() + "/" + g.str(); }
    [[nodiscard]] std::string index(const GroupName& g) const { return group(g) + "/index"; }
    [[nodiscard]] std::string shards(const GroupName& g) const { return group(g) + "/shards"; }
    [[nodiscard]] std::string shard(const ShardId& s) const {
        return shards(s.group) + "/" + std::to_string(s.number);
    }
    [[nodiscard]] std::string shard_members(const ShardId& s) const {
        return shard(s) + "/members";
    }
    [[nodiscard]] std::string status(const ShardId& s) const { return shard(s) + "/status"; }
    [[nodiscard]] std::string handoff(const ShardId& s) const { return shard(s) + "/handoff"; }
    [[nodiscard]] std::string agents() const { return root_ + "/agents"; }
    [[nodiscard]] std::string agents(const FleetName& fleet) const {
        return agents() + "/" + fleet.str();
    }
    [[nodiscard]] std::string agent(const FleetName& fleet, const InstanceId& instance) const {
        return agents(fleet) + "/" + instance.str();
    }
    [[nodiscard]] std::string fleets() const { return root_ + "/fleets"; }
    [[nodiscard]] std::string fleet(const FleetName& f) const { return fleets() + "/" + f.str(); }
    [[nodiscard]] std::string fleet_state(const FleetName& f) const { return fleet(f) + "/state"; }
    [[nodiscard]] std::string fleet_pause(const FleetName& f) const { return fleet(f) + "/pause"; }
    [[nodiscard]] std::string instances(const FleetName& f) const {
        return fleet(f) + "/instances";
    }
    [[nodiscard]] std::string instance(const FleetName& f, const InstanceId& id) const {
        return instances(f) + "/" + id.str();
    }
    [[nodiscard]] std::string hosts(const FleetName& f) const { return fleet(f) + "/hosts"; }
    [[nodiscard]] std::string host(const FleetName& f, const NodeId& node) const {
        return hosts(f) + "/" + node.str();
    }
    [[nodiscard]] std::string rollouts() const { return root_ + "/rollouts"; }
    [[nodiscard]] std::string rollout(const GroupName& g) const {
        return rollouts() + "/" + g.str();
    }
    [[nodiscard]] std::string evidence() const { return root_ + "/evidence"; }
    [[nodiscard]] std::string evidence(const GroupName& g) const {
        return evidence() + "/" + g.str();
    }
    /// The fleet is part of the name: an instance's is unique in its fleet alone.
    [[nodiscard]] std::string evidence(const GroupName& g,
                                       const FleetName& fleet,
                                       const InstanceId& instance) const {
        return evidence(g) + "/" + fleet.str() + ":" + instance.str();
    }
    [[nodiscard]] std::string dns() const { return root_ + "/dns"; }
    [[nodiscard]] std::string dns_state() const { return dns() + "/state"; }
    [[nodiscard]] std::string dns_shifts() const { return dns() + "/shifts"; }
    /// Of a path below the root: ".../groups/web/index" -> {"groups", "web", "index"}.
    [[nodiscard]] std::vector<std::string> parts_below(const std::string& path) const {
        std::vector<std::string> parts;
        if (path.size() <= root_.size() || !path.starts_with(root_)) return parts;
        std::size_t from = root_.size() + 1;
        while (from <= path.size()) {
            const std::size_t slash = std::min(path.find('/', from), path.size());
            parts.push_back(path.substr(from, slash - from));
            from = slash + 1;
        }
        return parts;
    }
    [[nodiscard]] std::string audit() const { return root_ + "/audit"; }

    /// The permanent child that keeps a guard from ever being deleted (versions restart at 0).
    [[nodiscard]] static std::string keep(const std::string& guard) { return guard + "/keep"; }

 private:
    std::string root_;
};

}  // namespace muster::znodes
