#include "checker/pattern_cache.hpp"

#include "common/config/pattern_options.hpp"

#include <string_view>

namespace muster::checker {

PatternCache::PatternCache() = default;
PatternCache::~PatternCache() = default;

const re2::RE2& PatternCache::compiled(const std::string& pattern) {
    auto found = patterns_.find(pattern);
    if (found == patterns_.end()) {
        // Patterns of checks that are long gone; those in use are compiled again.
        if (patterns_.size() >= most) patterns_.clear();
        found =
            patterns_
                .emplace(pattern, std::make_unique<re2::RE2>(pattern, config::pattern_options()))
                .first;
    }
    return *found->second;
}

bool PatternCache::matches(const std::string& pattern, std::string_view text) {
    const re2::RE2& regex = compiled(pattern);
    return regex.ok() && re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

std::optional<std::size_t> PatternCache::end_of_match(const std::string& pattern,
                                                      std::string_view text) {
    const re2::RE2& regex = compiled(pattern);
    re2::StringPiece match;
    const re2::StringPiece all(text.data(), text.size());
    if (!regex.ok() || !regex.Match(all, 0, all.size(), re2::RE2::UNANCHORED, &match, 1))
        return std::nullopt;
    return static_cast<std::size_t>(match.data() + match.size() - all.data());
}

}  // namespace muster::checker
