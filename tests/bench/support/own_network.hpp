#pragma once

#include <string>

namespace muster::bench {

/// From here on this process and its children have a network of their own, with nothing but
/// loopback in it, and room for many descriptors. Before any thread; as root. Throws
/// std::runtime_error.
void enter_own_network();

/// In the network that the caller is in. Throws std::runtime_error when it fails.
void run_command(const std::string& command);

/// Afterwards packets to 10.9.0.0/16 vanish, and so does whatever else is routed to hole0.
void add_black_hole();
/// An address there.
[[nodiscard]] std::string black_hole_address(int number);

}  // namespace muster::bench
