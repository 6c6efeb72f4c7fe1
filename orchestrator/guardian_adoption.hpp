#pragma once

#include "orchestrator/guardian_link.hpp"

#include <string_view>

namespace muster::orchestrator {

enum class Adoption {
    closed,         ///< adopted and closed: its ephemeral nodes are gone, or will be at once
    already_ended,  ///< the servers had ended it
    unreachable,    ///< nobody answered in time; it ends by its timeout
};

[[nodiscard]] std::string_view to_string(Adoption adoption);

/// Takes over the session of a process that is surely dead and closes it. (Were it alive, it would
/// be told that its session expired.) Tries all servers, in random order, until `limit`, an expired
/// timerfd, becomes readable. Blocking; single-threaded C client; nothing else needs to exist.
[[nodiscard]] Adoption adopt_and_close(const GuardedSession& session, int limit);

}  // namespace muster::orchestrator
