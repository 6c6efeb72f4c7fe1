#pragma once

#include "dnsupdate/dns_provider.hpp"
#include "dnsupdate/etcd_client.hpp"
#include "dnsupdate/etcd_layout.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::dnsupdate {

/// CoreDNS's records in etcd. The fence is at /muster/<cluster>/fence, outside of the DNS path.
/// Every write is one transaction that compares the fence's value and revision and the anchor's
/// revision of each set in it, and changes each of these anchors. What is moved aside goes to
/// /muster/<cluster>/quarantine<its key>. No leases, and no other writes.
class EtcdProvider final : public DnsProvider {
 public:
    /// Several of one cluster share its fence; each has a root and a name of its own.
    EtcdProvider(etcd::Client& client,
                 EtcdLayout layout,
                 std::string cluster,
                 std::string name = "etcd");

    [[nodiscard]] const std::string& name() const override;
    [[nodiscard]] asio::awaitable<Result<Claim>> claim(Fence fence, bool born) override;
    /// The version is etcd's mod_revision.
    [[nodiscard]] asio::awaitable<Result<StoredFence>> fence() override;
    [[nodiscard]] asio::awaitable<Result<bool>> replace_fence(Fence fence,
                                                              std::string version) override;
    [[nodiscard]] asio::awaitable<Result<Observed>> read() override;
    [[nodiscard]] asio::awaitable<std::vector<WriteResult>> write(
        std::vector<SetWrite> writes) override;
    [[nodiscard]] StoreAge age() const override;

 private:
    /// One transaction's share: of a set all, or of a large one some.
    struct Part {
        DnsName name;
        std::int64_t revision = 0;  ///< of the anchor; 0: there must be none
        std::vector<etcd::Compare> compares;
        std::vector<etcd::Op> ops;
        std::string transaction;  ///< in the anchor after it; empty: the anchor goes
    };
    struct Committed {
        Outcome outcome = Outcome::failed;
        std::string detail;
        std::set<DnsName> moved{};  ///< of a conflict: the sets that are to blame
        std::int64_t revision = 0;  ///< of what is done
    };

    asio::awaitable<Result<void>> settle();
    asio::awaitable<Result<std::vector<Part>>> parts_of(SetWrite write);
    asio::awaitable<Result<std::optional<etcd::KeyValue>>> to_move(const Stray& stray);
    asio::awaitable<void> write_batch(std::vector<Part> batch, std::vector<WriteResult>& results);
    asio::awaitable<WriteResult> write_in_turn(std::vector<Part> parts);
    asio::awaitable<Committed> commit_until_known(const std::vector<Part>& parts);
    asio::awaitable<Committed> commit(const std::vector<Part>& parts);
    asio::awaitable<Result<std::int64_t>> landed(const Part& part);
    [[nodiscard]] Committed why_not(const std::vector<Part>& parts,
                                    const etcd::TxnReply& reply) const;
    [[nodiscard]] etcd::Compare fence_compare() const;
    [[nodiscard]] Part begin_part(const SetWrite& write);

    etcd::Client& client_;
    EtcdLayout layout_;
    std::string name_;
    std::string fence_key_;
    std::string quarantine_;
    Fence fence_;
    std::int64_t fence_revision_ = 0;  ///< 0: not claimed
    std::int64_t transactions_ = 0;
    std::set<DnsName> unsettled_;  ///< a write of theirs may still be on its way
};

}  // namespace muster::dnsupdate
