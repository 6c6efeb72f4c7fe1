// What people order of fleets that size themselves.
#include "common/observe/log.hpp"
#include "orchestrator/command_errors.hpp"
#include "orchestrator/fleet_orders.hpp"
#include "orchestrator/node_commands.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace muster::orchestrator {

using coordination::MultiOutcome;
using coordination::Watch;
using StoreErrc = coordination::Errc;

namespace {

constexpr int attempts = 3;

/// A race is looked at again; nothing: it was done.
std::optional<Error> trouble_of(const MultiOutcome& outcome, const std::string& what, bool& raced) {
    raced = false;
    if (outcome.ok()) return std::nullopt;
    std::error_code code = outcome.error;
    for (const std::error_code& own : outcome.op_errors) {
        if (own && own != make_error_code(StoreErrc::rolled_back)) code = own;
    }
    raced = code == make_error_code(StoreErrc::bad_version) ||
            code == make_error_code(StoreErrc::node_exists) ||
            code == make_error_code(StoreErrc::no_node);
    if (raced) code = make_error_code(StoreErrc::bad_version);
    return from_store(code, what);
}

}  // namespace

asio::awaitable<Result<znodes::FleetPause>> NodeCommands::pause_fleet(FleetPauseChange change,
                                                                      Requester author) {
    co_return co_await asio::co_spawn(
        control_, set_fleet_pause(std::move(change), std::move(author)), asio::use_awaitable);
}

asio::awaitable<Result<ReadNode>> NodeCommands::read_node(std::string path) {
    const auto node = co_await store_.get(path, Watch::none);
    if (node) co_return ReadNode(*node);
    if (node.error().code == make_error_code(StoreErrc::no_node)) co_return ReadNode();
    co_return tl::unexpected(from_store(node.error().code, "reading " + path));
}

asio::awaitable<Result<znodes::FleetPause>> NodeCommands::set_fleet_pause(FleetPauseChange change,
                                                                          Requester requester) {
    if (const auto cluster = cluster_name(); !cluster) co_return tl::unexpected(cluster.error());
    const std::string fleet = change.fleet.str();
    std::optional<Error> failed;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const auto there = co_await read_node(node_.paths().fleet_pause(change.fleet));
        if (!there) co_return tl::unexpected(there.error());
        const auto parent = co_await read_node(node_.paths().fleet(change.fleet));
        if (!parent) co_return tl::unexpected(parent.error());
        auto planned = plan_fleet_pause(
            node_.paths(),
            node_.view(),
            change,
            *there,
            parent->has_value(),
            {.author = requester, .writer = node_.identity().node.str(), .time = clock_.wall()});
        if (!planned) co_return tl::unexpected(planned.error());
        const MultiOutcome outcome = co_await store_.multi(std::move(planned->ops));
        bool raced = false;
        failed = trouble_of(outcome, "writing the pause of fleet " + fleet, raced);
        if (!failed) {
            log::info("fleet_pause_changed",
                      {{"fleet", fleet},
                       {"kind", std::string(to_string(planned->pause.kind))},
                       {"by", requester.name},
                       {"reason", change.reason}});
            co_return std::move(planned->pause);
        }
        if (!raced) break;
    }
    co_return tl::unexpected(*failed);
}

asio::awaitable<Result<LostHost>> NodeCommands::forget_host(HostLoss loss,
                                                            Requester author,
                                                            DryRun dry_run) {
    co_return co_await asio::co_spawn(
        control_, give_up_host(std::move(loss), std::move(author), dry_run), asio::use_awaitable);
}

asio::awaitable<Result<LostHost>> NodeCommands::give_up_host(HostLoss loss,
                                                             Requester requester,
                                                             DryRun dry_run) {
    if (const auto cluster = cluster_name(); !cluster) co_return tl::unexpected(cluster.error());
    const auto there = co_await read_node(node_.paths().host(loss.fleet, loss.host));
    if (!there) co_return tl::unexpected(there.error());
    const auto parent = co_await read_node(node_.paths().hosts(loss.fleet));
    if (!parent) co_return tl::unexpected(parent.error());
    auto planned = plan_lost_host(
        node_.paths(),
        node_.view(),
        loss,
        *there,
        parent->has_value(),
        {.author = requester, .writer = node_.identity().node.str(), .time = clock_.wall()});
    if (!planned) co_return tl::unexpected(planned.error());
    if (dry_run == DryRun::yes) co_return std::move(planned->lost);
    // Of a race people are told, and not tried again: the host may have come back.
    const MultiOutcome outcome = co_await store_.multi(std::move(planned->ops));
    bool raced = false;
    if (auto failed = trouble_of(outcome, "giving up " + loss.host.str(), raced))
        co_return tl::unexpected(*std::move(failed));
    log::warn("host_given_up",
              {{"fleet", loss.fleet.str()},
               {"host", loss.host.str()},
               {"by", requester.name},
               {"reason", loss.reason}});
    co_return std::move(planned->lost);
}

/// Fails while the fleet has LBs that muster made; else what makes sure that none comes meanwhile.
asio::awaitable<Result<std::vector<coordination::Op>>> NodeCommands::guard_removal(
    FleetName fleet) {
    const auto state = co_await read_node(node_.paths().fleet_state(fleet));
    if (!state) co_return tl::unexpected(state.error());
    const auto records = co_await store_.children(node_.paths().instances(fleet), Watch::none);
    const bool none = !records && records.error().code == make_error_code(StoreErrc::no_node);
    if (!records && !none)
        co_return tl::unexpected(
            from_store(records.error().code, "reading the instances of " + fleet.str()));
    if (auto refused = refuse_orphaning(fleet, none ? 0 : records->names.size()))
        co_return tl::unexpected(*std::move(refused));
    std::vector<coordination::Op> guards;
    if (*state)
        guards.emplace_back(coordination::CheckOp{.path = node_.paths().fleet_state(fleet),
                                                  .version = (*state)->stat.version});
    co_return guards;
}

}  // namespace muster::orchestrator
