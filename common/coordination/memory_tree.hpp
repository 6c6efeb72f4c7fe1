#pragma once

#include "common/coordination/types.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace muster::coordination {

/// A znode tree with ZooKeeper's rules: versions, zxids, sequence numbers, ephemerals,
/// transactions. A value without clock, sessions' lives, watches or ACLs.
class MemoryTree {
 public:
    struct Znode {
        std::string data;
        Stat stat;
        std::int64_t children_zxid = 0;  ///< of the last creation or deletion of a child
        std::int64_t births = 0;         ///< children ever created: the next sequence number
        std::set<std::string, std::less<>> children;  ///< names
    };

    struct Outcome {
        std::vector<OpOutcome> ops;              ///< when applied
        std::vector<std::error_code> op_errors;  ///< when refused: one for each op
        [[nodiscard]] bool applied() const { return op_errors.empty(); }
    };

    MemoryTree();

    /// All ops or none; `session` owns the ephemerals made. The data of creates and sets is moved
    /// from `ops` into the tree. Paths must be valid.
    Outcome apply(std::int64_t session, std::vector<Op>& ops);

    [[nodiscard]] const Znode* find(std::string_view path) const;
    [[nodiscard]] std::int64_t zxid() const { return zxid_; }
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }

    /// Paths of the session's ephemerals, sorted.
    [[nodiscard]] std::vector<std::string> ephemerals(std::int64_t session) const;

 private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view path) const noexcept {
            return std::hash<std::string_view>{}(path);
        }
    };
    using Undo = std::vector<std::function<void()>>;

    Znode* locate(std::string_view path);
    std::error_code apply_op(std::int64_t session, Op& op, OpOutcome& out, Undo* undo);
    std::error_code apply_check(const CheckOp& op) const;
    std::error_code apply_create(std::int64_t session, CreateOp& op, OpOutcome& out, Undo* undo);
    std::error_code apply_set(SetOp& op, OpOutcome& out, Undo* undo);
    std::error_code apply_delete(const DeleteOp& op, Undo* undo);
    void attach(const std::string& path, Znode node);
    Znode detach(const std::string& path);

    std::unordered_map<std::string, Znode, Hash, std::equal_to<>> nodes_;
    std::unordered_map<std::int64_t, std::set<std::string>> ephemerals_;
    std::int64_t zxid_ = 0;
};

}  // namespace muster::coordination
