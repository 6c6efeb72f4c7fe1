#pragma once

#include "checker/outcome.hpp"
#include "checker/pattern_cache.hpp"
#include "common/config/probe_model.hpp"

#include <optional>
#include <string_view>
#include <vector>

// What a check expects of a reply's text. Pure but for the cache of compiled patterns.
namespace muster::checker {

[[nodiscard]] bool holds(const config::TextMatch& match,
                         std::string_view text,
                         PatternCache& patterns);

/// `header`: the field lines of an HTTP reply, each with its CRLF, as the parser has let them pass.
/// A field that comes several times matches when one of them does; negated, when none does.
[[nodiscard]] bool hold(const std::vector<config::HeaderMatch>& matches,
                        std::string_view header,
                        PatternCache& patterns);

/// The value of the first such field, without blanks around it.
[[nodiscard]] std::optional<std::string_view> field_value(std::string_view header,
                                                          std::string_view name);

/// All of them, in a body that must be one JSON text (RFC 8259) of a depth of 32 at most. Numbers
/// are compared as numbers, everything else by equality.
[[nodiscard]] bool hold(const std::vector<config::JsonMatch>& matches, std::string_view body);

}  // namespace muster::checker
