#pragma once

#include "common/base/result.hpp"
#include "dnsupdate/dns_message.hpp"
#include "dnsupdate/orders.hpp"
#include "dnsupdate/records.hpp"
#include "orchestrator/commands.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// To one store ("etcd"), or to each that there is (empty).
struct StoreOrder {
    std::string store;
    dnsupdate::Order order;
};

struct StoreOutcome {
    std::string store;
    std::optional<Error> problem;  ///< set: `done` says nothing
    dnsupdate::OrderDone done;
};

struct EraChange {
    std::int64_t from = 1;  ///< what the caller has seen; otherwise: conflict
    std::int64_t to = 2;
};
/// Larger ones don't fit into what a fence can be compared with by all who read it.
inline constexpr std::int64_t max_era = 0x7fff'ffff;

/// What one DNS server says of a name at this moment: by type what it answers, or why not.
struct ServerAnswer {
    std::string server;
    std::map<std::string, std::string> by_type;  ///< "A": "NOERROR 10.0.0.1 10.0.0.2, TTL 30"
};

/// What the API can have done with DNS stores. As Commands: called on the API's executor, works on
/// the control executor. All but `bump_era` and `ask_servers` are for the master: at another node
/// they are refused.
class DnsCommands {
 public:
    DnsCommands() = default;
    DnsCommands(const DnsCommands&) = delete;
    DnsCommands& operator=(const DnsCommands&) = delete;
    virtual ~DnsCommands() = default;

    /// In order; an Error only if none was tried. What has changed a store is audited.
    [[nodiscard]] virtual asio::awaitable<Result<std::vector<StoreOutcome>>> order(
        std::vector<StoreOrder> orders, Requester requester) = 0;
    /// The era after it.
    [[nodiscard]] virtual asio::awaitable<Result<std::int64_t>> bump_era(EraChange change,
                                                                         Requester requester) = 0;
    [[nodiscard]] virtual asio::awaitable<Result<std::vector<ServerAnswer>>> ask_servers(
        dnsupdate::DnsName name) = 0;
};

}  // namespace muster::orchestrator
