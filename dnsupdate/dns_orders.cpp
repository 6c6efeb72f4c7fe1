// What a person has an updater do: a part of DnsUpdater.
#include "common/base/with_timeout.hpp"
#include "common/observe/log.hpp"
#include "dnsupdate/dns_updater.hpp"
#include "dnsupdate/last_good.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace muster::dnsupdate {

struct DnsUpdater::Pending {
    Pending(const asio::any_io_executor& executor, Order what)
        : order(std::move(what)), ended(executor) {}

    void end(Result<OrderDone> result) {
        if (!done) done.emplace(std::move(result));
        ended.notify();
    }

    Order order;
    bool begun = false;
    bool withdrawn = false;
    std::optional<Result<OrderDone>> done;
    Signal ended;
};

namespace {

constexpr std::size_t most_orders = 16;
/// `bump-era` goes no further: a larger one can only be replaced.
constexpr std::int64_t last_era = 0x7fff'ffff;

Result<OrderDone> refusal(std::string why) {
    OrderDone done;
    done.refused.push_back(std::move(why));
    return done;
}

/// May `repair` put ours in its place? Where a larger one can be outbid, raising the era is right.
bool is_broken(const StoredFence& stored, const Fence& mine) {
    if (!stored.text) return true;
    const auto theirs = decode_fence(*stored.text);
    return !theirs || theirs->token.era >= last_era ||
           (theirs->token == mine.token && theirs->nonce != mine.nonce);
}

}  // namespace

std::vector<NameDifference> differences(const Desired& desired, const Observed& observed) {
    std::vector<NameDifference> all;
    std::set<DnsName> names;
    for (const auto& [name, set] : desired.sets) names.insert(name);
    for (const auto& [name, set] : observed.sets) names.insert(name);
    for (const DnsName& name : names) {
        static const DesiredSet nothing_wanted;
        static const ObservedSet nothing_there;
        const auto found = desired.sets.find(name);
        const DesiredSet& wanted = found == desired.sets.end() ? nothing_wanted : found->second;
        const auto seen = observed.sets.find(name);
        const ObservedSet& there = seen == observed.sets.end() ? nothing_there : seen->second;
        NameDifference one{.name = name};
        for (const auto& [id, member] : wanted.records.members) {
            const auto known = there.members.find(id);
            if (known == there.members.end()) {
                one.sentences.push_back(fmt::format("+ {} {}", id.str(), member.address));
            } else if (known->second.member != member || known->second.ttl != wanted.records.ttl ||
                       !known->second.as_written) {
                one.sentences.push_back(fmt::format("~ {} {}", id.str(), member.address));
            }
        }
        for (const auto& [id, member] : there.members) {
            if (!wanted.records.members.contains(id))
                one.sentences.push_back(fmt::format("- {} {}", id.str(), member.member.address));
        }
        if (!one.sentences.empty()) all.push_back(std::move(one));
    }
    return all;
}

asio::awaitable<Result<OrderDone>> DnsUpdater::carry_out(Order order,
                                                         std::chrono::nanoseconds limit) {
    if (tasks_.stopping())
        co_return fail(std::make_error_code(std::errc::operation_canceled), "the office has ended");
    if (orders_.size() >= most_orders)
        co_return fail(std::make_error_code(std::errc::operation_canceled),
                       "too many ask at the same time");
    const auto pending = std::make_shared<Pending>(tasks_.executor(), std::move(order));
    orders_.push_back(pending);
    wake_.notify();
    // From here on `this` may go.
    Clock& clock = clock_;
    const auto ended = [](std::shared_ptr<Pending> of) -> asio::awaitable<Result<void>> {
        co_await of->ended.wait();
        co_return Result<void>{};
    };
    if (!pending->done) (void)co_await with_timeout(clock, limit, ended(pending));
    if (pending->done) co_return std::move(*pending->done);
    pending->withdrawn = true;
    co_return fail(
        std::make_error_code(pending->begun ? std::errc::operation_in_progress
                                            : std::errc::timed_out),
        pending->begun ? "the store has not answered yet" : "the updater is busy with the store");
}

void DnsUpdater::drop_orders() {
    for (const std::shared_ptr<Pending>& pending : std::exchange(orders_, {}))
        pending->end(fail(std::make_error_code(std::errc::operation_canceled),
                          "the office has ended; nothing was done"));
}

asio::awaitable<void> DnsUpdater::serve_order() {
    if (orders_.empty()) co_return;
    const std::shared_ptr<Pending> pending = orders_.front();
    orders_.pop_front();
    if (pending->withdrawn) co_return;
    pending->begun = true;
    /// Whoever waits is told, also when this coroutine is cancelled on the way.
    struct Telling {
        std::shared_ptr<Pending> pending;
        ~Telling() {
            pending->end(fail(std::make_error_code(std::errc::operation_in_progress),
                              "the office has ended meanwhile"));
        }
    } const telling{pending};
    pending->end(co_await do_order(pending->order));
    links_.on_change();
}

