#include "common/coordination/memory_tree.hpp"

#include "common/coordination/validation.hpp"

#include <fmt/format.h>

#include <utility>

namespace muster::coordination {

namespace {

bool matches(std::int32_t wanted, std::int32_t version) {
    return wanted == any_version || wanted == version;
}

/// What ZooKeeper shows as the children's version: changes, derived from creations alone.
void refresh_children_stat(MemoryTree::Znode& node) {
    node.stat.children = static_cast<std::int32_t>(node.children.size());
    node.stat.children_version = static_cast<std::int32_t>(2 * node.births) - node.stat.children;
}

std::string_view name_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

MemoryTree::MemoryTree() {
    nodes_.emplace("/", Znode{});
}

const MemoryTree::Znode* MemoryTree::find(std::string_view path) const {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? nullptr : &found->second;
}

MemoryTree::Znode* MemoryTree::locate(std::string_view path) {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? nullptr : &found->second;
}

std::vector<std::string> MemoryTree::ephemerals(std::int64_t session) const {
    const auto found = ephemerals_.find(session);
    if (found == ephemerals_.end()) return {};
    return {found->second.begin(), found->second.end()};
}

MemoryTree::Outcome MemoryTree::apply(std::int64_t session, std::vector<Op>& ops) {
    ++zxid_;
    Outcome outcome;
    outcome.ops.resize(ops.size());
    // A single op that is refused has changed nothing: no undo log for the most frequent case.
    Undo undo;
    Undo* const log = ops.size() > 1 ? &undo : nullptr;
    for (std::size_t i = 0; i < ops.size(); ++i) {
        const std::error_code error = apply_op(session, ops[i], outcome.ops[i], log);
        if (!error) continue;
        while (!undo.empty()) {
            undo.back()();
            undo.pop_back();
        }
        outcome.ops.clear();
        outcome.op_errors.assign(ops.size(), make_error_code(Errc::rolled_back));
        outcome.op_errors[i] = error;
        return outcome;
    }
    return outcome;
}

std::error_code MemoryTree::apply_op(std::int64_t session, Op& op, OpOutcome& out, Undo* undo) {
    out.path = path_of(op);
    if (const auto* check = std::get_if<CheckOp>(&op)) return apply_check(*check);
    if (auto* create = std::get_if<CreateOp>(&op)) return apply_create(session, *create, out, undo);
    if (auto* set = std::get_if<SetOp>(&op)) return apply_set(*set, out, undo);
    return apply_delete(std::get<DeleteOp>(op), undo);
}

std::error_code MemoryTree::apply_check(const CheckOp& op) const {
    const Znode* node = find(op.path);
    if (node == nullptr) return Errc::no_node;
    if (!matches(op.version, node->stat.version)) return Errc::bad_version;
    return {};
}

std::error_code MemoryTree::apply_create(std::int64_t session,
                                         CreateOp& op,
                                         OpOutcome& out,
                                         Undo* undo) {
    Znode* parent = locate(parent_of(op.path));
    if (parent == nullptr) return Errc::no_node;
    if (is_sequential(op.mode)) out.path += fmt::format("{:010}", parent->births);
    if (find(out.path) != nullptr) return Errc::node_exists;
    if (parent->stat.ephemeral_owner != 0) return Errc::no_children_for_ephemerals;

    Znode node;
    node.data = std::move(op.data);
    node.stat.created_zxid = zxid_;
    node.stat.modified_zxid = zxid_;
    node.children_zxid = zxid_;
    if (is_ephemeral(op.mode)) node.stat.ephemeral_owner = session;
    if (undo != nullptr) {
        undo->emplace_back([this, path = out.path, before = parent->children_zxid] {
            detach(path);
            Znode* p = locate(parent_of(path));
            --p->births;
            p->children_zxid = before;
            refresh_children_stat(*p);
        });
    }
    ++parent->births;
    parent->children_zxid = zxid_;
    attach(out.path, std::move(node));
    return {};
}

std::error_code MemoryTree::apply_set(SetOp& op, OpOutcome& out, Undo* undo) {
    Znode* node = locate(op.path);
    if (node == nullptr) return Errc::no_node;
    if (!matches(op.version, node->stat.version)) return Errc::bad_version;
    std::swap(node->data, op.data);
    if (undo != nullptr) {
        undo->emplace_back([this, &op, before = node->stat] {
            Znode* n = locate(op.path);
            n->data = std::move(op.data);
            n->stat.version = before.version;
            n->stat.modified_zxid = before.modified_zxid;
        });
    }
    ++node->stat.version;
    node->stat.modified_zxid = zxid_;
    out.stat = node->stat;
    return {};
}

std::error_code MemoryTree::apply_delete(const DeleteOp& op, Undo* undo) {
    if (op.path == "/") return Errc::rejected;
    Znode* node = locate(op.path);
    if (node == nullptr) return Errc::no_node;
    if (!matches(op.version, node->stat.version)) return Errc::bad_version;
    if (!node->children.empty()) return Errc::not_empty;
    Znode* parent = locate(parent_of(op.path));
    const std::int64_t before = std::exchange(parent->children_zxid, zxid_);
    Znode gone = detach(op.path);
    if (undo != nullptr) {
        undo->emplace_back([this, &op, before, gone = std::move(gone)]() mutable {
            attach(op.path, std::move(gone));
            locate(parent_of(op.path))->children_zxid = before;
        });
    }
    return {};
}

void MemoryTree::attach(const std::string& path, Znode node) {
    if (node.stat.ephemeral_owner != 0) ephemerals_[node.stat.ephemeral_owner].insert(path);
    Znode* parent = locate(parent_of(path));
    parent->children.emplace(name_of(path));
    refresh_children_stat(*parent);
    nodes_.emplace(path, std::move(node));
}

MemoryTree::Znode MemoryTree::detach(const std::string& path) {
    auto entry = nodes_.extract(path);
    Znode node = std::move(entry.mapped());
    if (node.stat.ephemeral_owner != 0) {
        const auto owned = ephemerals_.find(node.stat.ephemeral_owner);
        owned->second.erase(path);
        if (owned->second.empty()) ephemerals_.erase(owned);
    }
    Znode* parent = locate(parent_of(path));
    parent->children.erase(parent->children.find(name_of(path)));
    refresh_children_stat(*parent);
    return node;
}

}  // namespace muster::coordination
