#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace re2 {
class RE2;
}

namespace muster::checker {

/// Regular expressions, compiled once and not for each probe. RE2: matching takes time linear in
/// the text, whatever a backend sends, and 1 MiB of memory at most for each pattern. One thread.
class PatternCache {
 public:
    PatternCache();
    PatternCache(const PatternCache&) = delete;
    PatternCache& operator=(const PatternCache&) = delete;
    ~PatternCache();

    /// Whether some part of `text` matches. A pattern that can't be compiled (the configuration
    /// refuses those) matches nothing.
    [[nodiscard]] bool matches(const std::string& pattern, std::string_view text);
    /// Where the first match ends.
    [[nodiscard]] std::optional<std::size_t> end_of_match(const std::string& pattern,
                                                          std::string_view text);

 private:
    [[nodiscard]] const re2::RE2& compiled(const std::string& pattern);

    static constexpr std::size_t most = 4'096;
    std::unordered_map<std::string, std::unique_ptr<re2::RE2>> patterns_;
};

}  // namespace muster::checker
