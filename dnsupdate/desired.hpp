#pragma once

#include "common/config/fleet_model.hpp"
#include "dnsupdate/dns_plan.hpp"

#include <cstdint>
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
};

struct PublishedFleet {
    FleetName name;
    std::vector<config::DnsEntry> dns;
    std::vector<PublishedInstance> instances;
};

struct DesiredRecords {
    Desired desired;
    std::vector<std::string> problems;  ///< what can't be published as it is written, and why
};

/// What the names of one view shall answer.
/// - Of the entries of a name, those of the lowest priority with an instance that is in and not
///   failing are answered. Where all that are in fail, all are. Where no entry has one that is in
///   the name has no members: the planner then keeps what there is.
/// - An entry with a location is for that view alone, one without for all views. Where a view has
///   entries of its own with a healthy instance, those without a location stand by.
/// - An instance whose address is a host name isn't published, nor is one of a family whose type
///   isn't asked for.
/// - SRV weights are percents of their priority that make 100 in all, so CoreDNS, which rounds
/// down,
///   answers them as they are.
/// `complete`: all fleets could be read.
///
/// Example: web {lb-1 in, lb-2 out} and spare {lb-9 in} publish api with priorities 10 and 20: api
/// answers web's lb-1. With lb-1 out, too: spare's lb-9.
[[nodiscard]] DesiredRecords desired_records(const std::vector<PublishedFleet>& fleets,
                                             const std::string& view,
                                             bool complete);

/// A label that names an instance in all fleets: "web-lb-1"; of what is no label a digest.
[[nodiscard]] MemberId member_id(const FleetName& fleet, const InstanceId& instance);

/// In the same order, each at least 1, the sum 100, in proportion to `weights` (largest
/// remainders). Of more than 100 each is 1.
[[nodiscard]] std::vector<int> percents(const std::vector<int>& weights);

}  // namespace muster::dnsupdate
