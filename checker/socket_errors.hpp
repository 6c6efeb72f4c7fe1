#pragma once

#include "checker/outcome.hpp"

namespace muster::checker {

/// What an error of socket() or connect() says: something about the backend (a failure), or only
/// about this machine (inconclusive). `code` is the errno. Pure.
[[nodiscard]] ProbeOutcome outcome_of_connect_error(int error);

}  // namespace muster::checker
