#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "dnsupdate/dns_plan.hpp"
#include "dnsupdate/fence.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster::dnsupdate {

/// What became of one SetWrite.
enum class Outcome : std::uint8_t {
    done,      ///< it is in the store
    conflict,  ///< nothing was written: the set is no longer as it was read. Read again, plan again
    fenced,    ///< nothing was written: a later master has claimed the store. Write no more
    unknown,   ///< perhaps written: reads of the set tell, when the store answers again
    failed,    ///< nothing was written: the store isn't there, or refuses
};

struct WriteResult {
    DnsName name;
    Outcome outcome = Outcome::failed;
    std::string detail;  ///< for people
};

/// How far a store's history has come; of one that can't tell, zeros.
struct StoreAge {
    std::int64_t revision = 0;
    std::int64_t term = 0;
    bool went_back = false;  ///< it has less history than it had: it was restored from a snapshot
    bool operator==(const StoreAge&) const = default;
};

/// What is at the fence's place, whoever has written it.
struct StoredFence {
    std::optional<std::string> text;  ///< nothing: there is none
    std::string version;              ///< changes with it; "0": there is none
    bool operator==(const StoredFence&) const = default;
};

/// A store of DNS records that compares a fence with every write. Executor: the awaiting
/// coroutine's; one call at a time. Every call ends in bounded time.
class DnsProvider {
 public:
    DnsProvider() = default;
    DnsProvider(const DnsProvider&) = delete;
    DnsProvider& operator=(const DnsProvider&) = delete;
    virtual ~DnsProvider() = default;

    /// "etcd", "rfc2136:192.0.2.53:53:example.org": in logs, metrics and dns/state.
    [[nodiscard]] virtual const std::string& name() const = 0;

    /// Puts the fence into the store, or says why not; the first thing that a master does, before
    /// it reads. `born`: this cluster has written a fence here before. What is returned has
    /// happened.
    [[nodiscard]] virtual asio::awaitable<Result<Claim>> claim(Fence fence, bool born) = 0;

    /// Reads the fence, and with it age(); writes nothing.
    [[nodiscard]] virtual asio::awaitable<Result<StoredFence>> fence() = 0;
    /// Puts `fence` in the place of what has this version, whatever it is; false: it is another one
    /// by now. For an operator who has looked at it; a claim comes next.
    [[nodiscard]] virtual asio::awaitable<Result<bool>> replace_fence(Fence fence,
                                                                      std::string version) = 0;

    /// All of ours that there is, and what is in its way. An error is never half a reading.
    [[nodiscard]] virtual asio::awaitable<Result<Observed>> read() = 0;

    /// After a claim. Each set by itself or several at once, but each as a whole; in order, and
    /// none after one that was fenced off or unknown: of these there is no result.
    [[nodiscard]] virtual asio::awaitable<std::vector<WriteResult>> write(
        std::vector<SetWrite> writes) = 0;

    /// A TXT record that this store has anyhow and that its DNS servers answer, name and text. Then
    /// no canary is published in it.
    [[nodiscard]] virtual std::optional<std::pair<DnsName, std::string>> own_canary(
        const Fence& /*fence*/) const {
        return std::nullopt;
    }

    /// As of the last call.
    [[nodiscard]] virtual StoreAge age() const { return {}; }
};

[[nodiscard]] std::string_view to_string(Outcome outcome);

}  // namespace muster::dnsupdate
