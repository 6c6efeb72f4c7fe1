#include "checker/pattern_cache.hpp"

#include "common/config/pattern_options.hpp"

#include <string_view>

namespace muster::checker {

PatternCache::PatternCache() = default;
PatternCache::~PatternCache() = default;

bool PatternCache::matches(const std::string& pattern, std::string_view text) {
    auto found = patterns_.find(pattern);
    if (found == patterns_.end()) {
        // Patterns of checks that are long gone; those in use are compiled again.
        if (patterns_.size() >= most) patterns_.clear();
        found =
            patterns_
                .emplace(pattern, std::make_unique<re2::RE2>(pattern, config::pattern_options()))
                .first;
    }
    return found->second->ok() &&
           re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *found->second);
}

}  // namespace muster::checker
