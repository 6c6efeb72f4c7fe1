#pragma once

#include "common/base/clock.hpp"
#include "common/coordination/store.hpp"
#include "orchestrator/dns_commands.hpp"
#include "orchestrator/dns_duty.hpp"
#include "orchestrator/node.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <string>
#include <vector>

namespace muster::orchestrator {

/// DnsCommands on a real node: orders go to the updaters of this office, the era straight to
/// ZooKeeper.
class NodeDnsCommands final : public DnsCommands {
 public:
    NodeDnsCommands(asio::any_io_executor control,
                    coordination::Store& store,
                    Clock& clock,
                    Node& node,
                    DnsDuty& duty);

    [[nodiscard]] asio::awaitable<Result<std::vector<StoreOutcome>>> order(
        std::vector<StoreOrder> orders, Requester requester) override;
    [[nodiscard]] asio::awaitable<Result<std::int64_t>> bump_era(EraChange change,
                                                                 Requester requester) override;
    [[nodiscard]] asio::awaitable<Result<std::vector<ServerAnswer>>> ask_servers(
        dnsupdate::DnsName name) override;

 private:
    // All of these run on the control executor.
    asio::awaitable<Result<std::vector<StoreOutcome>>> carry_out(std::vector<StoreOrder> orders,
                                                                 Requester requester);
    [[nodiscard]] bool concerns(const std::string& store, const dnsupdate::Order& order) const;
    asio::awaitable<StoreOutcome> carry_out_one(StoreOrder order, SteadyTime deadline);
    asio::awaitable<Result<std::int64_t>> raise_era(EraChange change, Requester requester);
    asio::awaitable<Result<std::vector<ServerAnswer>>> ask_all(dnsupdate::DnsName name);
    asio::awaitable<void> note(Requester requester, std::string action, std::string detail);

    asio::any_io_executor control_;
    coordination::Store& store_;
    Clock& clock_;
    Node& node_;
    DnsDuty& duty_;
};

}  // namespace muster::orchestrator
