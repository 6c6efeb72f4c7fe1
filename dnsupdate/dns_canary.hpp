#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "dnsupdate/dns_message.hpp"
#include "dnsupdate/dns_plan.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

// A record that is there to be asked for: whether a DNS server answers from its store. CoreDNS's
// /health and /ready stay green without etcd, and so does its port. Pure.
namespace muster::dnsupdate {

struct CanarySettings {
    DnsName name;      ///< empty: there is none
    std::string text;  ///< of its one TXT record
    std::chrono::nanoseconds interval = std::chrono::seconds(1);
    /// Below the 5 s after which CoreDNS gives etcd up, and may answer something stale.
    std::chrono::nanoseconds timeout = std::chrono::seconds(1);
    /// After this the servers are asked even though the store never said that it is in it.
    std::chrono::nanoseconds patience = std::chrono::seconds(10);
    int fall = 2;  ///< wrong answers in a row
};

struct CanaryState {
    enum class Health : std::uint8_t { unknown, up, down };
    Health health = Health::unknown;
    int failures = 0;                 ///< in a row
    std::string wrong;                ///< of the last answer; empty: it was right
    WallTime since{};                 ///< of `health`
    std::chrono::nanoseconds took{};  ///< the last right answer
    bool operator==(const CanaryState&) const = default;
};

/// One right answer is enough for up, `fall` wrong ones in a row for down. Nothing is taken out of
/// anywhere for it: it is shown, and told.
[[nodiscard]] CanaryState observe_canary(const CanaryState& was,
                                         const CanarySettings& settings,
                                         const Result<DnsAnswer>& answer,
                                         std::chrono::nanoseconds took,
                                         WallTime now);

/// What has to be published for it. It has a text and no address, so that no name above it, which
/// CoreDNS answers with all that is below, sends anyone anywhere.
[[nodiscard]] DesiredSet canary_set(const std::string& text);

[[nodiscard]] std::string_view to_string(CanaryState::Health health);

}  // namespace muster::dnsupdate
