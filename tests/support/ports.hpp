#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace muster::test {

/// A TCP port on which nobody listens on loopback, for servers that can't be told "any". Below
/// 32768, where the kernel takes no ports for outgoing connections, and reserved against all other
/// test processes until this process ends. Throws std::runtime_error when none is left. Any thread.
[[nodiscard]] std::uint16_t free_port();

[[nodiscard]] std::vector<std::uint16_t> free_ports(std::size_t count);

}  // namespace muster::test
