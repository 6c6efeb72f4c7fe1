#include "dnsupdate/etcd_provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace muster::dnsupdate {

namespace {

// etcd takes 128 of each; the fence and what belongs together need some room.
constexpr std::size_t max_ops = 110;
constexpr std::size_t max_sets = 100;
constexpr std::size_t max_moved_aside = 20;
constexpr int attempts = 3;

std::int64_t revision_of(const std::string& version) {
    std::int64_t revision = 0;
    std::from_chars(version.data(), version.data() + version.size(), revision);
    return revision;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
    constexpr std::array<std::string_view, 5> words{
        "done", "conflict", "fenced", "unknown", "failed"};
    return words[static_cast<std::size_t>(outcome)];
}

EtcdProvider::EtcdProvider(etcd::Client& client,
                           EtcdLayout layout,
                           std::string cluster,
                           std::string name)
    : client_(client),
      layout_(std::move(layout)),
      name_(std::move(name)),
      fence_key_("/muster/" + cluster + "/fence"),
      quarantine_("/muster/" + std::move(cluster) + "/quarantine") {}

const std::string& EtcdProvider::name() const {
    return name_;
}

StoreAge EtcdProvider::age() const {
    return {.revision = client_.last().revision,
            .term = client_.last().raft_term,
            .went_back = client_.went_back()};
}

etcd::Compare EtcdProvider::fence_compare() const {
    return {.key = fence_key_, .mod_revision = fence_revision_, .value = encode(fence_)};
}

asio::awaitable<Result<Claim>> EtcdProvider::claim(Fence fence, bool born) {
    fence_ = std::move(fence);
    fence_revision_ = 0;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const Result<etcd::RangeReply> read = co_await client_.get(fence_key_);
        if (!read) co_return tl::unexpected(read.error());
        const bool there = !read->entries.empty();
        const std::int64_t revision = there ? read->entries[0].mod_revision : 0;
        const Claim claim =
            judge_fence(there ? std::optional(read->entries[0].value) : std::nullopt, fence_, born);
        if (!is_to_be_written(claim)) {
            if (claim == Claim::adopt) fence_revision_ = revision;
            co_return claim;
        }
        const Result<etcd::TxnReply> reply = co_await client_.commit(
            {.compares = {{.key = fence_key_, .mod_revision = revision}},
             .ops = {etcd::Put{.key = fence_key_, .value = encode(fence_)}}});
        if (reply && reply->succeeded) {
            fence_revision_ = reply->header.revision;
            co_return claim;
        }
        // Somebody else was faster, or the reply was lost: what is there tells.
        if (!reply && reply.error().code != make_error_code(etcd::Errc::outcome_unknown))
            co_return tl::unexpected(reply.error());
    }
    co_return fail(etcd::Errc::conflict, fence_key_);
}

asio::awaitable<Result<StoredFence>> EtcdProvider::fence() {
    const Result<etcd::RangeReply> read = co_await client_.get(fence_key_);
    if (!read) co_return tl::unexpected(read.error());
    if (read->entries.empty()) co_return StoredFence{.version = "0"};
    const etcd::KeyValue& entry = read->entries[0];
    co_return StoredFence{.text = entry.value, .version = std::to_string(entry.mod_revision)};
}

asio::awaitable<Result<bool>> EtcdProvider::replace_fence(Fence fence, std::string version) {
    std::int64_t revision = 0;
    const char* const end = version.data() + version.size();
    const auto [at, error] = std::from_chars(version.data(), end, revision);
    if (error != std::errc{} || at != end || revision < 0) co_return false;
    const Result<etcd::TxnReply> reply =
        co_await client_.commit({.compares = {{.key = fence_key_, .mod_revision = revision}},
                                 .ops = {etcd::Put{.key = fence_key_, .value = encode(fence)}}});
    if (!reply) co_return tl::unexpected(reply.error());
    co_return reply->succeeded;
}

