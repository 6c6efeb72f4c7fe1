#pragma once

#include "common/base/id.hpp"

#include <boost/asio/awaitable.hpp>
#include <tl/expected.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

// What makes and removes the machines (processes, containers, virtual machines) that LBs run on.
namespace muster::scaler {

namespace asio = boost::asio;

/// What to do about a call that did not succeed (reference/autoscaling.md, 1e).
enum class Trouble : std::uint8_t {
    quota,            ///< no room: back off, and tell people
    transient,        ///< not done; worth another try
    invalid,          ///< not done, and never will be as it was asked
    unknown_outcome,  ///< perhaps done: get() or list() tells; never try with another name
    fenced,           ///< not done: the provider has seen a later token
};

struct ProviderError {
    Trouble trouble = Trouble::transient;
    std::string detail;  ///< for people, bounded
    bool operator==(const ProviderError&) const = default;
};

template <class T>
using ProviderResult = tl::expected<T, ProviderError>;

/// By what right a call is made: (era, epoch), compared in this order, as of DNS.
struct ProviderFence {
    std::int64_t era = 0;
    std::int64_t epoch = 0;
    auto operator<=>(const ProviderFence&) const = default;
};

struct MachineOrder {
    FleetName fleet;
    InstanceId id;      ///< its name at the provider, too; never used again for another machine
    std::string token;  ///< of this life: create() of a machine with the same one is a success
    std::string host;   ///< the node that it is to run on; empty: the provider's choice
    std::map<std::string, std::string> parameters;  ///< of the fleet's spec, for templates
    bool operator==(const MachineOrder&) const = default;
};

enum class MachineState : std::uint8_t { starting, running, stopping, stopped, unknown };

struct Machine {
    InstanceId id;
    std::string token;
    MachineState state = MachineState::unknown;
    std::string address;  ///< host:port at which the LB answers, as far as the provider knows
    std::string host;
    std::chrono::seconds age{0};
    bool operator==(const Machine&) const = default;
};

struct Machines {
    std::vector<Machine> machines;  ///< sorted by id
    bool complete = false;  ///< false: there may be more; then what isn't listed isn't missing
};

struct ProviderAbilities {
    bool places = false;      ///< machines run on the host that the order names
    bool asks_hosts = false;  ///< and only the host itself can say what runs there
    bool fences = false;      ///< it refuses lower tokens itself
};

/// One object works for one cluster, names it in every call, and neither lists nor removes machines
/// that are another's. Name-addressed, never count-addressed, and idempotent: create() of what is
/// there with the same token, and remove() of what isn't there, succeed. Every call ends in bounded
/// time; one that was sent and not answered is `unknown_outcome`. Executor: the awaiting
/// coroutine's. All of them pass tests/scaler/providers/provider_conformance_test. Names, tokens
/// and parameters that are not what docs/providers.md allows are `invalid`, before anything is
/// done. A name that was removed may be refused for ever (`invalid`).
class Provider {
 public:
    Provider() = default;
    Provider(const Provider&) = delete;
    Provider& operator=(const Provider&) = delete;
    virtual ~Provider() = default;

    [[nodiscard]] virtual ProviderAbilities abilities() const = 0;
    /// All machines of the fleet that this provider has made for the cluster, whichever master
    /// asked for them; each with the token that it was made with: that alone proves whose it is.
    /// State `unknown` and no token: something is there whose record can't be read.
    [[nodiscard]] virtual asio::awaitable<ProviderResult<Machines>> list(FleetName fleet) = 0;
    /// Absent: state `stopped` and no token.
    [[nodiscard]] virtual asio::awaitable<ProviderResult<Machine>> get(FleetName fleet,
                                                                       InstanceId id) = 0;
    [[nodiscard]] virtual asio::awaitable<ProviderResult<Machine>> create(MachineOrder order,
                                                                          ProviderFence fence) = 0;
    /// Ends the LB softly within `grace` (it serves what it has), then for good.
    [[nodiscard]] virtual asio::awaitable<ProviderResult<void>> remove(FleetName fleet,
                                                                       InstanceId id,
                                                                       std::chrono::seconds grace,
                                                                       ProviderFence fence) = 0;
    /// Before a drain: would remove() be taken?
    [[nodiscard]] virtual asio::awaitable<ProviderResult<void>> can_remove(FleetName fleet,
                                                                           InstanceId id) = 0;
};

}  // namespace muster::scaler
