#include "tests/sim/collection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <variant>

namespace muster::sim {

using coordination::CheckOp;
using coordination::MemoryEnsemble;
using coordination::MemoryTree;

void Collection::on_delete(const MemoryEnsemble::Commit& commit,
                           std::string_view path,
                           std::int32_t epoch) {
    ++deletions_;
    const auto* guard = std::get_if<CheckOp>(&commit.ops.front());
    if (guard == nullptr || guard->path != world_.paths.epoch() || guard->version != epoch) {
        violations_.report(
            world_.seconds(),
            "fencing",
            fmt::format("{} deleted {} in epoch {} without its check", commit.client, path, epoch));
    }
    constexpr std::string_view chunks = "config/chunks/";
    constexpr std::string_view heads = "config/group/";
    constexpr std::string_view histories = "config/history/group/";
    if (path.starts_with(chunks) && named().contains(std::string(path.substr(chunks.size()))))
        wrong(fmt::format("{} deleted {}, which is named", commit.client, path));
    if (path.starts_with(heads)) on_head_deleted(path.substr(heads.size()));
    if (path.starts_with(histories)) on_history_deleted(path.substr(histories.size()));
}

void Collection::on_head_deleted(std::string_view group) {
    const GroupName name{std::string(group)};
    const auto wanted = world_.groups.find(name);
    if (wanted != world_.groups.end() && wanted->second.spec)
        wrong(fmt::format("the head of {} is gone, and users want the group", group));
    if (world_.ensemble.tree().find(world_.paths.group(name)) != nullptr)
        wrong(fmt::format("the head of {} is gone before its layout", group));
    if (!traces(std::string(group)).history.empty())
        wrong(fmt::format("the head of {} is gone before its history", group));
}

void Collection::on_history_deleted(std::string_view group_and_generation) {
    const std::size_t slash = group_and_generation.find('/');
    if (slash == std::string_view::npos) return;
    const orchestrator::ConfigTraces group =
        traces(std::string(group_and_generation.substr(0, slash)));
    const std::int64_t generation = std::stoll(std::string(group_and_generation.substr(slash + 1)));
    if (group.head && is_kept(group, generation, collection_settings()))
        wrong(fmt::format("history {} is gone, and is to be kept", group_and_generation));
}

void Collection::on_head(std::string_view path, const std::string& data) {
    const auto head = znodes::decode<znodes::GroupHead>(data, World::cluster);
    if (!head) return;
    for (const std::string& hash : head->chunks) {
        if (world_.ensemble.tree().find(world_.paths.chunk(hash)) == nullptr)
            wrong(fmt::format("{} names chunk {}, which is not there", path, hash));
    }
}

std::vector<std::string> Collection::leftovers() const {
    std::vector<std::string> found;
    const std::set<std::string> in_use = named();
    for (const std::string& hash : children(world_.paths.chunks())) {
        if (!in_use.contains(hash)) found.push_back("nobody names chunk " + hash);
    }
    for (const std::string& name : children(world_.paths.histories(znodes::ConfigKind::group))) {
        const orchestrator::ConfigTraces group = traces(name);
        for (const auto& [generation, chunks] : group.history) {
            if (!is_kept(group, generation, collection_settings()))
                found.push_back(fmt::format("old history {}/{}", name, generation));
        }
        if (group.head && group.head->deleted && !group.has_layout)
            found.push_back("the tombstone of " + name);
    }
    if (children(world_.paths.audit()).size() > collection_settings().kept_audit)
        found.emplace_back("old audit entries");
    return found;
}

std::set<std::string> Collection::named() const {
    std::set<std::string> named;
    std::set<std::string> groups = children(world_.paths.group_heads());
    groups.merge(children(world_.paths.histories(znodes::ConfigKind::group)));
    for (const std::string& name : groups) {
        const orchestrator::ConfigTraces group = traces(name);
        if (group.head) named.insert(group.head->chunks.begin(), group.head->chunks.end());
        for (const auto& [generation, chunks] : group.history) {
            if (chunks && is_kept(group, generation, collection_settings()))
                named.insert(chunks->begin(), chunks->end());
        }
    }
    return named;
}

orchestrator::ConfigTraces Collection::traces(const std::string& name) const {
    const GroupName group(name);
    const MemoryTree& tree = world_.ensemble.tree();
    orchestrator::ConfigTraces traces;
    if (const MemoryTree::Znode* node = tree.find(world_.paths.group_head(group))) {
        traces.head.emplace();
        if (const auto head = znodes::decode<znodes::GroupHead>(node->data, World::cluster)) {
            traces.head = {.readable = true,
                           .deleted = head->deleted,
                           .generation = head->generation,
                           .chunks = head->chunks};
        }
    }
    traces.has_layout = tree.find(world_.paths.group(group)) != nullptr;
    for (const std::string& text : children(world_.paths.history(group))) {
        const std::int64_t generation = std::stoll(text);
        const MemoryTree::Znode* node = tree.find(world_.paths.history(group, generation));
        if (const auto head = znodes::decode<znodes::GroupHead>(node->data, World::cluster)) {
            traces.history[generation] = head->chunks;
        } else {
            traces.history[generation] = std::nullopt;
        }
    }
    return traces;
}

std::set<std::string> Collection::children(const std::string& path) const {
    const MemoryTree::Znode* node = world_.ensemble.tree().find(path);
    if (node == nullptr) return {};
    return {node->children.begin(), node->children.end()};
}

}  // namespace muster::sim
