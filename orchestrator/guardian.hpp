#pragma once

#include "orchestrator/guardian_link.hpp"

#include <chrono>
#include <functional>

namespace muster::orchestrator {

struct GuardianSettings {
    /// A child that has sent a beat and then none for this long hangs and is killed: 3 T. Counted
    /// in the guardian's own running time, so that a frozen host (or a frozen pair) costs nobody.
    std::chrono::milliseconds hang_after{6'000};
    /// Limit for killing a dead child's effect processes and closing its sessions, in total.
    std::chrono::milliseconds adoption_limit{5'000};
};

/// Fast failover (DESIGN.md section 5). Forks, and returns twice:
/// - in the child with what `child_main` returns. The link given to it must outlive nothing; the
///   child dies with its guardian (SIGKILL by the kernel), so a lost parent can't leave an
///   unguarded master behind;
/// - in the parent, the guardian, once the child is dead and reaped, its registered effect
/// processes
///   are killed, and the sessions that it left open are adopted and closed, so that a successor
///   takes over in milliseconds. The value is the child's exit code, or 128 + signal.
///
/// The guardian is one thread that only polls. It forwards SIGTERM, SIGINT, SIGQUIT and SIGHUP to
/// the child, which has a process group of its own: what a terminal sends to the group arrives
/// once. It adopts the child's orphans (subreaper) and reaps them. Both processes refuse ptrace and
/// core dumps, since they hold session passwords.
///
/// Must be called before any other thread exists. Throws std::system_error or std::logic_error.
[[nodiscard]] int run_guarded(const GuardianSettings& settings,
                              const std::function<int(GuardianLink&)>& child_main);

}  // namespace muster::orchestrator
