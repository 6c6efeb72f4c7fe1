#include "dnsupdate/rfc2136_provider.hpp"

#include "dnsupdate/text_digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace muster::dnsupdate {

namespace {

constexpr int claim_attempts = 3;
constexpr int write_attempts = 2;
constexpr int settle_attempts = 3;

/// What a prerequisite that doesn't hold is answered with.
bool says_otherwise(const std::string& code) {
    constexpr std::array<std::string_view, 4> codes{"NXRRSET", "YXRRSET", "YXDOMAIN", "NXDOMAIN"};
    return std::ranges::find(codes, code) != codes.end();
}

/// Nothing was sent, or it was known before that it can't be.
bool did_nothing(const std::error_code& code) {
    return code == make_error_code(UpdateErrc::unreachable) ||
           code == make_error_code(UpdateErrc::too_large) ||
           code == make_error_code(UpdateErrc::bad_record) ||
           code == make_error_code(TsigErrc::bad_secret);
}

}  // namespace

Rfc2136Provider::Rfc2136Provider(Clock& clock,
                                 Rfc2136Settings settings,
                                 std::string owner,
                                 std::string name)
    : name_(std::move(name)),
      client_(clock, std::move(settings)),
      layout_{.zone = client_.settings().zone, .owner = std::move(owner)} {}

std::optional<std::pair<DnsName, std::string>> Rfc2136Provider::own_canary(
    const Fence& fence) const {
    return std::pair(DnsName(fence_name(layout_.zone)), encode(fence));
}

const std::string& Rfc2136Provider::name() const {
    return name_;
}

asio::awaitable<Result<std::optional<std::string>>> Rfc2136Provider::stored_fence() {
    Result<std::vector<ZoneRecord>> there = co_await client_.ask_text(fence_name(layout_.zone));
    if (!there) co_return tl::unexpected(there.error());
    std::optional<std::string> text;
    // More than one is unreadable, as is one of several strings.
    for (const ZoneRecord& record : *there) {
        if (text) *text += '\n';
        text = text.value_or("") + fmt::format("{}", fmt::join(record.data, "\n"));
    }
    co_return text;
}

asio::awaitable<Result<Claim>> Rfc2136Provider::claim(Fence fence, bool born) {
    fence_ = std::move(fence);
    claimed_ = false;
    known_.clear();
    for (int attempt = 0; attempt < claim_attempts; ++attempt) {
        const Result<std::optional<std::string>> stored = co_await stored_fence();
        if (!stored) co_return tl::unexpected(stored.error());
        const Claim claim = judge_fence(*stored, fence_, born);
        if (!is_to_be_written(claim)) {
            claimed_ = claim == Claim::adopt;
            co_return claim;
        }
        const Result<UpdateReply> reply =
            co_await client_.send(claim_update(layout_.zone, *stored, fence_));
        if (reply && reply->code == "NOERROR") {
            claimed_ = true;
            co_return claim;
        }
        // Somebody else was faster, or the reply was lost: what is there tells.
        if (!reply && reply.error().code != make_error_code(UpdateErrc::outcome_unknown))
            co_return tl::unexpected(reply.error());
        if (reply && !says_otherwise(reply->code))
            co_return fail(UpdateErrc::refused,
                           fmt::format("{}: update: {}", layout_.zone.str(), reply->code));
    }
    co_return fail(UpdateErrc::conflict, fence_name(layout_.zone));
}

asio::awaitable<Result<StoredFence>> Rfc2136Provider::fence() {
    Result<std::optional<std::string>> stored = co_await stored_fence();
    if (!stored) co_return tl::unexpected(stored.error());
    std::string version = *stored ? digest(**stored) : "0";
    co_return StoredFence{.text = *std::move(stored), .version = std::move(version)};
}

