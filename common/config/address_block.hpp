#pragma once

#include <tl/expected.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster::config {

/// Addresses with the same first bits (CIDR, RFC 4632 and RFC 4291): "10.0.0.0/8", "2001:db8::/32".
struct AddressBlock {
    bool is_v6 = false;
    std::array<std::uint8_t, 16> bytes{};  ///< of IPv4 the first four
    int bits = 0;                          ///< that count; the others are 0
    bool operator==(const AddressBlock&) const = default;
};

/// Strict: an address, a slash, and a number of bits, after which the address has none set. On
/// failure says what would be right.
[[nodiscard]] tl::expected<AddressBlock, std::string_view> parse_address_block(
    std::string_view text);
[[nodiscard]] std::string to_string(const AddressBlock& block);

/// `ip`: IPv4 or IPv6; of a block of the other family it is never.
[[nodiscard]] bool contains(const AddressBlock& block, std::string_view ip);

/// Why an address may not be published as the answer of a name; empty: it may. `allowed` empty: all
/// are but those that mean another machine to each who asks. Never allowed: what nothing can be at
/// (unspecified, multicast, broadcast), and IPv4 written as IPv6, which DNS servers give out as A.
[[nodiscard]] std::string why_not_published(const std::vector<AddressBlock>& allowed,
                                            std::string_view ip);

}  // namespace muster::config