asio::awaitable<Result<OrderDone>> DnsUpdater::do_order(const Order& order) {
    switch (order.verb) {
        case Order::Verb::look:
            return look_at(order);
        case Order::Verb::plan:
            return plan_for(order, order.request);
        case Order::Verb::apply:
            return apply(order);
        case Order::Verb::show_fence:
            return show_fence();
        case Order::Verb::repair_fence:
        case Order::Verb::bootstrap:
            return replace_fence(order);
    }
    std::unreachable();
}

asio::awaitable<Result<OrderDone>> DnsUpdater::plan_for(const Order& order,
                                                        const PlanRequest& request) {
    if (status_.stage != Stage::publishing)
        co_return refusal("the store is not claimed: " + status_.trouble);
    const Result<Observed> read = co_await provider_.read();
    if (!read) co_return tl::unexpected(read.error());
    notice_age();
    ordered_round_ = {.time = clock_.wall(), .desired = links_.wanted(), .observed = *read};
    const Desired& desired = ordered_round_.desired.desired;
    if (std::string no = what_is_impossible(request, desired, *read); !no.empty())
        co_return refusal(std::move(no));
    const PlanPolicy rounds = policy_now();
    const Plan waits = plan(desired, *read, memory_, rounds, clock_.now());
    ordered_ = only_asked_for(
        plan(desired, *read, memory_, policy_of(request, rounds), clock_.now()), request);
    tell_what_waits(ordered_.lines, waits.lines);
    ordered_round_.lines = ordered_.lines;
    const StoreAge age = provider_.age();
    OrderDone done{.plan = {.cluster = order.cluster,
                            .store = provider_.name(),
                            .token = fence_.token,
                            .revision = age.revision,
                            .term = age.term,
                            .request = request,
                            .writes = planned(ordered_.writes),
                            .lines = ordered_.lines}};
    done.differences = differences(desired, *read);
    if (!request.names.empty())
        std::erase_if(done.differences,
                      [&](const auto& one) { return !request.names.contains(one.name); });
    co_return done;
}

asio::awaitable<Result<OrderDone>> DnsUpdater::apply(const Order& order) {
    Result<OrderDone> made = co_await plan_for(order, order.plan.request);
    if (!made || !made->refused.empty()) co_return made;
    made->refused = moved_guards(order.plan, made->plan);
    for (const auto& [name, write] : made->plan.writes) {
        if (write.empties && !order.empty.contains(name))
            made->refused.push_back(
                fmt::format("the plan empties {0}: say so with --empty {0}", name.str()));
    }
    if (!links_.may_write())
        made->refused.emplace_back("this node's lease of its office has run out");
    if (!made->refused.empty() || ordered_.writes.empty()) co_return made;
    for (const auto& [name, write] : made->plan.writes) {
        if (write.empties) mark_.last_good.erase(name);
    }
    made->results = co_await provider_.write(ordered_.writes);
    log::info("dns_plan_applied",
              {{"provider", status_.provider}, {"names", std::to_string(made->results.size())}});
    last_begin_ = clock_.now();
    begin_after(settings_.gap);
    take(ordered_, std::move(ordered_round_), made->results);
    if (status_.stage == Stage::publishing) co_await keep_mark();
    co_return made;
}

asio::awaitable<Result<OrderDone>> DnsUpdater::look_at(const Order& order) {
    const Result<Observed> read = co_await provider_.read();
    if (!read) co_return tl::unexpected(read.error());
    notice_age();
    note_generations(*read);
    const DesiredRecords wanted = links_.wanted();
    Plan made = plan(wanted.desired, *read, memory_, policy_now(), clock_.now());
    OrderDone done;
    for (const DnsName& name : order.request.names) {
        NameNow& now = done.names[name];
        if (const auto set = read->sets.find(name); set != read->sets.end())
            now.observed = set->second;
        if (const auto set = wanted.desired.sets.find(name); set != wanted.desired.sets.end())
            now.desired = set->second;
        for (const PlanLine& line : made.lines) {
            if (line.name == name) now.lines.push_back(line);
        }
        for (const Stray& stray : read->strays) {
            if (stray.at == name || std::ranges::find(stray.touches, name) != stray.touches.end())
                now.strays.push_back(stray);
        }
        const auto known = generations_.find(name);
        if (known != generations_.end()) now.since = known->second.second;
    }
    co_return done;
}

