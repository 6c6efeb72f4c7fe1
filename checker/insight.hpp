#pragma once

#include "checker/prober_pool.hpp"

namespace muster::checker {

/// What both pools tell of one check of an engine. On the engine's executor.
[[nodiscard]] std::optional<CheckRunner::Insight> insight(const Engine& engine,
                                                          CheckId id,
                                                          SteadyTime now);
[[nodiscard]] CheckRunner::Pass pass(const Engine& engine, CheckId id, SteadyTime now);

}  // namespace muster::checker
