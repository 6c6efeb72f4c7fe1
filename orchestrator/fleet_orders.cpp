#include "orchestrator/fleet_orders.hpp"

#include "common/follow/instance_group.hpp"
#include "orchestrator/audit.hpp"
#include "orchestrator/command_errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

/// Writes the znode at the version that was read, or makes it, below `parent` if that has to be
/// made first.
void put(std::vector<coordination::Op>& ops,
         std::string path,
         std::string data,
         const ReadNode& there,
         std::optional<std::string> parent) {
    if (there) {
        ops.emplace_back(SetOp{
            .path = std::move(path), .data = std::move(data), .version = there->stat.version});
        return;
    }
    if (parent) ops.emplace_back(CreateOp{.path = *std::move(parent)});
    ops.emplace_back(CreateOp{.path = std::move(path), .data = std::move(data)});
}

/// As the probes last said.
bool answers(const follow::ClusterView& view, const FleetName& fleet, const InstanceId& id) {
    const auto group = view.groups.find(follow::instance_group(fleet));
    if (group == view.groups.end()) return false;
    for (const auto& [number, shard] : group->second.shards) {
        if (!shard.members || !shard.status) continue;
        const auto& slots = shard.members->value.slots;
        const auto slot = std::ranges::find_if(slots, [&](const znodes::Slot& one) {
            return !one.tombstone && one.backend.str() == id.str();
        });
        const auto& letters = shard.status->value.letters;
        const auto at = static_cast<std::size_t>(slot - slots.begin());
        if (slot == slots.end() || at >= letters.size()) continue;
        if (letters[at] == znodes::Letter::up || letters[at] == znodes::Letter::degraded)
            return true;
    }
    return false;
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
    put(write.ops,
        paths.fleet_pause(change.fleet),
        znodes::encode(write.pause),
        there,
        fleet_is_there ? std::nullopt : std::optional(paths.fleet(change.fleet)));
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

Result<LostHostWrite> plan_lost_host(const znodes::Paths& paths,
                                     const follow::ClusterView& view,
                                     const HostLoss& loss,
                                     const ReadNode& there,
                                     bool hosts_are_there,
                                     const OrderedBy& by) {
    const auto fleet = sized(view, loss.fleet);
    if (!fleet) return tl::unexpected(fleet.error());
    const auto refuse = [](CommandErrc code, std::string why) {
        return tl::unexpected(problem(code, std::move(why)));
    };
    const std::string host = loss.host.str();
    if (view.members.contains(loss.host))
        return refuse(CommandErrc::refused,
                      fmt::format("{} is a member of the cluster, so it isn't lost", host));
    LostHostWrite write{.lost = {.fleet = loss.fleet, .host = loss.host}};
    const auto managed = view.managed.find(loss.fleet);
    if (managed != view.managed.end()) {
        for (const auto& [id, record] : managed->second.instances) {
            if (record.gone || record.value.host != host) continue;
            if (answers(view, loss.fleet, id))
                return refuse(
                    CommandErrc::refused,
                    fmt::format("{} on {} answers its probes: the host isn't lost. If its "
                                "node alone is, end what runs there first",
                                id.str(),
                                host));
            write.lost.instances.push_back(id);
        }
    }
    if (!there && write.lost.instances.empty())
        return refuse(CommandErrc::not_found,
                      fmt::format("fleet {} has nothing on a host {}", loss.fleet.str(), host));
    znodes::HostMachines listing{
        .provider = (*fleet)->spec->provider ? (*fleet)->spec->provider->name : std::string(),
        .time = by.time,
        .lost = by.time,
        .lost_by = by.author.name};
    if (there) {
        if (const auto was = znodes::decode<znodes::HostMachines>(there->data, view.cluster()))
            listing.stamp.sequence = was->stamp.sequence;
    }
    listing.stamp = {
        .cluster = view.cluster(), .writer = by.writer, .sequence = listing.stamp.sequence + 1};
    write.ops.emplace_back(CheckOp{.path = paths.head(znodes::ConfigName(loss.fleet)),
                                   .version = (*fleet)->head->version});
    // At its version: a host that tells anything meanwhile isn't lost.
    put(write.ops,
        paths.host(loss.fleet, loss.host),
        znodes::encode(listing),
        there,
        hosts_are_there ? std::nullopt : std::optional(paths.hosts(loss.fleet)));
    write.ops.emplace_back(audit_op(paths,
                                    {.stamp = listing.stamp,
                                     .time = by.time,
                                     .author = by.author.name,
                                     .origin = by.author.origin,
                                     .action = "gave up a host",
                                     .object = znodes::ConfigName(loss.fleet).word(),
                                     .detail = fmt::format("{}, with {} LBs{}{}",
                                                           host,
                                                           write.lost.instances.size(),
                                                           loss.reason.empty() ? "" : ": ",
                                                           loss.reason)}));
    return write;
}

std::optional<Error> refuse_orphaning(const FleetName& fleet, std::size_t records) {
    if (records == 0) return std::nullopt;
    return problem(
        CommandErrc::refused,
        fmt::format(
            "fleet {} has {} LBs that muster made; they would run on, and nobody would manage "
            "them. Take it down first (apply it without dns and with scaling: {{max: 0}}), or "
            "say so: ?abandon=1, musterctl delete --abandon",
            fleet.str(),
            records));
}

}  // namespace muster::orchestrator
