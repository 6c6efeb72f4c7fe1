#pragma once

#include "common/config/field_writer.hpp"
#include "common/config/fleet_model.hpp"
#include "common/config/value.hpp"

#include <vector>

// The names under which a fleet is published.
namespace muster::config {

/// Sorted by name and location.
[[nodiscard]] std::vector<DnsEntry> decode_dns_entries(const Value& list);
[[nodiscard]] json::array encode(const std::vector<DnsEntry>& entries, Verbosity verbosity);

}  // namespace muster::config
