#pragma once

#include "agent/lb_state.hpp"
#include "common/base/result.hpp"

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

// What an LB is told comes from ZooKeeper, and anyone may have written there: each value must have
// the form of what it stands for, from a short list of characters, before any kind of LB sees it.
// None of them can end a word, a line or a quoted text of a configuration. Pure.
namespace muster::agent {

/// The first complaint is an error with the code `refused`, and the context says which value of
/// what it is and what would be right: `group 'web': server 'a b' must have ...`. Unprintable bytes
/// are shown escaped, and no more than 80 of them.
[[nodiscard]] Result<void> check_state(const LbState& state, std::error_code refused);

/// The oldest first.
inline constexpr std::array<std::string_view, 4> tls_versions = {"1.0", "1.1", "1.2", "1.3"};

inline constexpr long most_of_anything = std::numeric_limits<std::int32_t>::max();

/// Keeps the first complaint about a thing; the rest is silent. `of` is put before it.
class ValueCheck {
 public:
    ValueCheck(std::string of, std::error_code refused) : of_(std::move(of)), refused_(refused) {}

    void must(bool right, std::string_view field, std::string_view value, std::string_view rule);
    /// A name as groups have it.
    void word(std::string_view field, std::string_view value);
    void number(std::string_view field, long value, long least, long most);
    /// 1 ms to 24 days.
    void span(std::string_view field, config::Duration value);
    /// An absolute path.
    void file(std::string_view field, std::string_view value);

    [[nodiscard]] Result<void> result() const;

 private:
    std::string of_;
    std::error_code refused_;
    std::optional<Error> complaint_;
};

}  // namespace muster::agent
