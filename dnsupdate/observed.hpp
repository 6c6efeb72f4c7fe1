#pragma once

#include "dnsupdate/records.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster::dnsupdate {

/// The mark that a name is ours. Its version guards the whole set: every write of the set changes
/// it in the same transaction.
struct Anchor {
    Token token;                  ///< of who wrote last
    std::int64_t generation = 0;  ///< of the set, one more with each write
    std::string transaction;      ///< of the last write; tells whether one with a lost reply landed
    bool operator==(const Anchor&) const = default;
};

struct ObservedMember {
    Member member;
    Ttl ttl{0};
    bool as_written = true;  ///< false: ours, but not as we write it (a lease, another group, ...)
    bool operator==(const ObservedMember&) const = default;
};

/// What a store holds of one name that bears our mark.
struct ObservedSet {
    std::optional<Anchor> anchor;  ///< nothing: the mark is gone or broken, members are left
    std::string version;  ///< of the anchor, as the store tells it; empty: there is no such key
    bool anchor_as_written = true;
    std::map<MemberId, ObservedMember> members;
    bool operator==(const ObservedSet&) const = default;
};

/// Something in the store that isn't ours, or can't be read.
struct Stray {
    enum class Kind : std::uint8_t {
        foreign,    ///< well-formed, without our mark
        malformed,  ///< its presence makes a DNS server fail the whole name (reference: poison)
        misplaced,  ///< can't be asked for by its own name: upper case, an empty label, ...
    };
    std::string key;
    std::string version;
    Kind kind = Kind::foreign;
    std::string what;                ///< for people: "is not JSON"
    std::optional<DnsName> at;       ///< the name whose own key it has
    std::vector<DnsName> touches{};  ///< names of ours whose answers it changes or breaks
    bool operator==(const Stray&) const = default;
};

/// One whole and consistent reading of a store; a reading that failed half-way is none.
struct Observed {
    std::map<DnsName, ObservedSet> sets;  ///< ours
    std::vector<Stray> strays;            ///< sorted by key
    bool operator==(const Observed&) const = default;
};

}  // namespace muster::dnsupdate
