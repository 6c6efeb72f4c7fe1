#pragma once

#include "dnsupdate/observed.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// How CoreDNS's `etcd` plug-in finds records in etcd (the SkyDNS layout): the labels of a name
// reversed, below a root of one segment; values are JSON. Pure.
//
//   /skydns/test/muster/api        the anchor: our mark and the set's version, no record
//   /skydns/test/muster/api/lb-1   a member
//
// The anchor makes a query of another type a NODATA where it would be an NXDOMAIN. Nothing but
// anchors and members is ever written below the root: one value that is no JSON object makes
// CoreDNS fail the name and all names above it.
namespace muster::dnsupdate {

struct EtcdLayout {
    std::string root = "/skydns";
    std::string owner;             ///< our mark, "muster/<uuid of the cluster>"
    std::vector<DnsName> zones{};  ///< their own names (the apex) have their members elsewhere
    bool operator==(const EtcdLayout&) const = default;
};

[[nodiscard]] std::string anchor_key(const EtcdLayout& layout, const DnsName& name);
[[nodiscard]] std::string member_key(const EtcdLayout& layout,
                                     const DnsName& name,
                                     const MemberId& id);

[[nodiscard]] std::string anchor_value(const EtcdLayout& layout, const Anchor& anchor);
/// The group is the name itself, so that names above it don't answer with these records.
[[nodiscard]] std::string member_value(const EtcdLayout& layout,
                                       const DnsName& name,
                                       const Member& member,
                                       Ttl ttl);

struct EtcdEntry {
    std::string key;
    std::string value;
    std::int64_t mod_revision = 0;
    std::int64_t lease = 0;
};

/// All that there is below the root, which anyone may have written. Never fails: what can't be read
/// is a stray. An entry's version is its mod_revision.
[[nodiscard]] Observed read_entries(const EtcdLayout& layout,
                                    const std::vector<EtcdEntry>& entries);

/// What makes CoreDNS fail every name that a value is part of; nothing: it can be served. By the
/// rules of Go's encoding/json and SkyDNS's fields.
[[nodiscard]] std::optional<std::string> what_is_malformed(std::string_view value);

}  // namespace muster::dnsupdate
