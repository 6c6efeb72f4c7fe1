#pragma once

#include "checker/engine.hpp"
#include "common/base/result.hpp"
#include "common/config/fleet_model.hpp"
#include "common/config/model.hpp"
#include "common/znodes/config_name.hpp"
#include "common/znodes/payloads.hpp"
#include "common/znodes/payloads_scaling.hpp"
#include "common/znodes/traffic_shift.hpp"
#include "orchestrator/audit.hpp"
#include "orchestrator/lb_hops.hpp"
#include "orchestrator/suspicion.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

namespace muster::orchestrator {

/// Why a command was not carried out. `Error::context` is a sentence for the caller.
enum class CommandErrc {
    conflict = 1,     ///< the generation is not the expected one
    not_found,        ///< no such group, fleet or backend
    refused,          ///< not as things stand: not the master, a deletion still under way
    unreachable,      ///< ZooKeeper, or the node that knows, can't be reached; surely not done
    unknown_outcome,  ///< may have been done: read, then decide
};
const std::error_category& command_category();
inline std::error_code make_error_code(CommandErrc code) {
    return {static_cast<int>(code), command_category()};
}

/// What a write expects to find. Generation 0 = the group must not exist.
struct Expectation {
    enum class Kind { anything, exists, generation };
    Kind kind = Kind::anything;
    std::int64_t generation = 0;
    bool operator==(const Expectation&) const = default;
};

enum class DryRun { no, yes };

/// Of a fleet whose LBs muster made: they run on, and nobody manages them.
enum class Abandon { no, yes };

/// Who asks for a change, as history and audit name them.
struct Requester {
    std::string name;    ///< as they say themselves
    std::string origin;  ///< "token from 10.0.0.7": as we know
};

struct ApplyItem {
    std::variant<config::GroupSpec, config::FleetSpec> spec;
    Expectation expect;

    [[nodiscard]] znodes::ConfigName name() const {
        return std::visit([](const auto& any) { return znodes::ConfigName(any.name); }, spec);
    }
};

struct ApplyRequest {
    std::vector<ApplyItem> items;
    Requester author;
    DryRun dry_run = DryRun::no;
};

enum class Applied { created, changed, unchanged, removed };

struct AppliedGroup {
    Applied result = Applied::unchanged;
    std::int64_t generation = 0;        ///< after it; of a dry run: as it would be
    std::int64_t previous = 0;          ///< before it, or the current one when it failed; 0 = none
    std::vector<std::string> changes;   ///< sentences, bounded ("spec.check.rise: 2 -> 3")
    std::vector<std::string> warnings;  ///< sentences: what it needs, and is not there
    std::optional<Error> problem;       ///< set: not applied
};

struct BackendChange {
    GroupName group;
    BackendId backend;
    std::optional<config::Admin> admin;
    std::optional<int> weight;
    Expectation expect;
    Requester author;
};

/// Sets what is given; leaves the rest.
struct PauseChange {
    std::optional<bool> all;
    std::optional<bool> scaling;
    std::optional<bool> dns;
    std::optional<bool> status;
};

/// Of one fleet's scaling: what is asked for takes the place of what was.
struct FleetPauseChange {
    FleetName fleet;
    znodes::FleetPauseKind kind = znodes::FleetPauseKind::none;
    std::string reason;
    std::optional<std::chrono::seconds> lasts{};  ///< absent: until someone ends it
};

/// A person's word that a host, which is no member any more, doesn't come back.
struct HostLoss {
    FleetName fleet;
    NodeId host;
    std::string reason;
};

struct LostHost {
    FleetName fleet;
    NodeId host;
    std::vector<InstanceId> instances;  ///< that were there
};

/// Of the shares of one name's traffic.
struct ShiftChange {
    enum class Act : std::uint8_t {
        begin,   ///< towards `wanted.to`; only where none is under way
        cancel,  ///< back to what was before, in one step; only where one is under way
        forget,  ///< no shares any more, as the fleets say; only where none is under way
    };
    Act act = Act::begin;
    std::string name;
    znodes::TrafficShift wanted;  ///< of begin: to, by, over, interval, patience, healthy_percent
};

struct SelfPause {
    bool paused = false;
    std::string reason;
};

/// Recent results of one backend, from the node that probes it.
struct Evidence {
    NodeId from;
    std::uint64_t results = 0;                 ///< conclusive ones since that node took it over
    std::vector<checker::PastResult> recent;   ///< oldest first
    std::optional<Confirmation> confirmation;  ///< of its last suspicion by that node
    std::vector<LbHop> hops;                   ///< of an LB
};

/// What the API can have done. The implementation lives on the control executor; the API's
/// coroutines run on another thread. So each function is called on the API's executor, moves to the
/// control executor by itself, and returns on the caller's; it may be cancelled at any time.
/// Arguments are values.
class Commands {
 public:
    Commands() = default;
    Commands(const Commands&) = delete;
    Commands& operator=(const Commands&) = delete;
    virtual ~Commands() = default;

    /// One answer for each item, in order; an Error only if none was tried.
    [[nodiscard]] virtual asio::awaitable<Result<std::vector<AppliedGroup>>> apply(
        ApplyRequest request) = 0;
    [[nodiscard]] virtual asio::awaitable<Result<AppliedGroup>> remove(znodes::ConfigName object,
                                                                       Expectation expect,
                                                                       Requester author,
                                                                       DryRun dry_run,
                                                                       Abandon abandon) = 0;
    [[nodiscard]] virtual asio::awaitable<Result<AppliedGroup>> change_backend(
        BackendChange change) = 0;
    /// The cluster's pause after it.
    [[nodiscard]] virtual asio::awaitable<Result<znodes::Pause>> pause_cluster(
        PauseChange change, Requester author) = 0;
    /// The fleet's pause after it.
    [[nodiscard]] virtual asio::awaitable<Result<znodes::FleetPause>> pause_fleet(
        FleetPauseChange change, Requester author) = 0;
    [[nodiscard]] virtual asio::awaitable<Result<LostHost>> forget_host(HostLoss loss,
                                                                        Requester author,
                                                                        DryRun dry_run) = 0;
    /// The shift after it; of forget: before it.
    [[nodiscard]] virtual asio::awaitable<Result<znodes::TrafficShift>> change_shift(
        ShiftChange change, Requester author, DryRun dry_run) = 0;
    /// This node's own pause: kept in its state directory, needs nobody else.
    [[nodiscard]] virtual asio::awaitable<Result<SelfPause>> pause_self(SelfPause pause) = 0;
    /// Gives up the office; the epoch that ended.
    [[nodiscard]] virtual asio::awaitable<Result<std::int64_t>> step_down() = 0;
    [[nodiscard]] virtual asio::awaitable<Result<Evidence>> why(GroupName group,
                                                                BackendId backend) = 0;
    /// The newest entries of the audit, oldest first, straight from ZooKeeper. What can't be read
    /// is left out.
    [[nodiscard]] virtual asio::awaitable<Result<std::vector<AuditRow>>> audit(
        std::size_t limit) = 0;
};

}  // namespace muster::orchestrator

template <>
struct std::is_error_code_enum<muster::orchestrator::CommandErrc> : std::true_type {};
