#include "tests/stale/fencing_oracle.hpp"

#include "common/znodes/payloads.hpp"
#include "orchestrator/candidates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>

namespace muster::stale {

namespace {

using Kind = LoggedOp::Kind;
using znodes::Role;

struct Znode {
    std::string data;
    std::int32_t version = 0;
    std::int64_t session = 0;  ///< 0: persistent
};

struct Office {
    std::int64_t session = 0;
    std::int32_t epoch = 0;
    std::string node;
};

std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

class Replay {
 public:
    explicit Replay(const znodes::Paths& paths) : paths_(paths) {}

    Judgement run(const std::vector<Transaction>& history) {
        for (const Transaction& transaction : history) {
            ++judgement_.transactions;
            if (transaction.kind == Transaction::Kind::session_end) {
                std::erase_if(tree_, [&](const auto& item) {
                    return item.second.session == transaction.session;
                });
            }
            if (transaction.refused()) {
                ++judgement_.refused;
                continue;
            }
            now_ = &transaction;
            for (const LoggedOp& op : transaction.ops) {
                if (op.kind == Kind::check) continue;
                if (op.path.starts_with(paths_.root() + "/")) judge(op);
                apply(op);
            }
        }
        return std::move(judgement_);
    }

 private:
    // --- the tree ----------------------------------------------------------------------------

    void apply(const LoggedOp& op) {
        switch (op.kind) {
            case Kind::create:
                tree_[op.path] = {.data = op.data, .session = op.ephemeral ? now_->session : 0};
                return;
            case Kind::set: {
                const auto node = tree_.find(op.path);
                if (node == tree_.end() || op.version != node->second.version + 1) {
                    throw std::runtime_error(fmt::format(
                        "zxid {:#x}: the history of {} has a gap", now_->zxid, op.path));
                }
                node->second.data = op.data;
                node->second.version = op.version;
                return;
            }
            case Kind::remove:
                if (tree_.erase(op.path) == 0) {
                    throw std::runtime_error(fmt::format(
                        "zxid {:#x}: {} is removed but was never made", now_->zxid, op.path));
                }
                return;
            case Kind::check:
            case Kind::refused:
                return;
        }
    }

    [[nodiscard]] const Znode* find(const std::string& path) const {
        const auto node = tree_.find(path);
        return node == tree_.end() ? nullptr : &node->second;
    }

    // --- what a write is ---------------------------------------------------------------------

    void judge(const LoggedOp& op) {
        const std::string_view path = op.path;
        if (path == paths_.epoch()) return op.kind == Kind::set ? judge_claim(op) : begin(op);
        if (path == paths_.map()) return judge_control<znodes::ShardMap>(op);
        if (path.starts_with(paths_.assignments() + "/")) {
            if (path.ends_with("/keep")) return judge_control<void>(op);
            return judge_control<znodes::Assignment>(op);
        }
        if (path.starts_with(paths_.acks() + "/")) {
            if (op.kind != Kind::set) return judge_control<znodes::Ack>(op);
            return judge_ack(op);
        }
        if (path.starts_with(paths_.progresses() + "/")) {
            if (op.kind != Kind::set) return judge_control<znodes::Progress>(op);
            return judge_progress(op);
        }
        if (path.starts_with(paths_.groups() + "/")) judge_group(op);
    }

    void judge_group(const LoggedOp& op) {
        const std::string_view name = last_part(op.path);
        if (name == "index") return judge_control<znodes::GroupIndex>(op);
        if (name == "members") return judge_control<znodes::ShardMembers>(op);
        if (name == "handoff") {
            if (op.kind == Kind::remove) return judge_control<void>(op);
            return judge_shard<znodes::Handoff>(op, WriteClass::handoff);
        }
        if (name == "status") {
            // The master makes it, and rewrites it together with the layout.
            const std::string members = op.path.substr(0, op.path.size() - name.size()) + "members";
            const bool with_layout = std::ranges::any_of(
                now_->ops, [&](const LoggedOp& other) { return other.path == members; });
            if (op.kind != Kind::set || with_layout) return judge_control<znodes::ShardStatus>(op);
            return judge_shard<znodes::ShardStatus>(op, WriteClass::status);
        }
        judge_control<void>(op);
    }

    // --- by what right -----------------------------------------------------------------------

    void begin(const LoggedOp& op) {
        if (op.kind == Kind::remove) accuse(op, "the epoch was deleted");
    }

    void judge_claim(const LoggedOp& op) {
        ++judgement_.judged[WriteClass::claim];
        const auto claim = znodes::decode<znodes::Epoch>(op.data, "");
        if (!claim) return accuse(op, "an unreadable claim");
        if (claim->stamp.token != op.version) {
            accuse(
                op,
                fmt::format("a claim of epoch {} made version {}", claim->stamp.token, op.version));
        }
        const Znode* first = nullptr;
        std::int64_t lowest = 0;
        for (const auto& [path, node] : tree_) {
            if (!path.starts_with(paths_.election() + "/")) continue;
            const auto candidate = orchestrator::parse_candidate(last_part(path));
            if (!candidate || (first != nullptr && candidate->sequence > lowest)) continue;
            first = &node;
            lowest = candidate->sequence;
        }
        if (first == nullptr || first->session != now_->session) {
            accuse(op,
                   fmt::format("{} claims in session {:#x}, but the first candidate is of {:#x}",
                               claim->node.str(),
                               now_->session,
                               first != nullptr ? first->session : 0));
        }
        office_ = {.session = now_->session, .epoch = op.version, .node = claim->node.str()};
    }

