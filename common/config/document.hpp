#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What YAML, JSON and JSON values made in memory have in common: a tree of uninterpreted values
// that know their place. Which words are numbers, durations or names is the decoders' business
// (value.hpp), so that `010` or `no` is never turned into something else on the way.
namespace muster::config {

class ProblemList;

/// 1-based; columns count bytes. 0 = unknown (a value made in memory).
struct Place {
    int line = 0;
    int column = 0;
};

struct Node {
    enum class Kind {
        null,
        plain,  ///< without quotes: a number, true or false; in YAML any word
        text,   ///< in quotes, or a YAML block of text
        list,
        map,
        refused,  ///< something that we don't read, already reported
    };
    Kind kind = Kind::null;
    Place place;
    std::string text;         ///< of plain and text, escapes resolved
    std::vector<Node> items;  ///< of a list its elements; of a map keys and values in turn

    [[nodiscard]] bool is_scalar() const { return kind == Kind::plain || kind == Kind::text; }
};

struct TextLimits {
    std::size_t bytes = 16UZ << 20U;
    std::size_t documents = 1'000;
    std::size_t values = 4'000'000;  ///< scalars, lists and maps of all documents; 72 bytes each
};

inline constexpr std::size_t max_depth = 32;  ///< of nested lists and maps

/// Reads all documents of a text: JSON when its first character that is not space is { or [, else
/// YAML. Refuses what is not UTF-8, control characters, and of YAML anchors, aliases, merge keys
/// and tags. Empty YAML documents are skipped. After a syntax error the documents before it remain.
[[nodiscard]] std::vector<Node> read_documents(std::string_view text,
                                               const TextLimits& limits,
                                               ProblemList& problems);

}  // namespace muster::config