asio::awaitable<Result<Observed>> EtcdProvider::read() {
    if (const Result<void> settled = co_await settle(); !settled)
        co_return tl::unexpected(settled.error());
    const Result<etcd::RangeReply> listed = co_await client_.list(layout_.root + "/");
    if (!listed) co_return tl::unexpected(listed.error());
    std::vector<EtcdEntry> entries;
    entries.reserve(listed->entries.size());
    for (const etcd::KeyValue& one : listed->entries)
        entries.push_back({.key = one.key,
                           .value = one.value,
                           .mod_revision = one.mod_revision,
                           .lease = one.lease});
    co_return read_entries(layout_, entries);
}

/// A write with a lost reply may still come. It compares its anchor's revision: once that has
/// changed it comes too late.
asio::awaitable<Result<void>> EtcdProvider::settle() {
    while (!unsettled_.empty()) {
        const DnsName name = *unsettled_.begin();
        const std::string key = anchor_key(layout_, name);
        const Result<etcd::RangeReply> there = co_await client_.get(key);
        if (!there) co_return tl::unexpected(there.error());
        SetWrite barrier{.name = name};
        if (!there->entries.empty()) {
            const etcd::KeyValue& anchor = there->entries[0];
            barrier.version = std::to_string(anchor.mod_revision);
            const Observed read = read_entries(layout_, {{.key = key, .value = anchor.value}});
            const auto set = read.sets.find(name);
            if (set != read.sets.end() && set->second.anchor)
                barrier.generation = set->second.anchor->generation + 1;
        }
        const std::vector<Part> parts{begin_part(barrier)};
        const Committed done = co_await commit(parts);
        switch (done.outcome) {
            case Outcome::done:
                unsettled_.erase(name);
                break;
            case Outcome::conflict:
                break;  // it has just come: once more
            case Outcome::fenced:
                co_return fail(etcd::Errc::fenced, done.detail);
            case Outcome::unknown:
            case Outcome::failed:
                co_return fail(etcd::Errc::unavailable, done.detail);
        }
    }
    co_return Result<void>{};
}

EtcdProvider::Part EtcdProvider::begin_part(const SetWrite& write) {
    Part part{.name = write.name,
              .revision = revision_of(write.version),
              .transaction = fmt::format("{}-{}", fence_.nonce, ++transactions_)};
    part.ops.emplace_back(etcd::Put{.key = anchor_key(layout_, write.name),
                                    .value = anchor_value(layout_,
                                                          {.token = fence_.token,
                                                           .generation = write.generation,
                                                           .transaction = part.transaction})});
    return part;
}

/// Nothing: it has gone by itself.
asio::awaitable<Result<std::optional<etcd::KeyValue>>> EtcdProvider::to_move(const Stray& stray) {
    const Result<etcd::RangeReply> there = co_await client_.get(stray.key);
    if (!there) co_return tl::unexpected(there.error());
    if (there->entries.empty()) co_return std::nullopt;
    if (std::to_string(there->entries[0].mod_revision) != stray.version)
        co_return fail(etcd::Errc::conflict, stray.key);
    co_return there->entries[0];
}