    /// T: the payload, void where there is none to look at.
    template <class T>
    void judge_control(const LoggedOp& op) {
        ++judgement_.judged[WriteClass::control];
        if (!office_) return accuse(op, "a control write, and nobody was in office");
        if (office_->session != now_->session) {
            accuse(op,
                   fmt::format("a control write by session {:#x}, in office is {} ({:#x})",
                               now_->session,
                               office_->node,
                               office_->session));
        }
        if constexpr (!std::is_void_v<T>) {
            if (op.kind == Kind::remove) return;
            const auto payload = znodes::decode<T>(op.data, "");
            if (!payload) return accuse(op, "an unreadable payload");
            if (payload->stamp.token != office_->epoch || payload->stamp.writer != office_->node) {
                accuse(op,
                       fmt::format("by {} with epoch {}, in office is {} with {}",
                                   payload->stamp.writer,
                                   payload->stamp.token,
                                   office_->node,
                                   office_->epoch));
            }
        }
    }

    /// The writer's assignment, when the stamp carries its present version.
    std::optional<znodes::Assignment> present_assignment(const LoggedOp& op,
                                                         const znodes::Stamp& stamp) {
        const Znode* node = find(paths_.assignment(NodeId(stamp.writer)));
        if (node == nullptr) {
            accuse(op, fmt::format("by {}, who has no assignment", stamp.writer));
            return std::nullopt;
        }
        if (node->version != stamp.token) {
            accuse(op,
                   fmt::format("by {} with token {}, its assignment is at {}",
                               stamp.writer,
                               stamp.token,
                               node->version));
            return std::nullopt;
        }
        const auto assignment = znodes::decode<znodes::Assignment>(node->data, "");
        if (!assignment) {
            accuse(op, fmt::format("by {}, whose assignment is unreadable", stamp.writer));
            return std::nullopt;
        }
        return *assignment;
    }

    void require(const LoggedOp& op,
                 const std::string& writer,
                 const ShardId& shard,
                 const znodes::Assignment& assignment,
                 bool warm) {
        const bool holds =
            std::ranges::any_of(assignment.shards, [&](const znodes::AssignedShard& assigned) {
                return assigned.shard == shard && (assigned.role == Role::warm) == warm;
            });
        if (!holds) accuse(op, fmt::format("{} does not hold {} so", writer, shard.str()));
    }

    template <class T>
    void judge_shard(const LoggedOp& op, WriteClass kind) {
        ++judgement_.judged[kind];
        const auto payload = znodes::decode<T>(op.data, "");
        const auto shard = shard_of(op.path);
        if (!payload || !shard) return accuse(op, "an unreadable payload");
        if (const auto assignment = present_assignment(op, payload->stamp))
            require(op, payload->stamp.writer, *shard, *assignment, false);
    }

    void judge_ack(const LoggedOp& op) {
        ++judgement_.judged[WriteClass::ack];
        const auto ack = znodes::decode<znodes::Ack>(op.data, "");
        if (!ack) return accuse(op, "an unreadable payload");
        if (ack->stamp.writer != last_part(op.path)) accuse(op, "in another node's name");
        const auto assignment = present_assignment(op, ack->stamp);
        if (!assignment) return;
        for (const znodes::AckEntry& answer : ack->answers)
            require(op, ack->stamp.writer, answer.shard, *assignment, true);
    }

    void judge_progress(const LoggedOp& op) {
        ++judgement_.judged[WriteClass::progress];
        const auto progress = znodes::decode<znodes::Progress>(op.data, "");
        if (!progress) return accuse(op, "an unreadable payload");
        if (progress->stamp.writer != last_part(op.path)) accuse(op, "in another node's name");
        const auto assignment = present_assignment(op, progress->stamp);
        if (!assignment) return;
        for (const auto& [shard, age] : progress->pass_age)
            require(op, progress->stamp.writer, shard, *assignment, false);
    }

    /// groups/<group>/shards/<number>/...
    [[nodiscard]] std::optional<ShardId> shard_of(std::string_view path) const {
        path.remove_prefix(paths_.groups().size() + 1);
        ShardId shard{.group = GroupName(path.substr(0, path.find('/')))};
        path.remove_prefix(std::min(path.size(), shard.group.str().size() + sizeof("/shards")));
        const auto read = std::from_chars(path.data(), path.data() + path.size(), shard.number);
        if (read.ec != std::errc{}) return std::nullopt;
        return shard;
    }

    void accuse(const LoggedOp& op, std::string_view why) {
        judgement_.violations.push_back(
            {.zxid = now_->zxid, .what = fmt::format("{}: {}", op.path, why)});
    }

    const znodes::Paths& paths_;
    const Transaction* now_ = nullptr;
    std::map<std::string, Znode> tree_;
    std::optional<Office> office_;
    Judgement judgement_;
};

}  // namespace

Judgement judge(const std::vector<Transaction>& history, const znodes::Paths& paths) {
    return Replay(paths).run(history);
}

}  // namespace muster::stale
