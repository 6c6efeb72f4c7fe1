#include "orchestrator/config_write.hpp"

#include <algorithm>
#include <utility>

namespace muster::orchestrator {

using coordination::MultiOutcome;
using StoreErrc = coordination::Errc;

namespace {

constexpr int attempts = 3;

asio::awaitable<Result<void>> prepare(coordination::Store& store,
                                      std::vector<coordination::CreateOp> ops) {
    for (coordination::CreateOp& op : ops) {
        const Result<std::string> made = co_await coordination::create(store, std::move(op));
        // Of an unknown outcome the transaction will tell: it looks for all of them.
        if (!made && made.error().code != make_error_code(StoreErrc::node_exists) &&
            made.error().code != make_error_code(StoreErrc::unknown_outcome)) {
            co_return tl::unexpected(made.error());
        }
    }
    co_return Result<void>{};
}

bool misses_something(const MultiOutcome& outcome) {
    return std::ranges::find(outcome.op_errors, make_error_code(StoreErrc::no_node)) !=
           outcome.op_errors.end();
}

}  // namespace

asio::awaitable<MultiOutcome> carry_out(coordination::Store& store, ConfigWrite write) {
    MultiOutcome outcome;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const Result<void> prepared = co_await prepare(store, write.prepare);
        if (!prepared) {
            outcome = {};
            outcome.error = prepared.error().code;
            outcome.context = prepared.error().context;
            co_return outcome;
        }
        outcome = co_await store.multi(write.commit);
        if (!misses_something(outcome)) co_return outcome;
    }
    co_return outcome;
}

}  // namespace muster::orchestrator