asio::awaitable<Result<bool>> Rfc2136Provider::replace_fence(Fence fence, std::string version) {
    const Result<StoredFence> stored = co_await this->fence();
    if (!stored) co_return tl::unexpected(stored.error());
    if (stored->version != version) co_return false;
    // As records, not as text: what is there may be several.
    Result<std::vector<ZoneRecord>> there = co_await client_.ask_text(fence_name(layout_.zone));
    if (!there) co_return tl::unexpected(there.error());
    Update update = claim_update(layout_.zone, std::nullopt, fence);
    if (!there->empty())
        update.prerequisites = {{.kind = Prerequisite::Kind::is,
                                 .owner = fence_name(layout_.zone),
                                 .type = "TXT",
                                 .records = *std::move(there)}};
    const Result<UpdateReply> reply = co_await client_.send(update);
    if (!reply) co_return tl::unexpected(reply.error());
    if (reply->code == "NOERROR") co_return true;
    if (says_otherwise(reply->code)) co_return false;
    co_return fail(UpdateErrc::refused,
                   fmt::format("{}: update: {}", layout_.zone.str(), reply->code));
}

asio::awaitable<Result<Observed>> Rfc2136Provider::read() {
    if (const Result<void> settled = co_await settle(); !settled)
        co_return tl::unexpected(settled.error());
    const Result<std::vector<ZoneRecord>> records = co_await client_.transfer();
    if (!records) co_return tl::unexpected(records.error());
    ZoneReading reading = read_zone(layout_, *records);
    known_ = std::move(reading.known);
    others_ = std::move(reading.others);
    co_return std::move(reading.observed);
}

/// A write with a lost reply may still come. It compares the anchor: once that has changed it comes
/// too late.
asio::awaitable<Result<void>> Rfc2136Provider::settle() {
    while (!unsettled_.empty()) {
        const DnsName name = *unsettled_.begin();
        if (const Result<void> done = co_await settle_one(name); !done) co_return done;
        unsettled_.erase(name);
    }
    co_return Result<void>{};
}

asio::awaitable<Result<void>> Rfc2136Provider::settle_one(DnsName name) {
    for (int attempt = 0; attempt < settle_attempts; ++attempt) {
        const Result<std::vector<ZoneRecord>> anchor = co_await client_.ask_text(anchor_name(name));
        if (!anchor) co_return tl::unexpected(anchor.error());
        // Someone else's mark is in the way of ours, too.
        if (!anchor->empty() && transaction_of(layout_, *anchor).empty()) co_return Result<void>{};
        const std::string transaction = next_transaction();
        const Committed done = co_await commit(
            barrier_update(layout_, fence_, name, *anchor, transaction), name, transaction);
        switch (done.outcome) {
            case Outcome::done:
                co_return Result<void>{};
            case Outcome::conflict:
                break;  // it has just come: once more
            case Outcome::fenced:
                co_return fail(UpdateErrc::fenced, done.detail);
            case Outcome::unknown:
            case Outcome::failed:
                co_return fail(UpdateErrc::unreachable, done.detail);
        }
    }
    // Records of others' are at the name: they are in the way of the write, too.
    co_return Result<void>{};
}

asio::awaitable<std::vector<WriteResult>> Rfc2136Provider::write(std::vector<SetWrite> writes) {
    std::vector<WriteResult> results;
    for (const SetWrite& write : writes) {
        results.push_back(co_await write_one(write));
        const Outcome outcome = results.back().outcome;
        if (outcome == Outcome::fenced || outcome == Outcome::unknown) break;
    }
    co_return results;
}

asio::awaitable<WriteResult> Rfc2136Provider::write_one(const SetWrite& write) {
    if (!claimed_) co_return WriteResult{write.name, Outcome::failed, "the zone is not claimed"};
    const auto there = known_.find(write.name);
    KnownSet known = there == known_.end() ? KnownSet{} : there->second;
    for (const Stray& stray : write.quarantined) {
        const auto others = others_.find(stray.key);
        if (others == others_.end() || others->second.empty())
            co_return WriteResult{write.name, Outcome::conflict, stray.key + " has changed"};
        known.take_over(write.name, others->second);
        known.version = write.version;
    }
    if (known.version != write.version)
        co_return WriteResult{write.name, Outcome::conflict, "it was read again meanwhile"};
    const std::string transaction = next_transaction();
    const Result<Update> update = set_update(layout_, fence_, known, write, transaction);
    if (!update) co_return WriteResult{write.name, Outcome::failed, update.error().message()};
    const Committed done = co_await commit_until_known(
        *update, write.name, write.after.members.empty() ? "" : transaction);
    if (done.outcome == Outcome::done) {
        if (write.after.members.empty()) {
            known_.erase(write.name);
        } else {
            known_[write.name] = known_after(*update, write);
        }
    }
    if (done.outcome == Outcome::unknown) unsettled_.insert(write.name);
    co_return WriteResult{write.name, done.outcome, done.detail};
}

