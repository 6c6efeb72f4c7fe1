#pragma once

namespace muster::bench {

/// From here on the loopback device of this network loses this share of all packets, each drawn by
/// itself: by an XDP program of six instructions, in the generic mode that every device has. As
/// root, in a network of one's own. Throws std::runtime_error when the kernel refuses.
void lose_packets(double share);

}  // namespace muster::bench
