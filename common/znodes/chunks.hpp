#pragma once

#include "common/base/id.hpp"
#include "common/config/decode.hpp"
#include "common/config/model.hpp"

#include <string>
#include <string_view>
#include <vector>

// What a head names: a group's backends as `config/chunks/<hash>` holds them, immutable pieces
// named by their content; and what it holds itself. Pure.
namespace muster::znodes {

inline constexpr std::size_t max_chunk_bytes = 128UZ << 10U;

/// `data` is the canonical JSON list of some backends, `hash` its SHA-256 in hex.
struct Chunk {
    std::string hash;
    std::string data;
    bool operator==(const Chunk&) const = default;
};

[[nodiscard]] std::string content_hash(std::string_view data);

/// In pieces of at most max_chunk_bytes (a single larger backend stays whole). Backends are dealt
/// out by a hash of their id, as far as needed, so that one changed backend changes one chunk, or,
/// where a limit is crossed, makes two of one. Equal backends, in any order, give equal chunks.
[[nodiscard]] std::vector<Chunk> split(const std::vector<config::Backend>& backends);

/// The group of a head's `spec` and its chunks, in any order. Problems when the text isn't JSON,
/// a chunk's content isn't what its hash says, or the group breaks the rules of the configuration.
[[nodiscard]] config::DecodedParts join(const GroupName& name,
                                        std::string_view spec,
                                        const std::vector<Chunk>& chunks);

/// The fleet of a head's `spec`, which has no chunks.
[[nodiscard]] config::DecodedFleet read_fleet(const FleetName& name, std::string_view spec);

}  // namespace muster::znodes