/// First what breaks the name goes, then what is new comes, then what is old goes, others' last.
asio::awaitable<Result<std::vector<EtcdProvider::Part>>> EtcdProvider::parts_of(SetWrite write) {
    std::vector<Part> parts;
    const std::string anchor = anchor_key(layout_, write.name);
    std::set<std::string> ours{anchor};
    for (const MemberId& id : write.puts) ours.insert(member_key(layout_, write.name, id));
    const auto part_with_room = [&](std::size_t most) -> Part& {
        if (parts.empty() || parts.back().ops.size() >= most) parts.push_back(begin_part(write));
        return parts.back();
    };
    const auto move_aside = [&](Part& part, const etcd::KeyValue& entry) {
        part.compares.push_back({.key = entry.key, .mod_revision = entry.mod_revision});
        part.ops.emplace_back(etcd::Put{.key = quarantine_ + entry.key, .value = entry.value});
        // What is one of our own keys is written over.
        if (!ours.contains(entry.key)) part.ops.emplace_back(etcd::Delete{entry.key});
    };
    std::vector<etcd::KeyValue> last;
    for (const Stray& stray : write.quarantined) {
        auto entry = co_await to_move(stray);
        if (!entry) co_return tl::unexpected(entry.error());
        if (!*entry) continue;
        // What answers goes after what comes in its stead, unless that is written over it.
        const bool answers = stray.kind != Stray::Kind::malformed && !ours.contains(stray.key);
        if (answers) {
            last.push_back(**std::move(entry));
        } else {
            move_aside(part_with_room(max_moved_aside), **entry);
        }
    }
    for (const MemberId& id : write.puts)
        part_with_room(max_ops).ops.emplace_back(etcd::Put{
            .key = member_key(layout_, write.name, id),
            .value =
                member_value(layout_, write.name, write.after.members.at(id), write.after.ttl)});
    for (const MemberId& id : write.removals)
        part_with_room(max_ops).ops.emplace_back(etcd::Delete{member_key(layout_, write.name, id)});
    for (const etcd::KeyValue& entry : last) {
        Part& part = part_with_room(max_ops - 1);
        move_aside(
            part.compares.size() < max_moved_aside ? part : parts.emplace_back(begin_part(write)),
            entry);
    }
    Part& final = part_with_room(max_ops + 1);
    if (write.after.members.empty()) {
        final.ops.front() = etcd::Delete{anchor};
        final.transaction.clear();
    }
    co_return parts;
}

asio::awaitable<std::vector<WriteResult>> EtcdProvider::write(std::vector<SetWrite> writes) {
    std::vector<WriteResult> results;
    std::vector<Part> batch;  // of sets that need one transaction each
    std::size_t ops = 0;
    const auto over = [&results] {
        return !results.empty() && (results.back().outcome == Outcome::fenced ||
                                    results.back().outcome == Outcome::unknown);
    };
    for (SetWrite& write : writes) {
        const DnsName name = write.name;
        Result<std::vector<Part>> parts = co_await parts_of(std::move(write));
        if (!parts) {
            const bool moved = parts.error().code == make_error_code(etcd::Errc::conflict);
            results.push_back(
                {name, moved ? Outcome::conflict : Outcome::failed, parts.error().message()});
            continue;
        }
        const bool alone = parts->size() > 1 || !parts->front().compares.empty();
        const std::size_t size = alone ? 0 : parts->front().ops.size();
        if (alone || ops + size > max_ops || batch.size() == max_sets) {
            co_await write_batch(std::exchange(batch, {}), results);
            ops = 0;
        }
        if (over()) co_return results;
        if (alone) {
            results.push_back(co_await write_in_turn(*std::move(parts)));
            if (over()) co_return results;
        } else {
            batch.push_back(std::move(parts->front()));
            ops += size;
        }
    }
    co_await write_batch(std::move(batch), results);
    co_return results;
}

asio::awaitable<void> EtcdProvider::write_batch(std::vector<Part> batch,
                                                std::vector<WriteResult>& results) {
    while (!batch.empty()) {
        const Committed done = co_await commit_until_known(batch);
        std::vector<Part> again;
        for (Part& part : batch) {
            // Those of a batch with a conflict that have none themselves go without the others.
            if (done.outcome == Outcome::conflict && !done.moved.contains(part.name)) {
                again.push_back(std::move(part));
            } else {
                results.push_back({part.name, done.outcome, done.detail});
            }
        }
        batch = std::move(again);
    }
}

asio::awaitable<WriteResult> EtcdProvider::write_in_turn(std::vector<Part> parts) {
    const DnsName name = parts.front().name;
    std::int64_t revision = parts.front().revision;
    for (Part& part : parts) {
        part.revision = revision;
        const std::vector<Part> one{std::move(part)};
        const Committed done = co_await commit_until_known(one);
        if (done.outcome != Outcome::done) co_return WriteResult{name, done.outcome, done.detail};
        revision = done.revision;
    }
    co_return WriteResult{name, Outcome::done, {}};
}

