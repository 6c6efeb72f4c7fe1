#pragma once

#include "scaler/machine_record.hpp"

#include <optional>
#include <string>
#include <vector>

// What the kernel knows of processes. Blocking for as long as /proc takes. Any thread.
namespace muster::scaler {

/// Of the host since its last start; empty when the kernel doesn't say.
[[nodiscard]] std::string boot_id();

/// Nothing when there is none. One that has ended and isn't reaped is none.
[[nodiscard]] std::optional<ProcessId> identify(pid_t pid);

[[nodiscard]] bool is_running(const ProcessId& process);

/// To this process and no other, whoever has its number now. False: it has ended.
bool send_signal(const ProcessId& process, int number);

/// Every process that provably belongs to the machine: what has its mark in its environment, what
/// its supervisor has noted, and what is in the supervisor's session with one of these. The
/// supervisor isn't one of them. `run` of another boot proves nothing.
[[nodiscard]] std::vector<ProcessId> processes_of(const MachineRecord& record,
                                                  const std::optional<MachineRun>& run);

}  // namespace muster::scaler
