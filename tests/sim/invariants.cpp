#include "tests/sim/invariants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <variant>

namespace muster::sim {

using coordination::CheckOp;
using coordination::CreateOp;
using coordination::DeleteOp;
using coordination::Op;
using coordination::SetOp;

namespace {

constexpr std::uint64_t fnv_prime = 0x100000001b3U;

void fold_bytes(std::uint64_t& hash, std::string_view bytes) {
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * fnv_prime;
}

void fold_number(std::uint64_t& hash, std::int64_t number) {
    hash = (hash ^ static_cast<std::uint64_t>(number)) * fnv_prime;
}

/// "groups/web/shards/3/status" -> {"groups", "web", "shards", "3", "status"}.
std::vector<std::string_view> parts_of(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        parts.push_back(path.substr(0, slash));
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return parts;
}

}  // namespace

Invariants::Invariants(World& world)
    : world_(world),
      ownership_(world, violations_),
      verdicts_(world, violations_),
      probing_(world, ownership_, violations_),
      collection_(world, violations_) {
    world_.ensemble.on_commit([this](const Commit& commit) { on_commit(commit); });
}

void Invariants::tick() {
    one_master({});
    ownership_.tick();
    probing_.tick();
}

void Invariants::vandalised(const std::string& path) {
    const std::vector<std::string_view> parts =
        parts_of(std::string_view(path).substr(world_.paths.root().size() + 1));
    if (parts.size() == 3 && parts[0] == "config" && parts[1] == "group")
        probing_.vandalised(GroupName(std::string(parts[2])));
    if (parts.size() == 3 && parts[0] == "config" && parts[1] == "chunks") {
        for (const auto& [group, wanted] : world_.groups) probing_.vandalised(group);
    }
    if (parts.size() >= 3 && parts[0] == "groups") {
        const GroupName group{std::string(parts[1])};
        probing_.vandalised(group);
        verdicts_.vandalised(group, std::string_view(path).substr(world_.paths.root().size() + 1));
    }
}

void Invariants::fold(const Commit& commit) {
    ++history_.commits;
    fold_number(history_.hash, commit.zxid);
    fold_number(history_.hash, commit.session);
    fold_number(history_.hash, world_.clock.now().time_since_epoch().count());
    for (const coordination::OpOutcome& outcome : commit.outcomes) {
        fold_bytes(history_.hash, outcome.path);
        fold_number(history_.hash, outcome.stat.version);
        if (const auto* node = world_.ensemble.tree().find(outcome.path))
            fold_bytes(history_.hash, node->data);
    }
}

void Invariants::on_commit(const Commit& commit) {
    fold(commit);
    const std::string& root = world_.paths.root();
    for (std::size_t i = 0; i < commit.ops.size(); ++i) {
        const Op& op = commit.ops[i];
        if (std::holds_alternative<CheckOp>(op)) continue;
        const std::string& path = commit.outcomes[i].path;
        if (path.size() <= root.size() + 1 || !path.starts_with(root)) continue;
        Written write{.path = std::string_view(path).substr(root.size() + 1),
                      .created = std::holds_alternative<CreateOp>(op)};
        if (!std::holds_alternative<DeleteOp>(op)) {
            const auto* node = world_.ensemble.tree().find(path);
            write.data = &node->data;
            write.version = node->stat.version;
        }
        on_write(commit, write);
    }
    ownership_.settle(commit.session == 0);
}

void Invariants::on_write(const Commit& commit, const Written& write) {
    const std::string_view top = write.path.substr(0, write.path.find('/'));
    const std::size_t depth = static_cast<std::size_t>(std::ranges::count(write.path, '/')) + 1;
    if (top == "epoch" && depth == 1) return on_epoch(commit, write);
    if (top == "assignment" && depth == 2) return on_assignment(commit, write);
    if (top == "groups") return on_group_node(commit, write);
    if ((top == "config" || top == "audit") && write.data == nullptr)
        return collection_.on_delete(commit, write.path, epoch_);
    if (write.path.starts_with("config/group/")) collection_.on_head(write.path, *write.data);
    if (commit.session == 0 || write.data == nullptr) {
        if (top != "members" || depth != 2 || write.data != nullptr) return;
        const auto owner = member_sessions_.find(std::string(write.path.substr(8)));
        // Membership only ever deletes what an earlier session left: its own goes by expiry.
        if (owner != member_sessions_.end() && owner->second == commit.session) ++history_.expiries;
        return;
    }
    if (top == "members" && write.created)
        member_sessions_[std::string(write.path.substr(8))] = commit.session;
    if (top == "map") {
        const auto map = znodes::decode<znodes::ShardMap>(*write.data, World::cluster);
        must_be_masters(commit, write, map ? map->stamp : znodes::Stamp{});
    } else if (top == "ack" && depth == 2) {
        const auto ack = znodes::decode<znodes::Ack>(*write.data, World::cluster);
        const znodes::Stamp stamp = ack ? ack->stamp : znodes::Stamp{};
        if (write.created) return must_be_masters(commit, write, stamp);
        must_be_workers(commit, write, stamp, {});
    } else if (top == "progress" && depth == 2) {
        const auto progress = znodes::decode<znodes::Progress>(*write.data, World::cluster);
        const znodes::Stamp stamp = progress ? progress->stamp : znodes::Stamp{};
        if (write.created) return must_be_masters(commit, write, stamp);
        must_be_workers(commit, write, stamp, {});
    }
}

void Invariants::on_epoch(const Commit& commit, const Written& write) {
    if (write.data == nullptr || write.created) return;
    if (write.version != epoch_ + 1)
        wrong("epoch", fmt::format("went from {} to {}", epoch_, write.version));
    epoch_ = write.version;
    if (commit.session == 0) return;
    ++history_.elections;
    const auto claim = znodes::decode<znodes::Epoch>(*write.data, World::cluster);
    if (!claim || claim->stamp.token != epoch_ || claim->stamp.writer != commit.client)
        wrong("epoch", fmt::format("{} claimed epoch {} in a wrong way", commit.client, epoch_));
    one_master(commit.client);
}

void Invariants::one_master(std::string_view claimant) {
    const std::vector<std::string> acting = world_.masters();
    const bool other = std::ranges::any_of(
        acting, [&](const std::string& node) { return !claimant.empty() && node != claimant; });
    if (acting.size() > 1 || other) {
        std::string who;
        for (const std::string& node : acting) who += " " + node;
        if (!claimant.empty()) who += fmt::format("; {} has just claimed", claimant);
        wrong("one master", "acting:" + who);
    }
}

void Invariants::on_assignment(const Commit& commit, const Written& write) {
    const std::string_view node = write.path.substr(write.path.find('/') + 1);
    if (write.data == nullptr) return wrong("fencing", "an assignment document was deleted");
    if (commit.session != 0) {
        const auto document = znodes::decode<znodes::Assignment>(*write.data, World::cluster);
        must_be_masters(commit, write, document ? document->stamp : znodes::Stamp{});
    }
    ownership_.on_document(node, *write.data, write.version);
}

void Invariants::on_group_node(const Commit& commit, const Written& write) {
    const std::vector<std::string_view> parts = parts_of(write.path);
    if (parts.size() >= 3 && commit.session != 0)
        verdicts_.replaced(GroupName(std::string(parts[1])), write.path);
    if (parts.size() == 3 && parts[2] == "index") {
        ownership_.on_index(GroupName(std::string(parts[1])), write.data);
        if (commit.session == 0 || write.data == nullptr) return;
        const auto index = znodes::decode<znodes::GroupIndex>(*write.data, World::cluster);
        return must_be_masters(commit, write, index ? index->stamp : znodes::Stamp{});
    }
    if (parts.size() != 5) return;
    ShardId shard{.group = GroupName(std::string(parts[1]))};
    std::from_chars(parts[3].data(), parts[3].data() + parts[3].size(), shard.number);
    if (parts[4] == "members") {
        verdicts_.on_members(shard, write.data);
        probing_.on_members(shard, write.data);
        if (commit.session == 0 || write.data == nullptr) return;
        const auto members = znodes::decode<znodes::ShardMembers>(*write.data, World::cluster);
        must_be_masters(commit, write, members ? members->stamp : znodes::Stamp{});
    } else if (parts[4] == "status") {
        on_status(commit, write, shard);
    } else if (parts[4] == "handoff" && commit.session != 0 && write.data != nullptr) {
        const auto handoff = znodes::decode<znodes::Handoff>(*write.data, World::cluster);
        must_be_workers(commit, write, handoff ? handoff->stamp : znodes::Stamp{}, shard);
    }
}

bool Invariants::writes(const Commit& commit, const std::string& path) const {
    return std::ranges::any_of(commit.outcomes,
                               [&](const auto& outcome) { return outcome.path == path; });
}

void Invariants::on_status(const Commit& commit, const Written& write, const ShardId& shard) {
    if (commit.session != 0 && write.data != nullptr) {
        const auto status = znodes::decode<znodes::ShardStatus>(*write.data, World::cluster);
        const znodes::Stamp stamp = status ? status->stamp : znodes::Stamp{};
        // The master makes a status, and makes it anew together with its members.
        if (write.created || writes(commit, world_.paths.shard_members(shard))) {
            must_be_masters(commit, write, stamp);
        } else {
            must_be_workers(commit, write, stamp, shard);
            auto& last = last_status_[{shard, stamp.writer}];
            const std::pair<std::int64_t, std::int64_t> next{stamp.token, stamp.sequence};
            if (next <= last)
                wrong("fencing",
                      fmt::format("{}: status of {} went back to token {}, sequence {}",
                                  shard.str(),
                                  stamp.writer,
                                  stamp.token,
                                  stamp.sequence));
            last = next;
        }
    }
    verdicts_.on_status(shard, write.data, commit.client);
}

void Invariants::must_be_masters(const Commit& commit,
                                 const Written& write,
                                 const znodes::Stamp& stamp) {
    if (stamp.token == epoch_ && stamp.writer == commit.client) return;
    wrong("fencing",
          fmt::format("{} wrote {} as {} with token {} in epoch {}",
                      commit.client,
                      write.path,
                      stamp.writer,
                      stamp.token,
                      epoch_));
}

void Invariants::must_be_workers(const Commit& commit,
                                 const Written& write,
                                 const znodes::Stamp& stamp,
                                 const std::optional<ShardId>& shard) {
    const Ownership::Document* document = ownership_.document(commit.client);
    const std::int64_t token = document != nullptr ? document->version : -1;
    if (stamp.token != token || stamp.writer != commit.client) {
        return wrong("fencing",
                     fmt::format("{} wrote {} as {} with token {}, its assignment has version {}",
                                 commit.client,
                                 write.path,
                                 stamp.writer,
                                 stamp.token,
                                 token));
    }
    if (shard && document->readable && !ownership_.holds(commit.client, *shard)) {
        wrong("fencing",
              fmt::format("{} wrote {}, which it does not hold", commit.client, write.path));
    }
}

}  // namespace muster::sim
