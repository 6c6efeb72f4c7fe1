#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace muster::scaler {

/// The process that starts a machine's programs and reaps them: `musterd run-machine DIRECTORY`.
///
/// The caller's process forks and ends; the fork leads a session of its own, so that neither the
/// end of musterd nor that of its guardian reaches it, and holds the machine's lock for as long as
/// it lives. It starts each program once, when the file that it waits for is there, in a process
/// group of its own; it restarts none. SIGTERM is passed on as each program's own stop signal, the
/// last one first. It ends when all are gone.
///
/// Killed at any point it leaves programs running, and the next one, before all had been started,
/// ends these and begins anew; once all had been, nothing is started again.
///
/// Returns in the caller's process: 0 when a supervisor has it (this one or an earlier one), else
/// an exit code with a line on standard error. `on_step`: for tests, called between steps in the
/// fork. Must be called before any thread exists.
[[nodiscard]] int run_machine(
    const std::string& directory,
    const std::function<void(std::string_view step)>& on_step = [](std::string_view) {});

}  // namespace muster::scaler
