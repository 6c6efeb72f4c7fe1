#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace muster {

/// A name that can't be passed where another kind of name is wanted.
template <class Tag>
class Id {
 public:
    Id() = default;
    explicit Id(std::string value) : value_(std::move(value)) {}
    explicit Id(std::string_view value) : value_(value) {}
    explicit Id(const char* value) : value_(value) {}

    [[nodiscard]] const std::string& str() const { return value_; }
    [[nodiscard]] bool empty() const { return value_.empty(); }

    auto operator<=>(const Id&) const = default;

 private:
    std::string value_;
};

using NodeId = Id<struct NodeIdTag>;  ///< a musterd, unique in its cluster, stable over restarts
using GroupName = Id<struct GroupNameTag>;  ///< a group as users name it
using BackendId =
    Id<struct BackendIdTag>;  ///< a backend within its group: its name, or else its address

using FleetName = Id<struct FleetNameTag>;    ///< LB instances of one role
using InstanceId = Id<struct InstanceIdTag>;  ///< an LB, unique in its fleet

/// A part of one group: the unit of assignment, of status and of watching.
struct ShardId {
    GroupName group;
    int number = 0;

    auto operator<=>(const ShardId&) const = default;

    /// "group/7".
    [[nodiscard]] std::string str() const { return group.str() + "/" + std::to_string(number); }
};

}  // namespace muster

template <class Tag>
struct std::hash<muster::Id<Tag>> {
    std::size_t operator()(const muster::Id<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.str());
    }
};

template <>
struct std::hash<muster::ShardId> {
    std::size_t operator()(const muster::ShardId& id) const noexcept {
        return std::hash<std::string>{}(id.group.str()) * 31U + static_cast<std::size_t>(id.number);
    }
};
