#pragma once

#include "checker/outcome.hpp"
#include "common/config/probe_model.hpp"

#include <vector>

namespace muster::checker {

/// What the parts of an LB's own check (config/instance_check.hpp) say of it together. Pure.
/// - A listener serves when any of its parts was answered: a connection or handshake for one that
///   is only connected to; for a request any HTTP answer, be it a 503 because the group has nobody
///   to send it to: that is no fault of the LB. A TLS handshake is the LB's own answer, too.
/// - A listener that does not serve: failure. But a request that is accepted and not answered in
///   time may be the group's fault; while the LB's own agent says that it accepts, that is no
///   failure.
/// - Whatever else is wrong (a group behind the LB that fails, an agent that is gone or says that
///   the LB does not accept): degraded. An agent's death is muster's own trouble.
/// - Inconclusive parts are left out; one of a listener of which nothing else is known makes the
///   whole inconclusive, unless another listener fails.
/// What is wrong stands in `said`, by the names of the parts. Phases are those of the first part
/// that decides.
[[nodiscard]] ProbeOutcome outcome_of_lb(const std::vector<config::CompositePart>& parts,
                                         const std::vector<ProbeOutcome>& outcomes);

}  // namespace muster::checker
