#include "orchestrator/rendezvous.hpp"

#include <cmath>

namespace muster::orchestrator {

namespace {

/// The finaliser of splitmix64: every input bit reaches every output bit.
std::uint64_t finalise(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

}  // namespace

std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    // FNV alone leaves names that differ only in their last digit close together.
    return finalise(hash);
}

std::uint64_t stable_hash(const ShardId& shard) {
    return finalise(stable_hash(shard.group.str()) + static_cast<std::uint64_t>(shard.number));
}

double rendezvous_score(std::uint64_t shard, std::uint64_t worker, int capacity) {
    if (capacity <= 0) return 0;
    const std::uint64_t hash = finalise(shard ^ worker);
    const double u = (static_cast<double>(hash >> 11U) + 0.5) * 0x1p-53;
    return -capacity / std::log(u);
}

}  // namespace muster::orchestrator
