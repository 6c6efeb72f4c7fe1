#pragma once

#include <algorithm>
#include <string_view>

namespace muster::znodes {

/// May this text of a payload become one component of a znode's path? Anything else in a payload
/// that names a node or a group is refused, so that no payload can point elsewhere in the tree.
[[nodiscard]] inline bool is_path_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != '/'; });
}

/// Text for people and keys: of bounded length and without control characters.
[[nodiscard]] inline bool is_plain_text(std::string_view text, std::size_t max_bytes) {
    return text.size() <= max_bytes && std::ranges::none_of(text, [](char c) {
               return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
           });
}

}  // namespace muster::znodes
