#pragma once

#include "common/base/id.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string>

// What names shall answer, as values that every DNS provider understands.
namespace muster::dnsupdate {

/// Lower case, without the last dot; config::rules::published_name() says what may be one.
using DnsName = Id<struct DnsNameTag>;
/// Of one record behind a name: an LB's instance id, or that of a static target; one label.
using MemberId = Id<struct MemberIdTag>;

using Ttl = std::chrono::seconds;

/// One address behind a name. Where the port is 0 the name has no SRV record for it.
struct Member {
    std::string address;  ///< IPv4 or IPv6, in the shortest form
    std::uint16_t port = 0;
    int priority = 10;  ///< of SRV: the lowest is asked first
    int weight = 100;   ///< of SRV, among those of one priority
    std::string
        text{};  ///< of a TXT record; such a member has no address, and nobody is sent to it
    bool operator==(const Member&) const = default;
};

/// All that one name answers. One TTL for all of it (RFC 2181, 5.2).
struct RecordSet {
    Ttl ttl{30};
    std::map<MemberId, Member> members;
    bool operator==(const RecordSet&) const = default;
};

/// Which master wrote: era first, then epoch. A store that has seen a pair takes no write of a
/// smaller one (DESIGN.md, section 5, external fences).
struct Token {
    std::int64_t era = 1;    ///< raised by an operator after ZooKeeper lost its data
    std::int64_t epoch = 0;  ///< the version of ZooKeeper's `epoch` at which office was taken
    auto operator<=>(const Token&) const = default;
};

}  // namespace muster::dnsupdate
