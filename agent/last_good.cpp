#include "agent/last_good.hpp"

#include "common/znodes/chunks.hpp"
#include "common/znodes/payloads.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <utility>

namespace muster::agent {

namespace json = boost::json;

namespace {

constexpr int format = 1;

Error broken(std::string what) {
    return {.code = std::make_error_code(std::errc::bad_message), .context = std::move(what)};
}

/// As the tree has it, made of a spec that is known: the tree may have it no longer. Its chunks go
/// into `kept`.
znodes::GroupHead head_of(LastGood& kept,
                          const follow::ClusterView& view,
                          const znodes::Paths& paths,
                          const AppliedGeneration& known) {
    znodes::GroupHead head{
        .stamp = {.cluster = view.cluster()},
        .uid = known.group_uid,
        .generation = known.generation,
        .spec = json::serialize(config::encode_spec_without_backends(*known.spec))};
    for (znodes::Chunk& chunk : znodes::split(known.spec->backends)) {
        head.chunks.push_back(chunk.hash);
        kept.nodes[paths.chunk(chunk.hash)] = std::move(chunk.data);
    }
    return head;
}

/// The newest head has another spec than the one in force: its chunks are on their way, or this
/// build can't read it. Who starts from such a head would have no spec at all.
template <class View>
bool is_ahead(const View& object) {
    return object.live() && object.head->value.generation != object.spec_generation;
}

}  // namespace

KeptTree::KeptTree(std::map<std::string, std::string> nodes) {
    for (auto& [path, data] : nodes)
        nodes_.emplace(path, coordination::Node{.data = std::move(data), .stat = {}});
}

const coordination::Node* KeptTree::find(const std::string& path) const {
    const auto node = nodes_.find(path);
    return node == nodes_.end() ? nullptr : &node->second;
}

std::vector<std::string> KeptTree::paths() const {
    std::vector<std::string> all;
    for (const auto& [path, node] : nodes_) all.push_back(path);
    return all;
}

LastGood last_good_of(const follow::ClusterView& view,
                      const znodes::Paths& paths,
                      const FleetName& fleet,
                      std::set<GroupName> panicking,
                      const AppliedGenerations& applied) {
    LastGood kept{.panicking = std::move(panicking)};
    // A payload that never was good has no cluster in its stamp.
    const auto keep = [&](const std::string& path, const auto& node) {
        if (node && !node->value.stamp.cluster.empty())
            kept.nodes[path] = znodes::encode(node->value);
    };
    keep(paths.control(), view.control);
    const auto own = view.fleets.find(fleet);
    if (own == view.fleets.end() || !own->second.spec) return kept;
    if (is_ahead(own->second)) {
        const follow::FleetView& known = own->second;
        const znodes::GroupHead head{.stamp = {.cluster = view.cluster()},
                                     .uid = known.head->value.uid,
                                     .generation = known.spec_generation,
                                     .spec = json::serialize(config::encode_spec(*known.spec))};
        kept.nodes[paths.head(fleet)] = znodes::encode(head);
    } else {
        keep(paths.head(fleet), own->second.head);
    }
    for (const auto& [name, listeners] : config::groups_of(*own->second.spec)) {
        const auto found = view.groups.find(name);
        if (found == view.groups.end()) continue;
        const follow::GroupView& group = found->second;
        if (is_ahead(group)) {
            const znodes::GroupHead head = head_of(kept,
                                                   view,
                                                   paths,
                                                   {.group_uid = group.head->value.uid,
                                                    .generation = group.spec_generation,
                                                    .spec = group.spec});
            kept.nodes[paths.group_head(name)] = znodes::encode(head);
        } else if (group.head) {
            keep(paths.group_head(name), group.head);
            for (const std::string& hash : group.head->value.chunks) {
                if (const auto chunk = view.chunks.find(hash); chunk != view.chunks.end())
                    kept.nodes[paths.chunk(hash)] = chunk->second;
            }
        }
        if (const auto rollout = view.rollouts.find(name); rollout != view.rollouts.end())
            keep(paths.rollout(name), std::optional(rollout->second));
        if (const auto has = applied.find(name); has != applied.end()) {
            kept.applied[name] = has->second.generation;
            if (has->second.generation != group.spec_generation)
                kept.nodes[paths.history(name, has->second.generation)] =
                    znodes::encode(head_of(kept, view, paths, has->second));
        }
        keep(paths.index(name), group.index);
        for (const auto& [number, shard] : group.shards) {
            const ShardId id{.group = name, .number = number};
            keep(paths.shard_members(id), shard.members);
            keep(paths.status(id), shard.status);
        }
    }
    return kept;
}

std::string encode(const LastGood& kept) {
    json::object nodes;
    for (const auto& [path, data] : kept.nodes) nodes.emplace(path, data);
    json::array panicking;
    for (const GroupName& group : kept.panicking) panicking.emplace_back(group.str());
    json::object applied;
    for (const auto& [group, generation] : kept.applied) applied.emplace(group.str(), generation);
    const std::string body = json::serialize(json::object{{"format", format},
                                                          {"nodes", std::move(nodes)},
                                                          {"panicking", std::move(panicking)},
                                                          {"applied", std::move(applied)}});
    return body + "\n" + znodes::content_hash(body) + "\n";
}

Result<LastGood> decode_last_good(std::string_view text) {
    const std::size_t line = text.find('\n');
    if (line == std::string_view::npos ||
        text.substr(line) != "\n" + znodes::content_hash(text.substr(0, line)) + "\n")
        return tl::unexpected(broken("its checksum is wrong"));
    boost::system::error_code error;
    const json::value value = json::parse(text.substr(0, line), error);
    const json::object* const object = error ? nullptr : value.if_object();
    if (object == nullptr) return tl::unexpected(broken("is not a JSON object"));
    const auto field = [&](std::string_view name) { return object->if_contains(name); };
    const json::value* const number = field("format");
    if (number == nullptr || *number != json::value(format))
        return tl::unexpected(broken("is of another format"));
    LastGood kept;
    if (const json::value* const nodes = field("nodes"); nodes != nullptr && nodes->is_object()) {
        for (const auto& [path, data] : nodes->get_object()) {
            if (!data.is_string()) return tl::unexpected(broken("has a node that is not a text"));
            kept.nodes.emplace(path, data.get_string());
        }
    }
    if (const json::value* const groups = field("panicking");
        groups != nullptr && groups->is_array()) {
        for (const json::value& group : groups->get_array()) {
            if (group.is_string()) kept.panicking.emplace(std::string_view(group.get_string()));
        }
    }
    if (const json::value* const applied = field("applied");
        applied != nullptr && applied->is_object()) {
        for (const auto& [group, generation] : applied->get_object()) {
            if (generation.is_int64())
                kept.applied.emplace(std::string_view(group), generation.get_int64());
        }
    }
    return kept;
}

AppliedGenerations applied_of(const LastGood& kept, const follow::ClusterView& view) {
    AppliedGenerations applied;
    for (const auto& [name, number] : kept.applied) {
        const auto group = view.groups.find(name);
        if (group == view.groups.end() || !group->second.live()) continue;
        AppliedGeneration found{.group_uid = group->second.head->value.uid, .generation = number};
        if (number == group->second.spec_generation) {
            found.spec = group->second.spec;
        } else if (const auto earlier = view.earlier.find(name); earlier != view.earlier.end()) {
            const auto generation = earlier->second.find(number);
            if (generation != earlier->second.end() &&
                generation->second.head.uid == found.group_uid)
                found.spec = generation->second.spec;
        }
        if (found.spec) applied.emplace(name, std::move(found));
    }
    return applied;
}

}  // namespace muster::agent
