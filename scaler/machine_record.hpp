#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "scaler/provider.hpp"

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What is on disk of a machine of the process provider, in its directory:
// - machine.json, of the provider: what it is to be. There before anything is started.
// - run.json, of its supervisor: what runs. Both are replaced whole and synced.
namespace muster::scaler {

struct MachineProgram {
    std::string name;
    std::vector<std::string> argv;  ///< the program absolute
    int stop_signal = SIGTERM;
    std::string wait_for;  ///< a file: started once that is there; empty: at once
    bool operator==(const MachineProgram&) const = default;
};

struct MachineRecord {
    std::string cluster;  ///< that it was made for; empty: an earlier release didn't note it
    FleetName fleet;
    InstanceId id;
    std::string token;
    std::string directory;  ///< its own
    std::string ip;         ///< its own, or the host's
    std::string address;    ///< at which it answers
    std::map<std::string, std::uint16_t> ports;
    ProviderFence fence;  ///< of the call that made it
    WallTime created{};
    std::vector<MachineProgram> programs;
    std::optional<WallTime> stopping;  ///< since when; never taken back
    bool operator==(const MachineRecord&) const = default;
};

/// A process for as long as the host runs: a number comes again only after all others were used,
/// which takes longer than a tick.
struct ProcessId {
    pid_t pid = 0;
    std::uint64_t start = 0;  ///< clock ticks since the host's start
    bool operator==(const ProcessId&) const = default;
};

struct ProgramRun {
    ProcessId process;        ///< pid 0: not started
    std::optional<int> exit;  ///< its code, or 128 + signal
    bool operator==(const ProgramRun&) const = default;
};

struct MachineRun {
    std::string boot;  ///< the host's; of another one no process is left
    ProcessId supervisor;
    bool started = false;              ///< all of them were: nothing is ever started again
    std::vector<ProgramRun> programs;  ///< as in the record
    bool operator==(const MachineRun&) const = default;
};

[[nodiscard]] std::string encode(const MachineRecord& record);
[[nodiscard]] std::string encode(const MachineRun& run);
[[nodiscard]] Result<MachineRecord> decode_machine_record(std::string_view text);
[[nodiscard]] Result<MachineRun> decode_machine_run(std::string_view text);

/// "directory:token": in the environment of all its programs, as `machine_variable`. No other
/// machine of the host has it, whatever cluster that is of.
[[nodiscard]] std::string machine_mark(const MachineRecord& record);
inline constexpr std::string_view machine_variable = "MUSTER_MACHINE";

inline constexpr std::string_view record_file = "machine.json";
inline constexpr std::string_view run_file = "run.json";
inline constexpr std::string_view machine_lock_file = "lock";

}  // namespace muster::scaler
