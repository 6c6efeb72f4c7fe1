#pragma once

#include "common/coordination/store.hpp"
#include "orchestrator/config_plan.hpp"

#include <boost/asio/awaitable.hpp>

namespace muster::orchestrator {

/// Carries out what config_plan.hpp has planned. When something that the head needs has been
/// collected since it was made (a chunk that no head named for long, the history of a group that
/// was deleted), it is made again and the transaction tried once more, a few times. Nothing of it
/// is applied unless the outcome is ok or unknown. Executor: the store's.
[[nodiscard]] asio::awaitable<coordination::MultiOutcome> carry_out(coordination::Store& store,
                                                                    ConfigWrite write);

}  // namespace muster::orchestrator
