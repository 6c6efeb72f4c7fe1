#include "orchestrator/fleet_write.hpp"

#include "common/observe/log.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>

namespace muster::orchestrator {

namespace asio = boost::asio;
using coordination::DeleteOp;
using coordination::MultiOutcome;
using coordination::Op;
using StoreErrc = coordination::Errc;

namespace {

constexpr std::size_t most_below = 100;
constexpr int deepest = 3;

/// All below it, children before their parents; bounded.
asio::awaitable<void> find_below(coordination::Store& store,
                                 std::string path,
                                 int depth,
                                 std::vector<std::string>& found) {
    const auto children = co_await store.children(path, coordination::Watch::none);
    if (!children) co_return;
    for (const std::string& name : children->names) {
        if (found.size() >= most_below) co_return;
        const std::string child = path + "/" + name;
        if (depth < deepest) co_await find_below(store, child, depth + 1, found);
        found.push_back(child);
    }
}

/// The record that isn't empty; nothing: that isn't what went wrong.
const DeleteOp* blocked(const std::vector<Op>& ops, const MultiOutcome& outcome) {
    const auto failed = std::ranges::find(outcome.op_errors, make_error_code(StoreErrc::not_empty));
    const auto at = static_cast<std::size_t>(failed - outcome.op_errors.begin());
    return at < ops.size() ? std::get_if<DeleteOp>(&ops[at]) : nullptr;
}

}  // namespace

asio::awaitable<MultiOutcome> write_fleet(coordination::Store& store, std::vector<Op> ops) {
    MultiOutcome outcome = co_await store.multi(ops);
    const DeleteOp* const record = blocked(ops, outcome);
    if (record == nullptr) co_return outcome;
    std::vector<std::string> below;
    co_await find_below(store, record->path, 1, below);
    std::vector<Op> clearing{ops.front()};
    for (std::string& path : below) clearing.emplace_back(DeleteOp{.path = std::move(path)});
    log::warn("record_had_children",
              {{"path", record->path}, {"count", std::to_string(clearing.size() - 1)}});
    const MultiOutcome cleared = co_await store.multi(std::move(clearing));
    if (!cleared.ok()) co_return outcome;
    co_return co_await store.multi(std::move(ops));
}

std::chrono::milliseconds list_pause(int failures) {
    constexpr std::chrono::milliseconds first{500};
    constexpr std::chrono::milliseconds longest{30'000};
    constexpr int enough = 10;  // doublings
    return std::min(longest, first * (1 << std::clamp(failures - 1, 0, enough)));
}

}  // namespace muster::orchestrator
