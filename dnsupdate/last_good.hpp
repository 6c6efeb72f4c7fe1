#pragma once

#include "dnsupdate/dns_plan.hpp"

#include <cstddef>
#include <map>

namespace muster::dnsupdate {

/// About what is kept of all names of a store, in bytes. With ZooKeeper's bound of a payload in
/// mind.
inline constexpr std::size_t max_last_good_bytes = 48UZ << 10U;

/// The room of each of so many stores: they share one znode, of 256 KiB at most with all else.
[[nodiscard]] std::size_t last_good_share(std::size_t stores);

/// With what each name was published when it was last proven to serve: for the day on which a store
/// has lost its records, and nothing is healthy. Pure.
/// - Of a name with records that are both desired and proven: these. Of any other: as `before`.
/// - A name that no fleet has any more is forgotten, if all fleets could be read.
/// - When all of it is too large, names keep 8, 4, 2 or at last one record; when that is too large,
///   the last names go.
[[nodiscard]] std::map<DnsName, RecordSet> last_good(std::map<DnsName, RecordSet> before,
                                                     const Desired& desired,
                                                     const Observed& observed,
                                                     std::size_t max_bytes = max_last_good_bytes);

}  // namespace muster::dnsupdate
