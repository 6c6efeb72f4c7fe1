#pragma once

#include "agent/lb_plan.hpp"
#include "common/base/id.hpp"
#include "common/base/result.hpp"
#include "common/follow/cluster_view.hpp"
#include "common/follow/source.hpp"
#include "common/znodes/paths.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// What an agent knew last, so that it can start without ZooKeeper: the znodes of its view, each
// with its last good content, and a checksum.
namespace muster::agent {

/// A part of the tree out of a file.
class KeptTree final : public follow::Source {
 public:
    KeptTree() = default;
    explicit KeptTree(std::map<std::string, std::string> nodes);

    [[nodiscard]] const coordination::Node* find(const std::string& path) const override;
    [[nodiscard]] bool has(const std::string& path) const override { return find(path) != nullptr; }
    [[nodiscard]] std::vector<std::string> paths() const;

 private:
    std::map<std::string, coordination::Node> nodes_;
};

struct LastGood {
    std::map<std::string, std::string> nodes;  ///< by path
    std::set<GroupName> panicking;
    std::map<GroupName, std::int64_t> applied;  ///< generations
    bool operator==(const LastGood&) const = default;
};

/// Of a view: what it says of the fleet and its groups; and the generations that the LB applies.
[[nodiscard]] LastGood last_good_of(const follow::ClusterView& view,
                                    const znodes::Paths& paths,
                                    const FleetName& fleet,
                                    std::set<GroupName> panicking,
                                    const AppliedGenerations& applied = {});
/// The other way round, of a view that the file's nodes were put into.
[[nodiscard]] AppliedGenerations applied_of(const LastGood& kept, const follow::ClusterView& view);

[[nodiscard]] std::string encode(const LastGood& kept);
/// Refuses what is cut off, changed or of another format.
[[nodiscard]] Result<LastGood> decode_last_good(std::string_view text);

}  // namespace muster::agent
