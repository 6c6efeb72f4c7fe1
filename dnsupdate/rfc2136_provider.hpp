#pragma once

#include "dnsupdate/dns_provider.hpp"
#include "dnsupdate/zone_client.hpp"
#include "dnsupdate/zone_layout.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace muster::dnsupdate {

/// One zone of one primary server that takes dynamic updates (BIND, Knot). Every write is one
/// message, signed, with the fence and the name's anchor as value-dependent prerequisites; the
/// server does all of it or nothing. zone_layout.hpp says what is written. One cluster for each
/// zone.
class Rfc2136Provider final : public DnsProvider {
 public:
    /// `owner`: our mark, "muster/<uuid of the cluster>". `name`: what name() says.
    Rfc2136Provider(Clock& clock,
                    Rfc2136Settings settings,
                    std::string owner,
                    std::string name = "rfc2136");

    [[nodiscard]] const std::string& name() const override;
    [[nodiscard]] asio::awaitable<Result<Claim>> claim(Fence fence, bool born) override;
    /// The version is a digest of the text: a zone counts no changes of one record.
    [[nodiscard]] asio::awaitable<Result<StoredFence>> fence() override;
    [[nodiscard]] asio::awaitable<Result<bool>> replace_fence(Fence fence,
                                                              std::string version) override;
    [[nodiscard]] asio::awaitable<Result<Observed>> read() override;
    [[nodiscard]] asio::awaitable<std::vector<WriteResult>> write(
        std::vector<SetWrite> writes) override;
    /// The fence.
    [[nodiscard]] std::optional<std::pair<DnsName, std::string>> own_canary(
        const Fence& fence) const override;

 private:
    struct Committed {
        Outcome outcome = Outcome::failed;
        std::string detail;
    };

    asio::awaitable<Result<std::optional<std::string>>> stored_fence();
    asio::awaitable<Result<void>> settle();
    asio::awaitable<Result<void>> settle_one(DnsName name);
    asio::awaitable<WriteResult> write_one(const SetWrite& write);
    asio::awaitable<Committed> commit_until_known(const Update& update,
                                                  const DnsName& name,
                                                  const std::string& transaction);
    asio::awaitable<Committed> commit(const Update& update,
                                      const DnsName& name,
                                      const std::string& transaction);
    asio::awaitable<Committed> why_not(std::string code,
                                       const DnsName& name,
                                       const std::string& transaction);
    asio::awaitable<Result<bool>> landed(const DnsName& name, const std::string& transaction);
    [[nodiscard]] std::string next_transaction();

    std::string name_;
    ZoneClient client_;
    ZoneLayout layout_;
    Fence fence_;
    bool claimed_ = false;
    std::int64_t transactions_ = 0;
    std::map<DnsName, KnownSet> known_;  ///< as of the last reading and our writes since
    std::map<std::string, std::vector<ZoneRecord>> others_;  ///< by the keys of their strays
    std::set<DnsName> unsettled_;  ///< a write of theirs may still be on its way
};

}  // namespace muster::dnsupdate
