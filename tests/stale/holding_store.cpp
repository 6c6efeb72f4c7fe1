#include "tests/stale/holding_store.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace muster::stale {

using coordination::CheckOp;
using coordination::MultiOutcome;
using coordination::Op;
using coordination::SessionState;
using coordination::SetOp;

namespace {

/// The server has decided on it, or may have.
bool reached_a_server(const MultiOutcome& outcome) {
    return outcome.ok() || outcome.unknown() || !outcome.op_errors.empty();
}

}  // namespace

std::int32_t HeldWrite::token() const {
    if (kind == WriteClass::claim) {
        const auto* set = std::get_if<SetOp>(&ops.back());
        return set != nullptr ? set->version : coordination::any_version;
    }
    const auto* guard = std::get_if<CheckOp>(&ops.front());
    return guard != nullptr ? guard->version : coordination::any_version;
}

bool HeldWrite::has_payload() const {
    return std::ranges::any_of(ops, [](const Op& op) {
        const auto* create = std::get_if<coordination::CreateOp>(&op);
        const auto* set = std::get_if<SetOp>(&op);
        return (create != nullptr && !create->data.empty()) ||
               (set != nullptr && !set->data.empty());
    });
}

HoldingStore::HoldingStore(asio::any_io_executor executor,
                           coordination::Store& store,
                           znodes::Paths paths,
                           Guards guards)
    : PassingStore(store),
      executor_(std::move(executor)),
      paths_(std::move(paths)),
      guards_(guards) {
    // Before any listener of the node: what is held goes out ahead of what the new session makes it
    // read and write.
    session_subscription_ =
        listen_session([this](const coordination::SessionStatus&) { open_gates(); });
}

void HoldingStore::hold(std::set<WriteClass> kinds) {
    holding_ = std::move(kinds);
    released_.reset();
}

void HoldingStore::release(Under under) {
    holding_.clear();
    released_ = under;
    open_gates();
}

void HoldingStore::withdraw_composed() {
    for (const auto& write : held_) {
        if (write->origin != Origin::test || write->outcome) continue;
        write->outcome = MultiOutcome{.error = make_error_code(coordination::Errc::closed)};
        write->gate->notify();
    }
}

bool HoldingStore::holds(WriteClass kind) const {
    return std::ranges::any_of(held_, [&](const auto& write) { return write->kind == kind; });
}

bool HoldingStore::all_answered() const {
    return std::ranges::all_of(held_, [](const auto& write) { return write->outcome.has_value(); });
}

bool HoldingStore::may_go(const HeldWrite& write) const {
    const coordination::SessionStatus present = session();
    return released_ && present.state == SessionState::connected &&
           (released_ == Under::any_session || present.generation != write.generation);
}

void HoldingStore::open_gates() {
    for (const auto& write : held_) {
        if (write->gate && may_go(*write)) write->gate->notify();
    }
}

asio::awaitable<MultiOutcome> HoldingStore::multi(std::vector<Op> ops) {
    const auto kind = classify(paths_, ops);
    if (!kind || !holding_.contains(*kind)) co_return co_await PassingStore::multi(std::move(ops));
    auto write = std::make_shared<HeldWrite>(executor_, *kind, Origin::node);
    write->ops = std::move(ops);
    co_return co_await keep(std::move(write));
}

asio::awaitable<void> HoldingStore::hold_also(WriteClass kind, std::vector<Op> ops) {
    auto write = std::make_shared<HeldWrite>(executor_, kind, Origin::test);
    write->ops = std::move(ops);
    co_await keep(std::move(write));
}

asio::awaitable<MultiOutcome> HoldingStore::keep(std::shared_ptr<HeldWrite> write) {
    write->generation = session().generation;
    held_.push_back(write);
    std::vector<Op> ops = write->ops;
    if (guards_ == Guards::dropped)
        std::erase_if(ops, [](const Op& op) { return std::holds_alternative<CheckOp>(op); });
    for (;;) {
        while (!may_go(*write) && !write->outcome) co_await write->gate->wait();
        if (write->outcome) co_return *write->outcome;
        MultiOutcome outcome = co_await PassingStore::multi(ops);
        if (!reached_a_server(outcome)) continue;
        write->outcome = outcome;
        write->gate.reset();
        co_return outcome;
    }
}

}  // namespace muster::stale
