#pragma once

#include <map>
#include <string>

namespace muster::test {

/// The bytes of a small database as MaxMind's (MaxMind DB File Format 2.0, type GeoLite2-City):
/// IPv4 networks ("203.0.113.0/24", not one within another) and the codes of their continents.
[[nodiscard]] std::string mmdb(const std::map<std::string, std::string>& continents);

}  // namespace muster::test
