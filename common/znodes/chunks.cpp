#include "common/znodes/chunks.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <span>

namespace muster::znodes {

namespace json = boost::json;

namespace {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view data) {
    Digest digest{};
    [[maybe_unused]] const int done =
        EVP_Digest(data.data(), data.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    assert(done == 1);
    return digest;
}

struct Piece {
    std::uint64_t place = 0;  ///< from the hash of the id
    std::string text;
};

std::uint64_t place_of(const BackendId& id) {
    const Digest digest = sha256(id.str());
    std::uint64_t place = 0;
    for (const unsigned char byte : std::span(digest).first<8>()) place = place << 8U | byte;
    return place;
}

Chunk make_chunk(std::span<const Piece> pieces) {
    std::string data = "[";
    for (const Piece& piece : pieces) {
        if (data.size() > 1) data += ',';
        data += piece.text;
    }
    data += ']';
    return {.hash = content_hash(data), .data = std::move(data)};
}

/// `pieces`, sorted by place, agree in all bits above `bit`. Halving the range of places until a
/// part fits makes each border depend on its own part's content alone.
void split_range(std::span<const Piece> pieces, std::uint64_t bit, std::vector<Chunk>& into) {
    if (pieces.empty()) return;
    std::size_t bytes = 1 + pieces.size();  // brackets and commas
    for (const Piece& piece : pieces) bytes += piece.text.size();
    if (bytes <= max_chunk_bytes || pieces.size() == 1 || bit == 0) {
        into.push_back(make_chunk(pieces));
        return;
    }
    const auto upper =
        std::ranges::find_if(pieces, [&](const Piece& piece) { return (piece.place & bit) != 0; });
    const auto lower_size = static_cast<std::size_t>(upper - pieces.begin());
    split_range(pieces.first(lower_size), bit >> 1U, into);
    split_range(pieces.subspan(lower_size), bit >> 1U, into);
}

config::Problem wrong_spec(std::string what) {
    return {.path = "spec", .what = std::move(what)};
}

config::DecodedParts refuse(const GroupName& name, std::string what) {
    return {.group = {.name = name}, .problems = {wrong_spec(std::move(what))}};
}

}  // namespace

std::string content_hash(std::string_view data) {
    std::string hex;
    for (const unsigned char byte : sha256(data)) {
        hex += "0123456789abcdef"[byte >> 4U];
        hex += "0123456789abcdef"[byte & 15U];
    }
    return hex;
}

std::vector<Chunk> split(const std::vector<config::Backend>& backends) {
    const json::value encoded = config::encode_backends(backends);
    const json::array& list = encoded.get_array();
    assert(list.size() == backends.size());
    std::vector<Piece> pieces;
    pieces.reserve(backends.size());
    for (std::size_t i = 0; i < backends.size(); ++i) {
        pieces.push_back({.place = place_of(backends[i].id), .text = json::serialize(list[i])});
    }
    std::ranges::sort(pieces, {}, [](const Piece& piece) {
        return std::pair<std::uint64_t, std::string_view>(piece.place, piece.text);
    });
    std::vector<Chunk> chunks;
    split_range(pieces, std::uint64_t{1} << 63U, chunks);
    return chunks;
}

config::DecodedParts join(const GroupName& name,
                          std::string_view spec,
                          const std::vector<Chunk>& chunks) {
    boost::system::error_code error;
    const json::value head = json::parse(spec, error);
    if (error) return refuse(name, "is not JSON");
    std::vector<json::value> lists;
    for (const Chunk& chunk : chunks) {
        if (content_hash(chunk.data) != chunk.hash) {
            return refuse(name, "backend chunk " + chunk.hash + " holds something else");
        }
        lists.push_back(json::parse(chunk.data, error));
        if (error) return refuse(name, "backend chunk " + chunk.hash + " is not JSON");
    }
    return config::decode_parts(name, head, lists);
}

config::DecodedFleet read_fleet(const FleetName& name, std::string_view spec) {
    boost::system::error_code error;
    const json::value fields = json::parse(spec, error);
    if (error) return {.fleet = {.name = name}, .problems = {wrong_spec("is not JSON")}};
    return config::decode_fleet(name, fields);
}

}  // namespace muster::znodes
