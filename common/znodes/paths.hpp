#pragma once

#include "common/base/id.hpp"

#include <optional>
#include <string>
#include <string_view>

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
    [[nodiscard]] std::string group_heads() const { return root_ + "/config/group"; }
    [[nodiscard]] std::string group_head(const GroupName& g) const {
        return group_heads() + "/" + g.str();
    }
    [[nodiscard]] std::string chunks() const { return root_ + "/config/chunks"; }
    [[nodiscard]] std::string chunk(std::string_view hash) const {
        return chunks() + "/" + std::string(hash);
    }
    [[nodiscard]] std::string history() const { return root_ + "/config/history/group"; }
    [[nodiscard]] std::string history(const GroupName& g) const {
        return history() + "/" + g.str();
    }
    [[nodiscard]] std::string history(const GroupName& g, std::int64_t generation) const {
        return history(g) + "/" + std::to_string(generation);
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
    [[nodiscard]] std::string audit() const { return root_ + "/audit"; }

    /// The permanent child that keeps a guard from ever being deleted (versions restart at 0).
    [[nodiscard]] static std::string keep(const std::string& guard) { return guard + "/keep"; }

 private:
    std::string root_;
};

}  // namespace muster::znodes
