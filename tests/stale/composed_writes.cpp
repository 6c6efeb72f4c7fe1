#include "tests/stale/composed_writes.hpp"

#include "common/znodes/payloads.hpp"

#include <utility>

namespace muster::stale {

using coordination::CheckOp;
using coordination::CreateOp;
using coordination::Op;
using coordination::SetOp;
using follow::ClusterView;
using znodes::Role;

namespace {

class Composer {
 public:
    Composer(const znodes::Paths& paths,
             const follow::ClusterView& view,
             const Author& author,
             std::mt19937_64& random)
        : paths_(paths), view_(view), author_(author), random_(random) {}

    std::optional<std::vector<Op>> run(WriteClass kind) {
        if (kind == WriteClass::claim) return claim();
        if (kind == WriteClass::control) return control();
        const auto shard = own_shard();
        if (!shard) return std::nullopt;
        std::vector<Op> ops{
            CheckOp{.path = paths_.assignment(author_.node), .version = author_.assignment}};
        ops.push_back(worker_op(kind, *shard));
        return ops;
    }

 private:
    [[nodiscard]] znodes::Stamp stamp(std::int32_t token) const {
        return {.cluster = view_.cluster(),
                .token = token,
                .writer = author_.node.str(),
                .sequence = author_.sequence};
    }

    std::optional<ShardId> own_shard() {
        const auto assigned = view_.assignments.find(author_.node);
        if (assigned == view_.assignments.end()) return std::nullopt;
        std::vector<ShardId> own;
        for (const znodes::AssignedShard& one : assigned->second.value.shards) {
            const auto group = view_.groups.find(one.shard.group);
            if (one.role == Role::warm || group == view_.groups.end()) continue;
            const auto shard = group->second.shards.find(one.shard.number);
            if (shard != group->second.shards.end() && shard->second.status)
                own.push_back(one.shard);
        }
        if (own.empty()) return std::nullopt;
        return own[random_() % own.size()];
    }

    Op worker_op(WriteClass kind, const ShardId& id) {
        const follow::ShardView& shard = view_.groups.at(id.group).shards.at(id.number);
        const znodes::Stamp own = stamp(author_.assignment);
        if (kind == WriteClass::ack) {
            const znodes::Ack ack{
                .stamp = own,
                .answers = {{.shard = id, .move = 1, .answer = znodes::Answer::ready}}};
            return SetOp{.path = paths_.ack(author_.node), .data = znodes::encode(ack)};
        }
        if (kind == WriteClass::progress) {
            const znodes::Progress progress{.stamp = own,
                                            .time = shard.status->value.time,
                                            .pass_age = {{id, std::chrono::milliseconds(1)}}};
            return SetOp{.path = paths_.progress(author_.node), .data = znodes::encode(progress)};
        }
        if (kind == WriteClass::handoff) {
            const znodes::Handoff handoff{
                .stamp = own, .move = 1, .layout = shard.status->value.layout};
            const std::string path = paths_.handoff(id);
            if (shard.handoff_version) return SetOp{.path = path, .data = znodes::encode(handoff)};
            return CreateOp{.path = path, .data = znodes::encode(handoff)};
        }
        znodes::ShardStatus status = shard.status->value;
        status.stamp = own;
        return SetOp{.path = paths_.status(id), .data = znodes::encode(status)};
    }

    std::optional<std::vector<Op>> control() {
        std::vector<Op> ops{CheckOp{.path = paths_.epoch(), .version = author_.epoch}};
        const auto assigned = view_.assignments.find(author_.node);
        switch (random_() % 3) {
            case 0:
                if (!view_.map) return std::nullopt;
                ops.emplace_back(SetOp{.path = paths_.map(), .data = restamped(view_.map->value)});
                return ops;
            case 1:
                if (assigned == view_.assignments.end()) return std::nullopt;
                ops.emplace_back(SetOp{.path = paths_.assignment(author_.node),
                                       .data = restamped(assigned->second.value)});
                return ops;
            default:
                for (const auto& [name, group] : view_.groups) {
                    if (!group.index) continue;
                    ops.emplace_back(
                        SetOp{.path = paths_.index(name), .data = restamped(group.index->value)});
                    return ops;
                }
                return std::nullopt;
        }
    }

    template <class T>
    std::string restamped(T payload) {
        payload.stamp = stamp(author_.epoch);
        return znodes::encode(payload);
    }

    std::optional<std::vector<Op>> claim() {
        if (author_.candidacy.empty()) return std::nullopt;
        const znodes::Epoch epoch{.stamp = stamp(author_.epoch + 1),
                                  .node = author_.node,
                                  .nonce = std::to_string(author_.sequence)};
        return std::vector<Op>{
            CheckOp{.path = author_.candidacy},
            CheckOp{.path = paths_.control()},
            SetOp{.path = paths_.epoch(), .data = znodes::encode(epoch), .version = author_.epoch}};
    }

    const znodes::Paths& paths_;
    const follow::ClusterView& view_;
    const Author& author_;
    std::mt19937_64& random_;
};

}  // namespace

std::optional<std::vector<Op>> compose(WriteClass kind,
                                       const znodes::Paths& paths,
                                       const follow::ClusterView& view,
                                       const Author& author,
                                       std::mt19937_64& random) {
    return Composer(paths, view, author, random).run(kind);
}

}  // namespace muster::stale
