#pragma once

#include "scaler/provider.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

// What programs and services of others answer about machines (docs/providers.md). Pure. What is
// wrong with an answer is said in words; nothing of a wrong one is used.
namespace muster::scaler {

inline constexpr std::size_t most_answer_bytes = 1UZ << 20U;
inline constexpr std::size_t most_machines = 10'000;

/// {"id", "fleet", "token", "state", "cluster", "address", "host", "age_seconds"}, of this machine
/// and no other. The last four may be left out; other fields are ignored.
[[nodiscard]] tl::expected<Machine, std::string> parse_machine(std::string_view text,
                                                               std::string_view cluster,
                                                               const FleetName& fleet,
                                                               const InstanceId& id);

/// {"complete": true or false, "machines": [...]}, all of this fleet, none twice.
[[nodiscard]] tl::expected<Machines, std::string> parse_machines(std::string_view text,
                                                                 std::string_view cluster,
                                                                 const FleetName& fleet);

/// What is asked of a service.
[[nodiscard]] std::string encode(const MachineOrder& order, std::string_view cluster);

}  // namespace muster::scaler
