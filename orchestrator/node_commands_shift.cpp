// Commands that change the shares of a name's traffic.
#include "common/observe/log.hpp"
#include "orchestrator/command_errors.hpp"
#include "orchestrator/node_commands.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <utility>

namespace muster::orchestrator {

using coordination::MultiOutcome;
using coordination::Watch;
using StoreErrc = coordination::Errc;
using znodes::TrafficShift;
using znodes::TrafficShifts;

namespace {

constexpr int attempts = 3;
constexpr std::size_t max_shifts_bytes = 128UZ << 10U;

std::string spelled(const znodes::Percents& percents) {
    std::string text;
    for (const auto& [party, percent] : percents) text += fmt::format("{} {} %, ", party, percent);
    return text;
}

struct Changed {
    TrafficShift shift;
    std::string action;
    std::string detail;
};

/// Carries out the change in `shifts`, or says why not.
Result<Changed> change(TrafficShifts& shifts, const ShiftChange& asked, const std::string& id) {
    const auto known = shifts.names.find(asked.name);
    const bool under_way = known != shifts.names.end() && known->second.is_under_way();
    const auto refuse = [](CommandErrc code, std::string why) {
        return tl::unexpected(problem(code, std::move(why)));
    };
    const auto busy = [&] {
        const TrafficShift& shift = known->second;
        return refuse(CommandErrc::refused,
                      fmt::format("a shift of {} is under way ({}, step {} of {}); cancel it first",
                                  asked.name,
                                  to_string(shift.phase),
                                  shift.step,
                                  shift.steps));
    };
    switch (asked.act) {
        case ShiftChange::Act::begin: {
            if (under_way) return busy();
            if (known == shifts.names.end() && shifts.names.size() >= znodes::max_shifts)
                return refuse(CommandErrc::refused,
                              fmt::format("{} names have shares already, and no more can; forget "
                                          "those that need none",
                                          znodes::max_shifts));
            TrafficShift next = asked.wanted;
            next.id = id;
            if (known != shifts.names.end()) {
                if (known->second.by != next.by)
                    return refuse(CommandErrc::refused,
                                  fmt::format("{} is shared by {}; forget that first",
                                              asked.name,
                                              to_string(known->second.by)));
                next.from = next.now = known->second.now;
            }
            std::string detail = fmt::format("to {}over {} s", spelled(next.to), next.over.count());
            shifts.names.insert_or_assign(asked.name, next);
            return Changed{std::move(next), "shifted traffic", std::move(detail)};
        }
        case ShiftChange::Act::cancel:
            if (known == shifts.names.end() || !under_way)
                return refuse(
                    known == shifts.names.end() ? CommandErrc::not_found : CommandErrc::refused,
                    fmt::format("no shift of {} is under way", asked.name));
            known->second.cancelled = true;
            return Changed{known->second,
                           "cancelled shift",
                           fmt::format("back to {}from step {} of {}",
                                       spelled(known->second.from),
                                       known->second.step,
                                       known->second.steps)};
        case ShiftChange::Act::forget: {
            if (known == shifts.names.end())
                return refuse(CommandErrc::not_found,
                              fmt::format("{} has no shares of traffic", asked.name));
            if (under_way) return busy();
            TrafficShift was = known->second;
            shifts.names.erase(known);
            return Changed{std::move(was), "forgot shares", "by the weights of its fleets"};
        }
    }
    return refuse(CommandErrc::refused, "no such change");
}

}  // namespace

asio::awaitable<Result<TrafficShift>> NodeCommands::change_shift(ShiftChange change,
                                                                 Requester author,
                                                                 DryRun dry_run) {
    co_return co_await asio::co_spawn(
        control_, shift(std::move(change), std::move(author), dry_run), asio::use_awaitable);
}

asio::awaitable<Result<TrafficShift>> NodeCommands::shift(ShiftChange asked,
                                                          Requester requester,
                                                          DryRun dry_run) {
    const Result<std::string> cluster = cluster_name();
    if (!cluster) co_return tl::unexpected(cluster.error());
    const std::string path = node_.paths().dns_shifts();
    asked.wanted.author = requester.name;
    asked.wanted.asked = asked.wanted.since = clock_.wall();
    const std::string id = new_guid_();
    Error raced;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const Result<coordination::Node> node = co_await store_.get(path, Watch::none);
        const bool missing = !node && node.error().code == make_error_code(StoreErrc::no_node);
        if (!node && !missing)
            co_return tl::unexpected(from_store(node.error().code, "reading dns/shifts"));
        TrafficShifts shifts;
        if (node) {
            if (auto read = znodes::decode<TrafficShifts>(node->data, *cluster)) {
                shifts = *std::move(read);
            } else if (node_.view().shifts) {
                shifts = node_.view().shifts->value;  // the last that could be read: written again
            }
        }
        Result<Changed> changed = change(shifts, asked, id);
        if (!changed) co_return tl::unexpected(changed.error());
        if (dry_run == DryRun::yes) co_return std::move(changed->shift);
        shifts.stamp = {.cluster = *cluster,
                        .writer = node_.identity().node.str(),
                        .sequence = shifts.stamp.sequence + 1};
        std::string data = znodes::encode(shifts);
        if (data.size() > max_shifts_bytes)
            co_return tl::unexpected(problem(CommandErrc::refused,
                                             "the shares of all names take too much room; forget "
                                             "those that need none"));
        std::vector<coordination::Op> ops;
        if (node) {
            ops.emplace_back(coordination::SetOp{
                .path = path, .data = std::move(data), .version = node->stat.version});
        } else {
            // A tree that an earlier build has made.
            const auto parent = co_await store_.exists(node_.paths().dns(), Watch::none);
            if (!parent) co_return tl::unexpected(from_store(parent.error().code, "reading dns"));
            if (!*parent) ops.emplace_back(coordination::CreateOp{.path = node_.paths().dns()});
            ops.emplace_back(coordination::CreateOp{.path = path, .data = std::move(data)});
        }
        ops.emplace_back(audit_op(node_.paths(),
                                  {.stamp = shifts.stamp,
                                   .time = clock_.wall(),
                                   .author = requester.name,
                                   .origin = requester.origin,
                                   .action = changed->action,
                                   .object = "dns/" + asked.name,
                                   .detail = changed->detail}));
        const MultiOutcome outcome = co_await store_.multi(std::move(ops));
        if (outcome.ok()) {
            log::info("traffic_shift_asked",
                      {{"name", asked.name},
                       {"what", changed->action},
                       {"detail", changed->detail},
                       {"by", requester.name}});
            co_return std::move(changed->shift);
        }
        const bool again = outcome.fenced_off();
        raced = from_store(again ? outcome.op_errors.front() : outcome.error, "writing dns/shifts");
        if (!again) break;  // the master takes its steps there, too: look again
    }
    co_return tl::unexpected(raced);
}

}  // namespace muster::orchestrator
