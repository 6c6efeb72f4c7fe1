#pragma once

#include <cstdint>
#include <string_view>

namespace muster::agent {

/// FNV-1a, 64 bit: for placement and for telling configurations apart; nothing secret.
[[nodiscard]] constexpr std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    return hash;
}

}  // namespace muster::agent
