#pragma once

#include "common/config/fleet_model.hpp"
#include "dnsupdate/dns_plan.hpp"
#include "dnsupdate/share.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

// From fleets and the health of their instances to what names shall answer. Pure.
namespace muster::dnsupdate {

/// Of an instance that is in rotation: what is known of it.
enum class Standing : std::uint8_t {
    good,
    unproven,  ///< no verdict yet. That takes nothing out, and puts nothing in
    failing,   ///< in, because too many fail
};

struct PublishedInstance {
    InstanceId id;
    std::string address;  ///< host part: IPv4, IPv6 (without brackets) or a host name
    std::uint16_t port = 0;
    bool in = false;  ///< rotation() of the fleet's group says so
    Standing standing = Standing::good;
    int weight = 100;
    std::string why;      ///< it is out: "DOWN", "drained by an operator"
    std::string unfit{};  ///< why its address may not be published; empty: it may
    std::string zone{};
};

struct PublishedFleet {
    FleetName name;
    std::vector<config::DnsEntry> dns;
    std::vector<PublishedInstance> instances;
};

/// What each party of a name shall have of its traffic; no percents: it is only looked at.
struct Shares {
    znodes::ShiftBy by = znodes::ShiftBy::fleet;
    znodes::Percents percents;
};

/// The names that have shares, and the time, which says whose turn it is.
struct Shifted {
    std::map<DnsName, Shares> names;
    WallTime now{};
};

struct Party {
    int known = 0;    ///< LBs that can be published
    int good = 0;     ///< of these: they serve
    int failing = 0;  ///< of these: in rotation all the same
    int percent = 0;  ///< what it gets
    bool operator==(const Party&) const = default;
};

/// What came of a name's shares.
struct SharedName {
    znodes::Percents asked;
    Ttl ttl{0};
    std::map<std::string, Party> parties;
    bool operator==(const SharedName&) const = default;
};

struct DesiredRecords {
    Desired desired;
    std::vector<std::string> problems;  ///< what can't be published as it is written, and why
    std::map<DnsName, SharedName> shared{};
};

/// What the names of one view shall answer.
/// - Of the entries of a name, those of the lowest priority with an instance that is in and not
///   failing are answered. Where all that are in fail, all are. Where no entry has one that is in
///   the name has no members: the planner then keeps what there is.
/// - A view answers with the entries that have its name for their location; where none of these has
///   an instance that is in and not failing, with those without a location; where these have none
///   either, with those of the `fallback`s, one after the other, and at last with all others.
///   Within each of these the priorities count.
/// - The view without a name: with those without a location, and then with all others.
/// - An instance whose address is a host name isn't published, nor is one of a family whose type
///   isn't asked for.
/// - SRV weights are percents of their priority that make 100 in all, so CoreDNS, which rounds
///   down, answers them as they are.
/// - Of a name with shares, those that are to be answered get them as take_turns() says.
/// `complete`: all fleets could be read.
///
/// Example: web {lb-1 in, lb-2 out} and spare {lb-9 in} publish api with priorities 10 and 20: api
/// answers web's lb-1. With lb-1 out, too: spare's lb-9.
[[nodiscard]] DesiredRecords desired_records(const std::vector<PublishedFleet>& fleets,
                                             const std::string& view,
                                             bool complete,
                                             const std::vector<std::string>& fallback = {},
                                             const Shifted& shifted = {});

/// A label that names an instance in all fleets: "web-lb-1"; of what is no label a digest.
[[nodiscard]] MemberId member_id(const FleetName& fleet, const InstanceId& instance);

}  // namespace muster::dnsupdate
