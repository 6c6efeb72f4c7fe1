#include "checker/check_id.hpp"

namespace muster::checker {

namespace {

/// FNV-1a, 64 bits.
constexpr std::uint64_t fnv_offset = 14695981039346656037U;
constexpr std::uint64_t fnv_prime = 1099511628211U;

std::uint64_t add_byte(std::uint64_t hash, unsigned char byte) {
    return (hash ^ byte) * fnv_prime;
}

std::uint64_t add_bytes(std::uint64_t hash, std::string_view bytes) {
    for (const char c : bytes) hash = add_byte(hash, static_cast<unsigned char>(c));
    return hash;
}

}  // namespace

CheckId check_id(std::string_view group_uid, const BackendId& backend) {
    // The zero byte keeps ("ab", "c") and ("a", "bc") apart.
    const std::uint64_t hash =
        add_bytes(add_byte(add_bytes(fnv_offset, group_uid), 0), backend.str());
    return CheckId(mix(hash));
}

// The finalizer of SplitMix64.
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

}  // namespace muster::checker
