#pragma once

#include "common/znodes/payloads_scaling.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

// What the musterd of a host says of the LBs on it (DESIGN.md, 4 and 8). Part of payloads.hpp: the
// same rules of encode() and decode() hold. Pure.
namespace muster::znodes {

struct HostMachine {
    InstanceId id;
    std::string token;  ///< of its life
    ReportedState state = ReportedState::unknown;
    std::string address;  ///< host:port at which the LB answers; empty: not known
    WallTime started{};
    bool operator==(const HostMachine&) const = default;
};

/// `fleets/<f>/hosts/<node>`: all machines of the fleet on that host, written anew when they change
/// and every few seconds besides. Persistent: what an unreachable host had stays to be seen.
struct HostMachines {
    Stamp stamp;           ///< token is A; each listing is a new sequence
    std::string provider;  ///< by its name in the node's settings
    WallTime time{};
    std::string error;  ///< why there is no listing; then `machines` are those of the last one
    std::vector<HostMachine> machines;  ///< sorted by id
    /// Of what was asked for and refused, by the id: why. A create that will never work is told.
    std::map<InstanceId, std::string> refusals;
    /// Since when the host is lost for good, by a person's word: nothing runs there. Written by the
    /// API in the host's place, which takes it back with its next listing.
    std::optional<WallTime> lost{};
    std::string lost_by;
    bool operator==(const HostMachines&) const = default;
};

inline constexpr std::size_t max_host_machines = 256;

[[nodiscard]] std::string encode(const HostMachines&);

}  // namespace muster::znodes
