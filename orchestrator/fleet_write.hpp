#pragma once

#include "common/coordination/store.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <vector>

namespace muster::orchestrator {

/// Carries out what scaler/lifecycle_write.hpp has made; its first op is the guard. Where a record
/// that is to go has children (nobody of ours makes any), these are deleted first, under the same
/// guard, and the write tried once more: nothing below a record may keep a fleet from going on.
/// Executor: the store's.
[[nodiscard]] boost::asio::awaitable<coordination::MultiOutcome> write_fleet(
    coordination::Store& store, std::vector<coordination::Op> ops);

/// Until a list of machines is asked for again after so many in a row that failed or weren't
/// complete: 0.5 s, doubled up to 30 s. Pure.
[[nodiscard]] std::chrono::milliseconds list_pause(int failures);

}  // namespace muster::orchestrator