asio::awaitable<Result<OrderDone>> DnsUpdater::show_fence() {
    Result<StoredFence> stored = co_await provider_.fence();
    if (!stored) co_return tl::unexpected(stored.error());
    OrderDone done;
    done.mine = encode(fence_);
    done.judged = judge_fence(stored->text, fence_, mark_.born);
    // A claim of this office has found out more.
    if (!stored->text && status_.claim &&
        (*status_.claim == Claim::deleted || *status_.claim == Claim::unfounded))
        done.judged = status_.claim;
    done.fence = *std::move(stored);
    co_return done;
}

asio::awaitable<Result<OrderDone>> DnsUpdater::replace_fence(const Order& order) {
    Result<OrderDone> done = co_await show_fence();
    if (!done) co_return done;
    const StoredFence& stored = done->fence;
    const bool repair = order.verb == Order::Verb::repair_fence;
    // In another view of the same etcd, say, which has the same fence.
    if (stored.text == done->mine && status_.stage != Stage::publishing) {
        done->replaced = true;
        claim_replaced();
        co_return done;
    }
    if (stored.text == done->mine) {
        done->refused.emplace_back("the fence is this office's own, as it should be");
    } else if (repair && stored.version != order.expected_version) {
        done->refused.push_back(fmt::format(
            "the fence has the version {}, not {}", stored.version, order.expected_version));
    } else if (repair && !is_broken(stored, fence_)) {
        done->refused.emplace_back(
            "the fence can be read, so it needs no repair: `dns fence bump-era`, if it is larger "
            "than this office's and there is no such master");
    } else if (!links_.may_write()) {
        done->refused.emplace_back("this node's lease of its office has run out");
    }
    if (!done->refused.empty()) co_return done;
    const Result<bool> replaced = co_await provider_.replace_fence(fence_, stored.version);
    if (!replaced) co_return tl::unexpected(replaced.error());
    if (!*replaced) {
        done->refused.emplace_back("the fence was changed by somebody else meanwhile");
        co_return done;
    }
    done->replaced = true;
    log::warn(
        "dns_fence_replaced",
        {{"provider", status_.provider}, {"was", stored.text.value_or("missing").substr(0, 100)}});
    claim_replaced();
    co_return done;
}

void DnsUpdater::claim_replaced() {
    distrust("an operator has replaced its fence");
    mark_.born = true;
    mark_is_kept_ = false;
    status_.stage = Stage::claiming;
    status_.claim.reset();
    next_back_off_ = settings_.least_back_off;
    begin_after({});
}

/// A larger fence stays, but an operator may have put ours in its place for another view, which
/// has the same one.
asio::awaitable<void> DnsUpdater::look_for_own_fence() {
    begin_after(settings_.longest_back_off);
    if (!links_.may_write()) co_return;
    const Result<StoredFence> stored = co_await provider_.fence();
    if (stored && stored->text == encode(fence_)) claim_replaced();
}

/// No fence is no reason to write one, unless it is known why there is none.
asio::awaitable<bool> DnsUpdater::may_claim() {
    is_unused_ = false;
    const Result<StoredFence> stored = co_await provider_.fence();
    if (!stored) {
        fall_back(stored.error().message());
        co_return false;
    }
    if (stored->text) co_return true;
    const StoreAge age = provider_.age();
    if (mark_.born && mark_.revision != 0 && age.revision >= mark_.revision && !age.went_back) {
        status_.claim = Claim::deleted;
        fall_back(fmt::format(
            "somebody has deleted the fence: the store is at revision {}, so it has lost nothing "
            "else. Nothing is written until `musterctl dns fence repair --expect-mod-rev 0`",
            age.revision));
        co_return false;
    }
    if (mark_.born) co_return true;
    const Result<Observed> read = co_await provider_.read();
    if (!read) {
        fall_back(read.error().message());
        co_return false;
    }
    is_unused_ = read->sets.empty();
    if (is_unused_) co_return true;
    status_.claim = Claim::unfounded;
    fall_back(fmt::format(
        "the store has no fence, but {} names of ours, and nobody knows of a fence: ZooKeeper and "
        "the store have both lost data. Nothing is written until `musterctl dns fence bootstrap "
        "--i-have-no-other-master`",
        read->sets.size()));
    co_return false;
}

void DnsUpdater::note_generations(const Observed& observed) {
    std::erase_if(generations_,
                  [&](const auto& known) { return !observed.sets.contains(known.first); });
    for (const auto& [name, set] : observed.sets) {
        if (!set.anchor) continue;
        const std::int64_t generation = set.anchor->generation;
        const auto known = generations_.find(name);
        if (known == generations_.end() || known->second.first != generation)
            generations_.insert_or_assign(name, std::pair(generation, clock_.wall()));
    }
}

void DnsUpdater::note_last_good(const Round& round) {
    auto now = last_good(
        mark_.last_good, round.desired.desired, round.observed, settings_.max_last_good_bytes);
    if (now == mark_.last_good) return;
    mark_.last_good = std::move(now);
    mark_is_kept_ = false;
}

}  // namespace muster::dnsupdate
