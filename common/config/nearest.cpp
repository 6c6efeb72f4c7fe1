#include "common/config/value.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace muster::config {
namespace {

constexpr std::size_t longest_word = 64;

/// Insertions, deletions, changes and swaps of neighbours that lead from one word to the other.
std::size_t edits(std::string_view from, std::string_view to) {
    using Row = std::array<std::size_t, longest_word + 1>;
    Row before_last{};
    Row last{};
    Row row{};
    std::iota(last.begin(), last.end(), 0UZ);
    for (std::size_t i = 1; i <= from.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const bool same = from[i - 1] == to[j - 1];
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
            const bool swapped =
                i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        before_last = last;
        last = row;
    }
    return last[to.size()];
}

/// "fastInterval", "FAST-INTERVAL" and "fast_interval" are the same word to whoever wrote them.
std::string fold(std::string_view word) {
    std::string folded;
    for (const char c : word) {
        if (c == '-' || c == '_' || c == ' ') continue;
        folded += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return folded;
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates) {
    if (word.size() > longest_word) return std::nullopt;
    const std::string folded = fold(word);
    std::optional<std::string_view> best;
    std::size_t fewest = std::max(1UZ, folded.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t needed = edits(folded, fold(candidate));
        if (needed < fewest) {
            fewest = needed;
            best = candidate;
        }
    }
    return best;
}

}  // namespace muster::config
