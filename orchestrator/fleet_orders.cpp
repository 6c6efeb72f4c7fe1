#include "orchestrator/fleet_orders.hpp"

#include "orchestrator/audit.hpp"
#include "orchestrator/command_errors.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace muster::orchestrator {

using coordination::CheckOp;
using coordination::CreateOp;
using coordination::SetOp;
using znodes::FleetPause;
using znodes::FleetPauseKind;

namespace {

/// What is ordered of a fleet is meant for this spec's life: the head is checked with it.
Result<const follow::FleetView*> sized(const follow::ClusterView& view, const FleetName& name) {
    const auto fleet = view.fleets.find(name);
    if (fleet == view.fleets.end() || !fleet->second.live())
        return tl::unexpected(
            problem(CommandErrc::not_found, fmt::format("fleet {} does not exist", name.str())));
    if (!fleet->second.spec->scaling)
        return tl::unexpected(
            problem(CommandErrc::refused,
                    fmt::format("fleet {} doesn't size itself: it has no 'scaling'", name.str())));
    return &fleet->second;
}

}  // namespace

Result<FleetPauseWrite> plan_fleet_pause(const znodes::Paths& paths,
                                         const follow::ClusterView& view,
                                         const FleetPauseChange& change,
                                         const ReadNode& there,
                                         bool fleet_is_there,
                                         const OrderedBy& by) {
    const auto fleet = sized(view, change.fleet);
    if (!fleet) return tl::unexpected(fleet.error());
    std::int64_t sequence = 0;
    if (there) {
        const auto was = znodes::decode<FleetPause>(there->data, view.cluster());
        if (was) sequence = was->stamp.sequence;
    }
    FleetPauseWrite write{
        .pause = {
            .stamp = {.cluster = view.cluster(), .writer = by.writer, .sequence = sequence + 1},
            .kind = change.kind,
            .by = by.author.name,
            .why = change.reason}};
    if (change.lasts && change.kind != FleetPauseKind::none)
        write.pause.until = by.time + *change.lasts;
    std::string detail = fmt::format("pause: {}", to_string(change.kind));
    if (write.pause.until) detail += fmt::format(", for {} s", change.lasts->count());
    if (!change.reason.empty()) detail += ", " + change.reason;
    write.ops.emplace_back(CheckOp{.path = paths.head(znodes::ConfigName(change.fleet)),
                                   .version = (*fleet)->head->version});
    const std::string path = paths.fleet_pause(change.fleet);
    std::string data = znodes::encode(write.pause);
    if (there) {
        write.ops.emplace_back(
            SetOp{.path = path, .data = std::move(data), .version = there->stat.version});
    } else {
        if (!fleet_is_there) write.ops.emplace_back(CreateOp{.path = paths.fleet(change.fleet)});
        write.ops.emplace_back(CreateOp{.path = path, .data = std::move(data)});
    }
    write.ops.emplace_back(audit_op(paths,
                                    {.stamp = write.pause.stamp,
                                     .time = by.time,
                                     .author = by.author.name,
                                     .origin = by.author.origin,
                                     .action = "paused",
                                     .object = znodes::ConfigName(change.fleet).word(),
                                     .detail = std::move(detail)}));
    return write;
}

}  // namespace muster::orchestrator
