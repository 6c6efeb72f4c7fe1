#include "common/config/address_block.hpp"

#include "common/config/endpoint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

namespace muster::config {

namespace {

struct Bytes {
    bool is_v6 = false;
    std::array<std::uint8_t, 16> bytes{};
};

std::optional<Bytes> bytes_of(std::string_view ip) {
    Bytes address{.is_v6 = is_ipv6(ip)};
    if (!address.is_v6 && !is_ipv4(ip)) return std::nullopt;
    inet_pton(address.is_v6 ? AF_INET6 : AF_INET, std::string(ip).c_str(), address.bytes.data());
    return address;
}

bool bit_of(const std::array<std::uint8_t, 16>& bytes, int number) {
    const auto index = static_cast<std::size_t>(number);
    return ((bytes.at(index / 8) >> (7U - index % 8U)) & 1U) != 0;
}

tl::unexpected<std::string_view> wrong(std::string_view right) {
    return tl::unexpected<std::string_view>(right);
}

/// Where an address means another machine to each who asks.
struct Local {
    std::string_view block;
    std::string_view what;
};
constexpr std::array<Local, 4> local_blocks{{
    {"127.0.0.0/8", "a loopback address, where everybody finds himself"},
    {"::1/128", "a loopback address, where everybody finds himself"},
    {"169.254.0.0/16", "a link-local address, which is another machine on each network"},
    {"fe80::/10", "a link-local address, which is another machine on each network"},
}};

}  // namespace

tl::expected<AddressBlock, std::string_view> parse_address_block(std::string_view text) {
    constexpr std::string_view form =
        "must be an IP address and a number of bits, such as 10.0.0.0/8 or 2001:db8::/32";
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return wrong(form);
    const auto address = bytes_of(text.substr(0, slash));
    if (!address) return wrong(form);
    const std::string_view number = text.substr(slash + 1);
    const int most = address->is_v6 ? 128 : 32;
    int bits = -1;
    const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
    const bool is_number = error == std::errc{} && rest == number.data() + number.size() &&
                           (number.size() == 1 || number.front() != '0');
    if (!is_number || bits < 0 || bits > most)
        return wrong(address->is_v6 ? "must have 0 to 128 bits after the slash"
                                    : "must have 0 to 32 bits after the slash");
    for (int bit = bits; bit < most; ++bit) {
        if (bit_of(address->bytes, bit))
            return wrong(
                "must be the first address of its block: no bits set after those that "
                "count");
    }
    return AddressBlock{.is_v6 = address->is_v6, .bytes = address->bytes, .bits = bits};
}

std::string to_string(const AddressBlock& block) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(block.is_v6 ? AF_INET6 : AF_INET, block.bytes.data(), text.data(), text.size());
    return fmt::format("{}/{}", text.data(), block.bits);
}

bool contains(const AddressBlock& block, std::string_view ip) {
    const auto address = bytes_of(ip);
    if (!address || address->is_v6 != block.is_v6) return false;
    for (int bit = 0; bit < block.bits; ++bit) {
        if (bit_of(address->bytes, bit) != bit_of(block.bytes, bit)) return false;
    }
    return true;
}

std::string why_not_published(const std::vector<AddressBlock>& allowed, std::string_view ip) {
    if (!is_destination(ip)) return fmt::format("nothing can be at {}", ip);
    static const AddressBlock mapped = *parse_address_block("::ffff:0:0/96");
    if (contains(mapped, ip)) return fmt::format("{} is an IPv4 address written as IPv6", ip);
    if (allowed.empty()) {
        for (const Local& local : local_blocks) {
            if (contains(*parse_address_block(local.block), ip))
                return fmt::format(
                    "{} is {}; dns.allowed_addresses of the nodes' settings can "
                    "allow it",
                    ip,
                    local.what);
        }
        return {};
    }
    if (std::ranges::any_of(allowed, [&](const auto& block) { return contains(block, ip); }))
        return {};
    std::vector<std::string> blocks;
    for (const AddressBlock& block : allowed) blocks.push_back(to_string(block));
    return fmt::format("{} is in none of dns.allowed_addresses ({})", ip, fmt::join(blocks, ", "));
}

}  // namespace muster::config
