#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster::checker {

/// Numbers in network order, as most binary protocols have them.
inline void add_big_endian(std::string& out, std::uint32_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        out += static_cast<char>((value >> shift) & 0xffU);
}

/// Of the first `bytes` (at most four) of a text that has as many.
[[nodiscard]] inline std::uint32_t read_big_endian(std::string_view text, std::size_t bytes) {
    std::uint32_t value = 0;
    for (const char c : text.substr(0, bytes)) value = value << 8U | static_cast<unsigned char>(c);
    return value;
}

}  // namespace muster::checker
