#include "tests/support/mmdb.hpp"

#include <boost/asio/ip/network_v4.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace muster::test {

namespace {

// A control byte: the type above, the size (below 29) in 5 bits; types above 7 in a second byte.
char control(unsigned type, std::size_t size) {
    return static_cast<char>((type << 5U) | size);
}

std::string text(const std::string& value) {
    return control(2, value.size()) + value;
}

std::string big_endian(std::uint64_t value, std::size_t bytes) {
    std::string out;
    for (std::size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
    return out;
}

std::string uint16(std::uint64_t value) {
    return control(5, 2) + big_endian(value, 2);
}

std::string uint32(std::uint64_t value) {
    return control(6, 4) + big_endian(value, 4);
}

std::string uint64(std::uint64_t value) {
    return std::string{control(0, 8), char{2}} + big_endian(value, 8);
}

std::string map(const std::map<std::string, std::string>& encoded) {
    std::string out{control(7, encoded.size())};
    for (const auto& [key, value] : encoded) out += text(key) + value;
    return out;
}

struct TreeNode {
    std::array<std::optional<std::size_t>, 2> child;
    std::array<std::optional<std::size_t>, 2> data;  ///< offset
};

}  // namespace

std::string mmdb(const std::map<std::string, std::string>& continents) {
    std::vector<TreeNode> nodes(1);
    std::string data;
    for (const auto& [prefix, code] : continents) {
        const auto network = boost::asio::ip::make_network_v4(prefix);
        const std::uint32_t bits = network.network().to_uint();
        std::size_t at = 0;
        for (unsigned depth = 0; depth < network.prefix_length(); ++depth) {
            const std::size_t bit = (bits >> (31U - depth)) & 1U;
            if (depth + 1 == network.prefix_length()) {
                nodes[at].data[bit] = data.size();
                break;
            }
            if (!nodes[at].child[bit]) {
                nodes.emplace_back();
                nodes[at].child[bit] = nodes.size() - 1;
            }
            at = *nodes[at].child[bit];
        }
        data += map({{"continent", map({{"code", text(code)}})}});
    }
    constexpr std::size_t separator = 16;
    std::string out;
    for (const TreeNode& node : nodes) {
        for (std::size_t bit = 0; bit < 2; ++bit) {
            const std::size_t value = node.child[bit]  ? *node.child[bit]
                                      : node.data[bit] ? nodes.size() + separator + *node.data[bit]
                                                       : nodes.size();
            out += big_endian(value, 3);
        }
    }
    out += std::string(separator, '\0') + data + "\xab\xcd\xefMaxMind.com";
    const std::string no_languages{control(0, 0), char{4}};
    out += map({{"binary_format_major_version", uint16(2)},
                {"binary_format_minor_version", uint16(0)},
                {"build_epoch", uint64(1'767'225'600)},
                {"database_type", text("GeoLite2-City")},
                {"description", map({})},
                {"ip_version", uint16(4)},
                {"languages", no_languages},
                {"node_count", uint32(nodes.size())},
                {"record_size", uint16(24)}});
    return out;
}

}  // namespace muster::test
