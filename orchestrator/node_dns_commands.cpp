#include "orchestrator/node_dns_commands.hpp"

#include "common/base/with_timeout.hpp"
#include "common/config/endpoint.hpp"
#include "common/observe/log.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "orchestrator/audit.hpp"
#include "orchestrator/command_errors.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace muster::orchestrator {

using coordination::Watch;
using dnsupdate::Order;
using dnsupdate::RecordType;

namespace {

/// Of all stores together. Below the 10 s that musterctl waits.
constexpr std::chrono::seconds order_limit{8};
constexpr std::chrono::milliseconds ask_timeout{1'500};
constexpr std::size_t most_servers = 32;

Error worded(const std::string& store, const Error& error) {
    const auto is = [&](std::errc code) { return error.code == std::make_error_code(code); };
    const std::string what = fmt::format("{}: {}", store, error.message());
    return problem(is(std::errc::operation_in_progress) ? CommandErrc::unknown_outcome
                                                        : CommandErrc::unreachable,
                   what);
}

std::string text_of(const Result<dnsupdate::DnsAnswer>& answer) {
    if (!answer) return answer.error().message();
    std::vector<std::string> data;
    std::optional<std::uint32_t> ttl;
    for (const dnsupdate::DnsRecord& record : answer->records) {
        data.push_back(record.data);
        ttl = std::min(ttl.value_or(record.ttl), record.ttl);
    }
    std::ranges::sort(data);
    std::string text = answer->code;
    if (!data.empty()) text += fmt::format(" {}, TTL {}", fmt::join(data, " "), *ttl);
    return text;
}

asio::awaitable<ServerAnswer> ask_one(Clock& clock,
                                      std::string server,
                                      config::Endpoint endpoint,
                                      dnsupdate::DnsName name) {
    ServerAnswer answer{.server = std::move(server)};
    for (const RecordType type : {RecordType::a, RecordType::aaaa, RecordType::srv}) {
        const auto got = co_await dnsupdate::ask(clock, endpoint, name, type, ask_timeout);
        answer.by_type.emplace(to_string(type), text_of(got));
        if (!got) break;  // a server that is silent is so for each type
    }
    co_return answer;
}

/// What an order has changed, for the audit; empty: nothing.
std::string change_of(const Order& order, const StoreOutcome& outcome) {
    if (outcome.problem || !outcome.done.refused.empty()) return {};
    switch (order.verb) {
        case Order::Verb::apply: {
            std::size_t done = 0;
            for (const dnsupdate::WriteResult& one : outcome.done.results)
                done += one.outcome == dnsupdate::Outcome::done ? 1 : 0;
            if (outcome.done.results.empty()) return {};
            return fmt::format("{}: a plan of {} names, {} written{}",
                               outcome.store,
                               outcome.done.plan.writes.size(),
                               done,
                               order.plan.request.adopt.empty() ? "" : ", others' records adopted");
        }
        case Order::Verb::repair_fence:
        case Order::Verb::bootstrap:
            return fmt::format("{}: the fence is {} now, was {}",
                               outcome.store,
                               outcome.done.mine,
                               outcome.done.fence.text.value_or("missing"));
        case Order::Verb::look:
        case Order::Verb::plan:
        case Order::Verb::show_fence:
            break;
    }
    return {};
}

std::string action_of(Order::Verb verb) {
    switch (verb) {
        case Order::Verb::repair_fence:
            return "dns fence repaired";
        case Order::Verb::bootstrap:
            return "dns fence bootstrapped";
        case Order::Verb::apply:
        case Order::Verb::look:
        case Order::Verb::plan:
        case Order::Verb::show_fence:
            break;
    }
    return "dns plan applied";
}

}  // namespace

NodeDnsCommands::NodeDnsCommands(asio::any_io_executor control,
                                 coordination::Store& store,
                                 Clock& clock,
                                 Node& node,
                                 DnsDuty& duty)
    : control_(std::move(control)), store_(store), clock_(clock), node_(node), duty_(duty) {}

asio::awaitable<Result<std::vector<StoreOutcome>>> NodeDnsCommands::order(
    std::vector<StoreOrder> orders, Requester requester) {
    co_return co_await asio::co_spawn(
        control_, carry_out(std::move(orders), std::move(requester)), asio::use_awaitable);
}

asio::awaitable<Result<std::int64_t>> NodeDnsCommands::bump_era(EraChange change,
                                                                Requester requester) {
    co_return co_await asio::co_spawn(
        control_, raise_era(change, std::move(requester)), asio::use_awaitable);
}

asio::awaitable<Result<std::vector<ServerAnswer>>> NodeDnsCommands::ask_servers(
    dnsupdate::DnsName name) {
    co_return co_await asio::co_spawn(control_, ask_all(std::move(name)), asio::use_awaitable);
}

asio::awaitable<Result<std::vector<StoreOutcome>>> NodeDnsCommands::carry_out(
    std::vector<StoreOrder> orders, Requester requester) {
    const std::vector<std::string> stores = duty_.stores();
    if (stores.empty())
        co_return tl::unexpected(
            problem(CommandErrc::refused, "this node does not publish DNS now"));
    std::vector<StoreOrder> each;
    for (StoreOrder& one : orders) {
        for (const std::string& store : stores) {
            if (one.store == store || (one.store.empty() && concerns(store, one.order)))
                each.push_back({.store = store, .order = one.order});
        }
        if (!one.store.empty() && std::ranges::find(stores, one.store) == stores.end())
            co_return tl::unexpected(problem(CommandErrc::not_found,
                                             fmt::format("there is no DNS store '{}'; there is {}",
                                                         one.store,
                                                         fmt::join(stores, ", "))));
    }
    const SteadyTime deadline = clock_.now() + order_limit;
    std::vector<StoreOutcome> outcomes;
    for (StoreOrder& one : each) {
        one.order.cluster = node_.view().cluster();
        const Order order = one.order;
        // Each has its share of the time that is left: one that hangs leaves the others theirs.
        const auto left = static_cast<std::int64_t>(each.size() - outcomes.size());
        const SteadyTime now = clock_.now();
        outcomes.push_back(co_await carry_out_one(std::move(one), now + (deadline - now) / left));
        std::string change = change_of(order, outcomes.back());
        if (!change.empty()) co_await note(requester, action_of(order.verb), std::move(change));
    }
    co_return outcomes;
}

/// Where no store is named, a plan for some names is a matter of those that can hold one of them.
bool NodeDnsCommands::concerns(const std::string& store, const Order& order) const {
    const std::set<dnsupdate::DnsName>& names = order.request.names;
    return order.verb != Order::Verb::plan || names.empty() ||
           std::ranges::any_of(
               names, [&](const dnsupdate::DnsName& name) { return duty_.holds(store, name); });
}

asio::awaitable<StoreOutcome> NodeDnsCommands::carry_out_one(StoreOrder order,
                                                             SteadyTime deadline) {
    StoreOutcome outcome{.store = order.store};
    // Looked up each time: the office may have ended while the one before was carried out.
    dnsupdate::DnsUpdater* const updater = duty_.updater(order.store);
    if (updater == nullptr) {
        outcome.problem = problem(CommandErrc::unreachable, order.store + ": the office has ended");
        co_return outcome;
    }
    Result<dnsupdate::OrderDone> done =
        co_await updater->carry_out(std::move(order.order), deadline - clock_.now());
    if (done) {
        outcome.done = *std::move(done);
    } else {
        outcome.problem = worded(order.store, done.error());
    }
    co_return outcome;
}

asio::awaitable<Result<std::int64_t>> NodeDnsCommands::raise_era(EraChange change,
                                                                 Requester requester) {
    const std::string path = node_.paths().control();
    const Result<coordination::Node> node = co_await store_.get(path, Watch::none);
    if (!node) co_return tl::unexpected(from_store(node.error().code, "reading control"));
    Result<znodes::Control> control =
        znodes::decode<znodes::Control>(node->data, node_.view().cluster());
    if (!control)
        co_return tl::unexpected(
            problem(CommandErrc::refused, "control: " + control.error().message()));
    if (control->era != change.from)
        co_return tl::unexpected(
            problem(CommandErrc::conflict,
                    fmt::format("the era is {}, not {}", control->era, change.from)));
    control->era = change.to;
    control->stamp.writer = node_.identity().node.str();
    ++control->stamp.sequence;
    std::vector<coordination::Op> ops{coordination::SetOp{
        .path = path, .data = znodes::encode(*control), .version = node->stat.version}};
    ops.emplace_back(audit_op(node_.paths(),
                              {.stamp = control->stamp,
                               .time = clock_.wall(),
                               .author = requester.name,
                               .origin = requester.origin,
                               .action = "era raised",
                               .detail = fmt::format("{} -> {}", change.from, change.to)}));
    const coordination::MultiOutcome outcome = co_await store_.multi(std::move(ops));
    if (!outcome.ok()) {
        const bool raced = outcome.fenced_off();
        co_return tl::unexpected(
            from_store(raced ? outcome.op_errors.front() : outcome.error, "writing control"));
    }
    log::warn("era_raised", {{"to", std::to_string(change.to)}, {"by", requester.name}});
    co_return change.to;
}

asio::awaitable<Result<std::vector<ServerAnswer>>> NodeDnsCommands::ask_all(
    dnsupdate::DnsName name) {
    std::set<std::string> servers;
    for (const std::string& server : duty_.servers()) {
        if (servers.size() < most_servers) servers.insert(server);
    }
    using Op = decltype(asio::co_spawn(
        control_, ask_one(clock_, std::string(), config::Endpoint(), name), asio::deferred));
    std::vector<Op> ops;
    for (const std::string& server : servers) {
        const auto endpoint = config::parse_endpoint(server);
        if (!endpoint) continue;
        ops.push_back(
            asio::co_spawn(control_, ask_one(clock_, server, *endpoint, name), asio::deferred));
    }
    std::vector<ServerAnswer> answers;
    if (ops.empty()) co_return answers;
    auto group = asio::experimental::make_parallel_group(std::move(ops));
    auto [order, errors, all] =
        co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!errors[i]) answers.push_back(std::move(all[i]));
    }
    co_return answers;
}

/// After the fact: the store is not ZooKeeper's to guard. What can't be written is in the log.
asio::awaitable<void> NodeDnsCommands::note(Requester requester,
                                            std::string action,
                                            std::string detail) {
    log::info("dns_order_done", {{"by", requester.name}, {"what", action}, {"detail", detail}});
    std::vector<coordination::Op> ops;
    ops.emplace_back(audit_op(
        node_.paths(),
        {.stamp = {.cluster = node_.view().cluster(), .writer = node_.identity().node.str()},
         .time = clock_.wall(),
         .author = requester.name,
         .origin = requester.origin,
         .action = std::move(action),
         .detail = std::move(detail)}));
    const coordination::MultiOutcome outcome = co_await store_.multi(std::move(ops));
    if (!outcome.ok()) log::warn("audit_not_written", {{"why", outcome.error.message()}});
}

}  // namespace muster::orchestrator