/// To send the same update again is safe: it compares what it changes.
asio::awaitable<Rfc2136Provider::Committed> Rfc2136Provider::commit_until_known(
    const Update& update, const DnsName& name, const std::string& transaction) {
    bool sent_before = false;
    Committed done;
    for (int attempt = 0; attempt < write_attempts; ++attempt) {
        done = co_await commit(update, name, transaction);
        // That it was not sent now says nothing of the time before.
        if (done.outcome == Outcome::failed && sent_before) done.outcome = Outcome::unknown;
        if (done.outcome != Outcome::unknown) break;
        sent_before = true;
        const Result<bool> there = co_await landed(name, transaction);
        if (!there) break;
        if (*there) co_return Committed{.outcome = Outcome::done};
    }
    co_return done;
}

asio::awaitable<Rfc2136Provider::Committed> Rfc2136Provider::commit(
    const Update& update, const DnsName& name, const std::string& transaction) {
    const Result<UpdateReply> reply = co_await client_.send(update);
    if (!reply) {
        // What isn't signed is not believed, so it is no answer.
        const bool nothing = did_nothing(reply.error().code);
        co_return Committed{.outcome = nothing ? Outcome::failed : Outcome::unknown,
                            .detail = reply.error().message()};
    }
    if (reply->code == "NOERROR") co_return Committed{.outcome = Outcome::done};
    if (says_otherwise(reply->code)) co_return co_await why_not(reply->code, name, transaction);
    std::string detail = fmt::format("the server says {}", reply->code);
    if (reply->code == "SERVFAIL") {
        // It has to undo what it began, but who knows. BIND says it of a set that is too large.
        detail += "; BIND does when a set has more records than max-records-per-type";
        const Result<bool> there = co_await landed(name, transaction);
        if (!there) co_return Committed{.outcome = Outcome::unknown, .detail = std::move(detail)};
        if (*there) co_return Committed{.outcome = Outcome::done};
    }
    co_return Committed{.outcome = Outcome::failed, .detail = std::move(detail)};
}

/// A prerequisite didn't hold: which?
asio::awaitable<Rfc2136Provider::Committed> Rfc2136Provider::why_not(
    std::string code, const DnsName& name, const std::string& transaction) {
    const Result<std::optional<std::string>> fence = co_await stored_fence();
    if (!fence) co_return Committed{.outcome = Outcome::unknown, .detail = fence.error().message()};
    if (*fence != encode(fence_)) {
        co_return Committed{
            .outcome = Outcome::fenced,
            .detail = fmt::format("{} is {}", fence_name(layout_.zone), fence->value_or("gone"))};
    }
    // Perhaps it is our own write, sent before, that is in the way.
    const Result<bool> there = co_await landed(name, transaction);
    if (!there) co_return Committed{.outcome = Outcome::unknown, .detail = there.error().message()};
    if (*there) co_return Committed{.outcome = Outcome::done};
    co_return Committed{
        .outcome = Outcome::conflict,
        .detail = fmt::format(
            "{}: its records or its mark are not as they were read ({})", name.str(), code)};
}

asio::awaitable<Result<bool>> Rfc2136Provider::landed(const DnsName& name,
                                                      const std::string& transaction) {
    const Result<std::vector<ZoneRecord>> anchor = co_await client_.ask_text(anchor_name(name));
    if (!anchor) co_return tl::unexpected(anchor.error());
    if (transaction.empty()) co_return anchor->empty();
    co_return transaction_of(layout_, *anchor) == transaction;
}

std::string Rfc2136Provider::next_transaction() {
    return fmt::format("{}-{}", fence_.nonce, ++transactions_);
}

}  // namespace muster::dnsupdate
