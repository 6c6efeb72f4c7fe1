#pragma once

#include "common/base/clock.hpp"
#include "common/base/signal.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/store.hpp"
#include "common/znodes/payloads.hpp"
#include "dnsupdate/dns_updater.hpp"
#include "orchestrator/dns_stores.hpp"
#include "orchestrator/node.hpp"
#include "orchestrator/snapshot.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// The master's duty to publish names: while this node is in office, an updater for each store runs
/// under a fence of (era, epoch). They know nothing of each other: one whose store is away holds up
/// none. All are cancelled at the very call that tells of the lost office. What masters hand on of
/// each store is in dns/state. Executor: the control executor.
class DnsDuty {
 public:
    DnsDuty(asio::any_io_executor executor,
            coordination::Store& store,
            Clock& clock,
            Node& node,
            DnsDutySettings settings,
            Node::NewGuid new_guid,
            std::function<bool()> paused,
            std::function<void()> on_change);
    ~DnsDuty();

    void start();
    [[nodiscard]] asio::awaitable<void> stop();

    /// Office, era or pause may have changed.
    void look();
    /// A new view, and the snapshot that was made of it.
    void take(const Snapshot& snapshot);

    [[nodiscard]] std::shared_ptr<const DnsRow> row() const;
    /// By the last snapshot, of each store by its name; none: this node is not master.
    [[nodiscard]] std::map<std::string, dnsupdate::DesiredRecords> wanted() const;
    /// Does nobody get this instance's address from DNS any more, in no view, nor from a cache?
    /// Never as long as it is to be published or this node isn't master.
    [[nodiscard]] dnsupdate::OutOfDns out_of_dns(const FleetName& fleet,
                                                 const InstanceId& instance) const;

    /// This node is master, and each store has taken its fence.
    [[nodiscard]] bool publishes() const;
    /// The stores that this office publishes to; none: this node is not master.
    [[nodiscard]] std::vector<std::string> stores() const;
    /// Is this name in one of the store's zones?
    [[nodiscard]] bool holds(const std::string& store, const dnsupdate::DnsName& name) const;
    /// Null: there is none of this name. Until the next co_await.
    [[nodiscard]] dnsupdate::DnsUpdater* updater(const std::string& store);
    /// The DNS servers that are asked.
    [[nodiscard]] const std::vector<std::string>& servers() const { return settings_.dns.servers; }

 private:
    struct Term;

    asio::awaitable<void> run();
    void tell(const std::vector<std::string>& problems);
    asio::awaitable<void> begin(dnsupdate::Token token);
    [[nodiscard]] std::optional<dnsupdate::Token> token() const;
    [[nodiscard]] bool may_write(const dnsupdate::Token& token) const;
    [[nodiscard]] dnsupdate::DesiredRecords wanted_of(const DnsHolding& holding) const;
    [[nodiscard]] dnsupdate::UpdaterLinks links_of(const DnsStore& store, dnsupdate::Token by);
    asio::awaitable<Result<znodes::DnsState>> kept();
    asio::awaitable<bool> keep(std::string store,
                               dnsupdate::Token token,
                               dnsupdate::StoreMark mark);
    enum class Kept { yes, moved, no };
    asio::awaitable<Kept> keep_once(const std::string& store,
                                    dnsupdate::Token token,
                                    dnsupdate::StoreMark mark);

    coordination::Store& store_;
    Clock& clock_;
    Node& node_;
    DnsDutySettings settings_;
    Node::NewGuid new_guid_;
    std::function<bool()> paused_;
    std::function<void()> on_change_;
    TaskGroup tasks_;
    Signal wake_;
    /// Of each view, by its name; empty: not all was read yet.
    std::map<std::string, dnsupdate::DesiredRecords> wanted_;
    znodes::DnsState known_;  ///< dns/state as this term has read and written it
    std::unique_ptr<Term> term_;
    std::set<std::string> told_;  ///< of the problems, in the log
};

}  // namespace muster::orchestrator
