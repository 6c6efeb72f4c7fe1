#pragma once

#include "common/base/clock.hpp"
#include "dnsupdate/dns_message.hpp"
#include "dnsupdate/observed.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

// When nobody can get an instance's address from DNS any more, caches included. Pure.
namespace muster::dnsupdate {

struct DrainPolicy {
    std::vector<std::string> servers;  ///< that have to show it; as the verifier names them
    /// Caches keep an answer longer than its TTL if that is short: CoreDNS for 5 s, and so may the
    /// resolver behind it, which got it when it was about to end.
    std::chrono::seconds cache_floor{10};
    std::chrono::seconds stale_window{3600};  ///< `serve_stale` of the servers
    /// The servers answer stale before they ask their store (`immediate`). Else (`verify`) they do
    /// it only while their store fails them.
    bool stale_always = false;
};

struct OutOfDns {
    bool out = false;
    std::string why;         ///< it isn't
    bool published = false;  ///< a name has it, or is to have it
    /// At least; zero: that depends on others.
    std::chrono::nanoseconds left{};
    bool operator==(const OutOfDns&) const = default;
};

/// Follows one store and the DNS servers that answer from it, for one term of office. A member is
/// out when, at each of its names,
///   - its record is gone from the store, and
///   - each server was asked after that and answered without it, and
///   - since the last of these answers the longest TTL that the record had while it was in has
///     passed, and the cache floor;
///   - and while a server fails to answer from its store, and may hence answer stale: the stale
///     window, too.
/// What left before this term is not known. So nothing is out until the same has passed since the
/// first reading, with `before` as TTL. Whatever isn't known only makes it later.
///
/// Example, TTL 30 s, floor 5 s: removed at 100 s, ns1 answers without it at 100.1 s, ns2 (with a
/// cache) at 124 s: out at 159 s.
class DnsDrain {
 public:
    /// Longer TTLs can't be configured.
    static constexpr Ttl longest_possible{3600};

    /// `before`: the longest TTL of what earlier masters have published here and may be cached.
    explicit DnsDrain(DrainPolicy policy, Ttl before = longest_possible);
    /// No master has published here before: nothing of theirs is in any cache.
    void expect_none_before() { before_ = Ttl(0); }

    /// All that the store holds, and what may be on its way into it.
    void read(const Observed& store, SteadyTime now);
    /// What a server answered for a name, of all types that it was asked for, to questions that
    /// were sent at `asked` or later.
    void answered(const std::string& server,
                  const DnsName& name,
                  const std::vector<DnsRecord>& records,
                  SteadyTime asked);
    /// Whether it answers from its store.
    void note_server(const std::string& server, bool fails, SteadyTime now);

    /// The names that it still needs an answer of this server for.
    [[nodiscard]] std::set<DnsName> open(const std::string& server) const;

    [[nodiscard]] OutOfDns out(const MemberId& member, SteadyTime now) const;
    /// Those that were removed and are not out yet, at most `most`.
    [[nodiscard]] std::map<MemberId, OutOfDns> leaving(SteadyTime now, std::size_t most) const;
    /// For the next master: its `before`.
    [[nodiscard]] Ttl longest(SteadyTime now) const;

 private:
    struct Present {
        Ttl longest{0};
        std::string address;
    };
    struct Leaving {
        SteadyTime gone;
        Ttl longest{0};
        std::string address;
        std::map<std::string, SteadyTime> shown;  ///< by which servers, when they were asked
    };
    struct Name {
        std::map<MemberId, Present> present;
        std::map<MemberId, Leaving> leaving;
    };
    struct Server {
        bool fails = false;
        std::optional<SteadyTime> failed;  ///< the last time
        std::set<DnsName> unseen;          ///< of the first reading: not answered since
        SteadyTime seen{};                 ///< when the last of them was
    };

    [[nodiscard]] OutOfDns judge(const Leaving& one, SteadyTime now) const;
    [[nodiscard]] OutOfDns judge_unknown(SteadyTime now) const;
    [[nodiscard]] OutOfDns after(SteadyTime dropped, Ttl longest, SteadyTime now) const;
    [[nodiscard]] bool is_past(const Leaving& one, SteadyTime now) const;

    DrainPolicy policy_;
    Ttl before_;
    std::optional<SteadyTime> first_;  ///< reading
    std::map<DnsName, Name> names_;
    std::map<std::string, Server> servers_;
};

}  // namespace muster::dnsupdate
