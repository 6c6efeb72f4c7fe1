#include "common/follow/cluster_view.hpp"

#include "common/config/decode.hpp"
#include "common/follow/instance_group.hpp"
#include "common/znodes/chunks.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace muster::follow {

namespace {

std::optional<int> number_of(const std::string& text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

class Applier {
 public:
    Applier(ClusterView& view, const znodes::Paths& paths, const Source& source, SteadyTime now)
        : view_(view), paths_(paths), source_(source), now_(now) {}

    void path(const std::string& path) {
        const std::vector<std::string> parts = paths_.parts_below(path);
        if (parts.empty()) return;
        const coordination::Node* node = source_.find(path);
        const std::string& first = parts[0];
        if (parts.size() == 1) {
            if (first == "control") keep(view_.control, path, node, change_.control);
            if (first == "epoch") keep(view_.epoch, path, node, change_.control);
            if (first == "map") keep(view_.map, path, node, change_.assignments);
        } else if (first == "members" && parts.size() == 2) {
            follow(view_.members, NodeId(parts[1]), path, node, change_.members);
            // What has never said who it is is no member.
            std::erase_if(view_.members, [](const auto& member) {
                return member.second.garbage && member.second.value.incarnation.empty();
            });
        } else if (first == "assignment" && parts.size() == 2) {
            follow(view_.assignments, NodeId(parts[1]), path, node, change_.assignments);
        } else if (first == "ack" && parts.size() == 2) {
            follow(view_.acks, NodeId(parts[1]), path, node, change_.answers);
        } else if (first == "progress" && parts.size() == 2) {
            follow(view_.progress, NodeId(parts[1]), path, node, change_.progress);
        } else if (first == "agents" && parts.size() == 3) {
            follow(view_.agents,
                   AgentId(FleetName(parts[1]), InstanceId(parts[2])),
                   path,
                   node,
                   change_.agents);
        } else if (path == paths_.dns_shifts()) {
            keep(view_.shifts, path, node, change_.shifts);
        } else if (first == "rollouts" && parts.size() == 2) {
            rollout(GroupName(parts[1]), path, node);
        } else if (first == "config" && parts.size() == 5 && parts[1] == "history") {
            if (parts[2] == "group") earlier(GroupName(parts[3]), parts[4], path, node);
        } else if (first == "evidence" && parts.size() == 3) {
            evidence(GroupName(parts[1]), parts[2], path, node);
        } else if (first == "config" && parts.size() == 3 && parts[1] == "group") {
            const GroupName name(parts[2]);
            // Of LBs there is no such head, so what is there is none.
            if (!fleet_of(name)) head(view_.groups[name], name, path, node);
        } else if (first == "config" && parts.size() == 3 && parts[1] == "fleet") {
            const FleetName name(parts[2]);
            head(view_.fleets[name], name, path, node);
        } else if (first == "config" && parts.size() == 3 && parts[1] == "chunks") {
            chunk(parts[2], node);
        } else if (first == "fleets") {
            managed(parts, path, node);
        } else if (first == "groups") {
            group(parts, path, node);
        }
    }

    ViewChange finish() {
        if (chunks_changed_) {
            for (auto& [name, group] : view_.groups) {
                if (!fleet_of(name)) decode_spec(name, group);
            }
            for (auto& [name, generations] : view_.earlier) {
                for (auto& [number, generation] : generations) decode_earlier(name, generation);
            }
        }
        if (change_.config || change_.layout) derive_instance_groups(view_);
        return change_;
    }

 private:
    template <class T>
    bool update(std::optional<Versioned<T>>& slot,
                const std::string& path,
                const coordination::Node& node) {
        Result<T> decoded = znodes::decode<T>(node.data, view_.cluster());
        if (decoded) {
            slot = Versioned<T>{.value = std::move(*decoded)};
            view_.problems.erase(path);
        } else {
            // Keep the last good value, but under the version that a repair has to replace.
            if (!slot) slot.emplace();
            slot->garbage = true;
            slot->gone = false;
            view_.problems[path] = decoded.error().message();
        }
        slot->version = node.stat.version;
        slot->created_zxid = node.stat.created_zxid;
        slot->received = now_;
        return decoded.has_value();
    }

    /// For what stays when its znode vanishes.
    template <class T>
    void keep(std::optional<Versioned<T>>& slot,
              const std::string& path,
              const coordination::Node* node,
              bool& changed) {
        changed = true;
        if (node != nullptr) {
            update(slot, path, *node);
        } else if (slot) {
            slot->gone = true;
            view_.problems[path] = "the znode has vanished; its last content stays in force";
        }
    }

    /// For what ends with its znode.
    template <class Name, class T>
    void follow(std::map<Name, Versioned<T>>& all,
                const Name& id,
                const std::string& path,
                const coordination::Node* node,
                bool& changed) {
        changed = true;
        if (node == nullptr) {
            all.erase(id);
            view_.problems.erase(path);
            return;
        }
        std::optional<Versioned<T>> slot;
        if (const auto known = all.find(id); known != all.end()) slot = std::move(known->second);
        update(slot, path, *node);
        all.insert_or_assign(id, std::move(*slot));
    }

    void managed(const std::vector<std::string>& parts,
                 const std::string& path,
                 const coordination::Node* node) {
        if (parts.size() < 2) return;
        ManagedFleet& fleet = view_.managed[FleetName(parts[1])];
        change_.scaling = true;
        if (parts.size() == 2) {
            fleet.made = source_.has(path);
        } else if (parts.size() == 3) {
            if (parts[2] == "instances") fleet.instances_made = source_.has(path);
            if (parts[2] == "hosts") fleet.hosts_made = source_.has(path);
            if (parts[2] == "state") keep(fleet.state, path, node, change_.scaling);
            if (parts[2] == "pause") keep(fleet.pause, path, node, change_.scaling);
        } else if (parts.size() == 4 && parts[2] == "instances") {
            instance(fleet, InstanceId(parts[3]), path, node);
        } else if (parts.size() == 4 && parts[2] == "hosts") {
            follow(fleet.hosts, NodeId(parts[3]), path, node, change_.scaling);
        }
    }

    void instance(ManagedFleet& fleet,
                  const InstanceId& id,
                  const std::string& path,
                  const coordination::Node* node) {
        std::optional<Versioned<znodes::FleetInstanceRecord>> slot;
        if (const auto known = fleet.instances.find(id); known != fleet.instances.end())
            slot = std::move(known->second);
        keep(slot, path, node, change_.scaling);
        using znodes::InstancePhase;
        const bool ended = slot && slot->gone &&
                           (slot->value.phase == InstancePhase::gone ||
                            slot->value.phase == InstancePhase::deleting ||
                            slot->value.phase == InstancePhase::failed ||
                            slot->value.phase == InstancePhase::planned);
        if (ended || !slot) {
            fleet.instances.erase(id);
            view_.problems.erase(path);
            return;
        }
        fleet.instances.insert_or_assign(id, std::move(*slot));
    }

    void evidence(const GroupName& group,
                  const std::string& name,
                  const std::string& path,
                  const coordination::Node* node) {
        GroupEvidence& all = view_.evidence[group];
        if (all.contains(name) || all.size() < max_evidence)
            follow(all, name, path, node, change_.evidence);
        if (all.empty()) view_.evidence.erase(group);
    }

    template <class View>
    void head(View& object,
              const decltype(object.spec->name)& name,
              const std::string& path,
              const coordination::Node* node) {
        const std::string life = object.head ? object.head->value.uid : std::string();
        keep(object.head, path, node, change_.config);
        // Made again under its name, generations begin anew: the same number is another spec.
        if (!life.empty() && object.head->value.uid != life) {
            object.spec = nullptr;
            object.spec_generation = 0;
        }
        decode_spec(name, object);
        if (object.head && !object.head->garbage && object.head->value.deleted) {
            object.spec = nullptr;
            object.spec_generation = 0;
        }
    }

    void rollout(const GroupName& name, const std::string& path, const coordination::Node* node) {
        std::optional<Versioned<znodes::Rollout>> slot;
        if (const auto known = view_.rollouts.find(name); known != view_.rollouts.end())
            slot = std::move(known->second);
        keep(slot, path, node, change_.rollouts);
        if (slot) view_.rollouts.insert_or_assign(name, std::move(*slot));
    }

    /// One that vanishes is kept for as long as a rollout names it (forget_generations).
    void earlier(const GroupName& name,
                 const std::string& number,
                 const std::string& path,
                 const coordination::Node* node) {
        view_.problems.erase(path);
        if (node == nullptr) return;
        const Result<znodes::GroupHead> head =
            znodes::decode<znodes::GroupHead>(node->data, view_.cluster());
        if (!head || std::to_string(head->generation) != number || head->deleted) {
            view_.problems[path] = head ? "is not what its path says" : head.error().message();
            return;
        }
        EarlierGeneration& generation = view_.earlier[name][head->generation];
        generation = {.head = *head};
        decode_earlier(name, generation);
        change_.config = true;
    }

    void decode_earlier(const GroupName& name, EarlierGeneration& generation) {
        if (generation.spec) return;
        config::DecodedParts parts;
        if (!join(name, generation.head, parts)) return;
        if (!parts.problems.empty()) {
            view_.problems[paths_.history(name, generation.head.generation)] =
                config::to_string(parts.problems.front());
            return;
        }
        generation.spec = std::make_shared<const config::GroupSpec>(std::move(parts.group));
        change_.config = true;
    }

    /// False while a chunk is missing: it comes with a later change.
    bool join(const GroupName& name, const znodes::GroupHead& head, config::DecodedParts& parts) {
        std::vector<znodes::Chunk> chunks;
        for (const std::string& hash : head.chunks) {
            const auto chunk = view_.chunks.find(hash);
            if (chunk == view_.chunks.end()) return false;
            chunks.push_back({.hash = hash, .data = chunk->second});
        }
        parts = znodes::join(name, head.spec, chunks);
        return true;
    }

    /// One that vanishes although a head names it is kept: nothing has been told to forget it.
    void chunk(const std::string& hash, const coordination::Node* node) {
        if (node != nullptr) {
            view_.chunks[hash] = node->data;
            chunks_changed_ = true;
        } else if (!view_.named_chunks.contains(hash)) {
            view_.chunks.erase(hash);
        }
    }

    /// The head, when its spec is not the one that is known.
    template <class View>
    static const znodes::GroupHead* news_of(const View& object) {
        if (!object.head || object.head->garbage || object.head->value.deleted) return nullptr;
        const znodes::GroupHead& head = object.head->value;
        return object.spec && object.spec_generation == head.generation ? nullptr : &head;
    }

    template <class View, class Spec>
    void take(View& object, Spec spec, const std::vector<config::Problem>& problems) {
        if (!problems.empty()) {
            view_.problems[paths_.head(spec.name)] = config::to_string(problems.front());
            return;
        }
        object.spec = std::make_shared<const Spec>(std::move(spec));
        object.spec_generation = object.head->value.generation;
        change_.config = true;
    }

    void decode_spec(const GroupName& name, GroupView& group) {
        const znodes::GroupHead* const head = news_of(group);
        if (head == nullptr) return;
        config::DecodedParts parts;
        if (!join(name, *head, parts)) return;
        take(group, std::move(parts.group), parts.problems);
    }

    void decode_spec(const FleetName& name, FleetView& fleet) {
        const znodes::GroupHead* const head = news_of(fleet);
        if (head == nullptr) return;
        config::DecodedFleet decoded = znodes::read_fleet(name, head->spec);
        take(fleet, std::move(decoded.fleet), decoded.problems);
    }

    void group(const std::vector<std::string>& parts,
               const std::string& path,
               const coordination::Node* node) {
        if (parts.size() == 2) {
            directory(parts[1], path, &GroupView::made);
        } else if (parts.size() == 3 && parts[2] == "shards") {
            directory(parts[1], path, &GroupView::shards_made);
        } else if (parts.size() == 4 && parts[2] == "shards") {
            if (const std::optional<int> number = number_of(parts[3])) {
                view_.groups[GroupName(parts[1])].shards[*number].made = source_.has(path);
                change_.layout = true;
            }
        } else if (parts.size() == 3 && parts[2] == "index") {
            keep(view_.groups[GroupName(parts[1])].index, path, node, change_.layout);
        } else if (parts.size() == 5 && parts[2] == "shards") {
            const std::optional<int> number = number_of(parts[3]);
            if (!number) return;
            GroupView& group = view_.groups[GroupName(parts[1])];
            ShardView& shard = group.shards[*number];
            if (parts[4] == "members") keep(shard.members, path, node, change_.layout);
            if (parts[4] == "status") keep(shard.status, path, node, change_.status);
            if (parts[4] == "handoff") {
                shard.handoff_version =
                    node != nullptr ? std::optional(node->stat.version) : std::nullopt;
            }
        }
    }

    void directory(const std::string& name, const std::string& path, bool GroupView::* made) {
        view_.groups[GroupName(name)].*made = source_.has(path);
        change_.layout = true;
    }

    ClusterView& view_;
    const znodes::Paths& paths_;
    const Source& source_;
    SteadyTime now_;
    ViewChange change_;
    bool chunks_changed_ = false;
};

std::set<std::string> chunks_named_by(const ClusterView& view) {
    std::set<std::string> named;
    const auto add = [&](const znodes::GroupHead& head) {
        named.insert(head.chunks.begin(), head.chunks.end());
    };
    for (const auto& [name, group] : view.groups) {
        if (group.head) add(group.head->value);
    }
    for (const auto& [name, generations] : view.earlier) {
        for (const auto& [number, generation] : generations) add(generation.head);
    }
    return named;
}

/// A deleted group whose znodes are gone has nothing left to show, and need not be told apart from
/// one whose tombstone is gone, too. Of a fleet there is no more than the tombstone.
void drop_finished(ClusterView& view, const znodes::Paths& paths) {
    std::erase_if(view.groups, [&](const auto& item) {
        const GroupView& group = item.second;
        if (!group.head) return !group.made && !group.index && group.shards.empty();
        const bool done = group.head->value.deleted && !group.head->garbage && !group.made &&
                          (!group.shards.empty() || group.head->gone);
        if (done) {
            view.problems.erase(paths.head(item.first));
            view.rollouts.erase(item.first);
            view.problems.erase(paths.rollout(item.first));
        }
        return done;
    });
    std::erase_if(view.fleets, [&](const auto& item) {
        const auto& head = item.second.head;
        const bool done = !head || (head->value.deleted && !head->garbage && head->gone);
        if (done) view.problems.erase(paths.head(item.first));
        return done;
    });
}

}  // namespace

std::optional<NodeId> ClusterView::owner_of(const ShardId& shard) const {
    for (const auto& [node, assignment] : assignments) {
        const auto member = members.find(node);
        if (member == members.end() ||
            member->second.value.incarnation != assignment.value.incarnation) {
            continue;
        }
        for (const znodes::AssignedShard& assigned : assignment.value.shards) {
            if (assigned.shard == shard && assigned.role != znodes::Role::warm) return node;
        }
    }
    return std::nullopt;
}

ViewChange apply(ClusterView& view,
                 const znodes::Paths& paths,
                 const Source& source,
                 const std::vector<std::string>& changed,
                 SteadyTime now) {
    Applier applier(view, paths, source, now);
    // The cluster's uuid is what all other payloads are checked against, so it comes first.
    const std::string control = paths.control();
    if (std::ranges::find(changed, control) != changed.end()) applier.path(control);
    view.deferred.insert(view.deferred.end(), changed.begin(), changed.end());
    if (view.cluster().empty()) return {};
    for (const std::string& path : std::exchange(view.deferred, {})) {
        if (path != control) applier.path(path);
    }
    ViewChange change = applier.finish();
    change.read = now;
    drop_finished(view, paths);
    if (change.config) view.named_chunks = chunks_named_by(view);
    return change;
}

}  // namespace muster::follow
