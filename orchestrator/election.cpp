#include "orchestrator/election.hpp"

#include "common/observe/log.hpp"
#include "common/znodes/payloads.hpp"

#include <utility>

namespace muster::orchestrator {

using coordination::CheckOp;
using coordination::CreateMode;
using coordination::CreateOp;
using coordination::DeleteOp;
using coordination::MultiOutcome;
using coordination::Op;
using coordination::SessionState;
using coordination::SessionStatus;
using coordination::SetOp;
using coordination::Watch;

Election::Election(asio::any_io_executor executor,
                   coordination::Store& store,
                   Clock& clock,
                   znodes::Paths paths,
                   ElectionSettings settings,
                   NewGuid new_guid,
                   OnOffice on_office)
    : store_(store),
      clock_(clock),
      paths_(std::move(paths)),
      settings_(std::move(settings)),
      new_guid_(std::move(new_guid)),
      on_office_(std::move(on_office)),
      tasks_(executor),
      wake_(executor) {}

void Election::start() {
    candidates_subscription_ = store_.listen(
        paths_.election(), [this](const std::string&, coordination::WatchKind) { wake_.notify(); });
    epoch_subscription_ =
        store_.listen(paths_.epoch(), [this](const std::string&, coordination::WatchKind) {
            if (office_) wake_.notify();
        });
    session_subscription_ =
        store_.listen_session([this](const SessionStatus& session) { on_session(session); });
    tasks_.spawn("election", run());
    wake_.notify();
}

asio::awaitable<void> Election::stop() {
    candidates_subscription_ = {};
    epoch_subscription_ = {};
    session_subscription_ = {};
    lose_office();
    co_await tasks_.stop();
}

SteadyTime Election::lease_until() const {
    return coordination::lease_until(store_.session(), settings_.tick);
}

bool Election::may_act(SteadyTime now) const {
    return office_ && confirmed_ && store_.session().state == SessionState::connected &&
           now < lease_until();
}

void Election::on_session(const SessionStatus& session) {
    const bool replaced = office_ && session.generation != office_->session_generation;
    if (session.state == SessionState::lost || replaced) lose_office();
    if (session.state != SessionState::connected) confirmed_ = false;
    // Each confirmed heartbeat comes by here, too; only trouble and its end need a look.
    if (session.state != last_state_ || session.generation != guid_generation_) wake_.notify();
    last_state_ = session.state;
}

void Election::lose_office() {
    confirmed_ = false;
    if (!office_) return;
    office_.reset();
    on_office_(office_);
}

void Election::doubt_office() {
    confirmed_ = false;
    wake_.notify();
}

std::string Election::candidate_path(const std::string& name) const {
    return paths_.election() + "/" + name;
}

asio::awaitable<void> Election::run() {
    for (;;) {
        co_await wake_.wait();
        while (store_.session().state == SessionState::connected) {
            const bool settled = retired_ ? co_await withdraw() : co_await campaign();
            if (settled) break;
            co_await clock_.sleep_for(settings_.retry);
        }
    }
}

asio::awaitable<bool> Election::campaign() {
    const std::uint64_t generation = store_.session().generation;
    if (generation != guid_generation_) {
        // A replaced session means a new candidacy; the old node goes with the old session.
        lose_office();
        guid_ = new_guid_();
        guid_generation_ = generation;
        given_up_.clear();
        own_.clear();
    }
    if (own_.empty() && !co_await join()) co_return false;

    const Result<coordination::Children> children =
        co_await store_.children(paths_.election(), Watch::none);
    if (!children) co_return false;
    const Standing place = standing(children->names, guid_);
    if (!place.own) {
        // Deleted by hand, or this server lags behind our create: join() looks for the guid before
        // it creates.
        lose_office();
        own_.clear();
        co_return false;
    }
    own_ = place.own->name;
    for (const std::string& twin : place.own_twins) co_await delete_candidate(twin);
    for (const std::string& name : children->names) {
        const std::optional<Candidate> other = parse_candidate(name);
        if (other && given_up_.contains(other->guid)) co_await delete_candidate(name);
    }

    if (place.predecessor) {
        lose_office();
        const auto predecessor =
            co_await store_.exists(candidate_path(place.predecessor->name), Watch::set);
        if (!predecessor) co_return false;
        // Gone since the list was read: another one is before us now, or nobody.
        if (!predecessor->has_value()) wake_.notify();
        co_return true;
    }
    // First in line. Watch our own node, so that its deletion is noticed.
    const auto own = co_await store_.exists(candidate_path(own_), Watch::set);
    if (!own || !own->has_value()) co_return false;
    if (!office_ && !co_await take_office()) co_return false;
    // Who overwrites the epoch ends the office, whether or not there is anything to write.
    const auto epoch = co_await store_.exists(paths_.epoch(), Watch::set);
    if (!epoch) co_return false;
    if (!office_) co_return true;
    const bool ours = epoch->has_value() && (*epoch)->version == office_->epoch;
    if (!ours || !confirmed_) co_return co_await confirm_office();
    co_return true;
}

asio::awaitable<bool> Election::withdraw() {
    // While a node of ours is there, nobody behind it takes office.
    const Result<coordination::Children> children =
        co_await store_.children(paths_.election(), Watch::none);
    if (!children) co_return false;
    bool gone = true;
    for (const std::string& name : children->names) {
        const std::optional<Candidate> candidate = parse_candidate(name);
        if (!candidate || !given_up_.contains(candidate->guid)) continue;
        co_await delete_candidate(name);
        gone = false;  // or not: the next look tells
    }
    co_return gone;
}

asio::awaitable<bool> Election::join() {
    // A create whose reply was lost left a node that carries our guid: find it before making
    // another. sync() first, as this server may lag behind the one that made it.
    const Result<void> synced = co_await store_.sync(paths_.election());
    if (!synced) co_return false;
    const Result<coordination::Children> children =
        co_await store_.children(paths_.election(), Watch::none);
    if (!children) co_return false;
    if (const Standing place = standing(children->names, guid_); place.own) {
        const auto found = co_await store_.exists(candidate_path(place.own->name), Watch::none);
        if (!found) co_return false;
        if (found->has_value() && (*found)->ephemeral_owner == store_.session().id) {
            own_ = place.own->name;
            co_return true;
        }
    }
    const znodes::Candidate payload{
        .stamp = {.cluster = settings_.cluster, .writer = settings_.node.str()},
        .node = settings_.node,
        .incarnation = settings_.incarnation,
        .address = settings_.address};
    CreateOp op{.path = candidate_path(guid_ + "-n-"),
                .data = znodes::encode(payload),
                .mode = CreateMode::ephemeral_sequential};
    const Result<std::string> made = co_await coordination::create(store_, std::move(op));
    if (!made) co_return false;  // unknown outcome, too: the next round finds it by its guid
    own_ = made->substr(paths_.election().size() + 1);
    co_return true;
}

asio::awaitable<bool> Election::take_office() {
    const std::uint64_t generation = guid_generation_;
    if (const Result<void> synced = co_await store_.sync(paths_.epoch()); !synced) co_return false;
    const Result<coordination::Node> epoch = co_await store_.get(paths_.epoch(), Watch::none);
    if (!epoch) co_return false;

    const std::string nonce = new_guid_();
    const znodes::Epoch claim{.stamp = {.cluster = settings_.cluster,
                                        .token = epoch->stat.version + 1,
                                        .writer = settings_.node.str()},
                              .node = settings_.node,
                              .nonce = nonce};
    // A candidacy stands for its session: the node of one that we have given up for lost may still
    // be there, and must not carry a claim of the next.
    if (store_.session().generation != generation || own_.empty()) co_return false;
    std::vector<Op> ops;
    ops.emplace_back(CheckOp{.path = candidate_path(own_)});
    ops.emplace_back(CheckOp{.path = paths_.control()});
    ops.emplace_back(SetOp{
        .path = paths_.epoch(), .data = znodes::encode(claim), .version = epoch->stat.version});
    const MultiOutcome outcome = co_await store_.multi(std::move(ops));

    std::int64_t taken = 0;
    if (outcome.ok()) {
        taken = outcome.ops.back().stat.version;
    } else if (outcome.unknown()) {
        const Result<coordination::Node> now = co_await store_.get(paths_.epoch(), Watch::none);
        if (!now) co_return false;
        const Result<znodes::Epoch> found = znodes::decode<znodes::Epoch>(now->data, "");
        if (!found || found->nonce != nonce) co_return false;
        taken = now->stat.version;
    } else {
        co_return false;
    }
    // The session may have been replaced, or we may have been asked to leave, while the claim was
    // under way.
    if (store_.session().generation != generation || retired_ || own_.empty()) co_return false;
    office_ = Office{.epoch = taken, .session_generation = generation, .since = clock_.now()};
    confirmed_ = true;
    on_office_(office_);
    co_return true;
}

asio::awaitable<bool> Election::confirm_office() {
    std::vector<Op> ops;
    ops.emplace_back(
        CheckOp{.path = paths_.epoch(), .version = static_cast<std::int32_t>(office_->epoch)});
    ops.emplace_back(CheckOp{.path = candidate_path(own_)});
    const MultiOutcome outcome = co_await store_.multi(std::move(ops));
    if (!office_) co_return true;
    if (outcome.ok()) {
        confirmed_ = true;
        on_office_(office_);
        co_return true;
    }
    if (!outcome.op_errors.empty()) lose_office();
    co_return false;
}

asio::awaitable<void> Election::delete_candidate(std::string name) {
    const Result<void> removed =
        co_await coordination::remove(store_, DeleteOp{.path = candidate_path(name)});
    if (!removed && removed.error().code != make_error_code(coordination::Errc::no_node)) {
        log::warn("candidate_not_deleted",
                  {{"candidate", name}, {"error", removed.error().message()}});
    }
}

asio::awaitable<void> Election::give_up_candidacy() {
    lose_office();
    const std::string own = std::exchange(own_, {});
    // A create under the old guid may still be under way; whatever carries it goes at the next look
    // at the list.
    given_up_.insert(std::exchange(guid_, new_guid_()));
    if (!own.empty()) co_await delete_candidate(own);
}

asio::awaitable<void> Election::step_down() {
    co_await give_up_candidacy();
    wake_.notify();
}

asio::awaitable<void> Election::retire() {
    retired_ = true;
    co_await give_up_candidacy();
    wake_.notify();
}

}  // namespace muster::orchestrator