/// To send the same transaction again is safe: it compares what it changes.
asio::awaitable<EtcdProvider::Committed> EtcdProvider::commit_until_known(
    const std::vector<Part>& parts) {
    bool sent_before = false;
    Committed done;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        done = co_await commit(parts);
        if (done.outcome == Outcome::conflict && sent_before) {
            // Perhaps it is our own write that was in the way.
            const Result<std::int64_t> revision = co_await landed(parts.front());
            if (!revision) {
                done.outcome = Outcome::unknown;
            } else if (*revision > 0) {
                done = {.outcome = Outcome::done, .revision = *revision};
            }
        }
        if (done.outcome != Outcome::unknown) break;
        sent_before = true;
    }
    if (done.outcome == Outcome::unknown) {
        for (const Part& part : parts) unsettled_.insert(part.name);
    }
    co_return done;
}

/// The revision in which it did; 0: it did not.
asio::awaitable<Result<std::int64_t>> EtcdProvider::landed(const Part& part) {
    const std::string key = anchor_key(layout_, part.name);
    const Result<etcd::RangeReply> there = co_await client_.get(key);
    if (!there) co_return tl::unexpected(there.error());
    if (there->entries.empty()) co_return part.transaction.empty() ? there->header.revision : 0;
    const etcd::KeyValue& anchor = there->entries[0];
    const Observed read = read_entries(layout_, {{.key = key, .value = anchor.value}});
    const auto set = read.sets.find(part.name);
    const bool ours = set != read.sets.end() && set->second.anchor && !part.transaction.empty() &&
                      set->second.anchor->transaction == part.transaction;
    co_return ours ? anchor.mod_revision : 0;
}

asio::awaitable<EtcdProvider::Committed> EtcdProvider::commit(const std::vector<Part>& parts) {
    if (fence_revision_ == 0) co_return Committed{.detail = "the store is not claimed"};
    etcd::Txn txn{.compares = {fence_compare()}, .otherwise = {{.key = fence_key_}}};
    for (const Part& part : parts) {
        const std::string anchor = anchor_key(layout_, part.name);
        txn.compares.push_back({.key = anchor, .mod_revision = part.revision});
        txn.otherwise.push_back({.key = anchor});
        txn.compares.insert(txn.compares.end(), part.compares.begin(), part.compares.end());
        txn.ops.insert(txn.ops.end(), part.ops.begin(), part.ops.end());
    }
    const Result<etcd::TxnReply> reply = co_await client_.commit(txn);
    if (!reply) {
        const bool unknown = reply.error().code == make_error_code(etcd::Errc::outcome_unknown);
        co_return Committed{.outcome = unknown ? Outcome::unknown : Outcome::failed,
                            .detail = reply.error().message()};
    }
    if (!reply->succeeded) co_return why_not(parts, *reply);
    co_return Committed{.outcome = Outcome::done, .revision = reply->header.revision};
}

EtcdProvider::Committed EtcdProvider::why_not(const std::vector<Part>& parts,
                                              const etcd::TxnReply& reply) const {
    if (reply.ranges.size() != parts.size() + 1)
        return {.outcome = Outcome::failed, .detail = "a reply without what was asked for"};
    const std::vector<etcd::KeyValue>& fence = reply.ranges.front();
    if (fence.empty() || fence[0].mod_revision != fence_revision_ ||
        fence[0].value != encode(fence_)) {
        return {.outcome = Outcome::fenced,
                .detail = fence.empty() ? fence_key_ + " is gone"
                                        : fmt::format("{} is {}", fence_key_, fence[0].value)};
    }
    Committed conflict{.outcome = Outcome::conflict, .detail = "changed by someone else meanwhile"};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::vector<etcd::KeyValue>& anchor = reply.ranges[i + 1];
        if ((anchor.empty() ? 0 : anchor[0].mod_revision) != parts[i].revision)
            conflict.moved.insert(parts[i].name);
    }
    // Something that was to be moved aside has changed.
    if (conflict.moved.empty()) {
        for (const Part& part : parts) conflict.moved.insert(part.name);
    }
    return conflict;
}

}  // namespace muster::dnsupdate
