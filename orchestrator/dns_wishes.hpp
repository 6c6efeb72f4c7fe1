#pragma once

#include "common/config/address_block.hpp"
#include "common/follow/cluster_view.hpp"
#include "dnsupdate/desired.hpp"
#include "orchestrator/snapshot.hpp"

#include <string>
#include <vector>

namespace muster::orchestrator {

/// Whom it is answered to: config::DnsView.
struct DnsNameView {
    std::string name{};
    std::vector<std::string> fallback{};
};
/// Empty: config::why_not_published() says which are by default.
using AllowedAddresses = std::vector<config::AddressBlock>;

/// What the names of all fleets shall answer: their instances that are in rotation, as the API
/// shows them. Pure.
/// - A name of a fleet whose LBs aren't all known yet has no members: what the store has of it
///   stays.
/// - Of LBs that muster makes only those in service (scaling_view.hpp).
/// - An instance whose address isn't `allowed` is told among the problems, and not published.
/// - A name outside of the zones is told among the problems, and not published.
/// - `settled`: all that there is was read. Only then, and when no head is missing or broken, is
///   the answer complete.
[[nodiscard]] dnsupdate::DesiredRecords dns_wishes(const follow::ClusterView& view,
                                                   const Snapshot& snapshot,
                                                   const std::vector<std::string>& zones,
                                                   const AllowedAddresses& allowed,
                                                   bool settled,
                                                   const DnsNameView& of = {});

/// "api.example.org" is in "example.org", and so is that itself.
[[nodiscard]] bool is_in_zone(const std::string& name, const std::string& zone);

}  // namespace muster::orchestrator
