#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// As much of PromQL as can be said of a query without a Prometheus: its words, its brackets, and
// which call each word stands in. Pure.
namespace muster::scaler::promql {

enum class Kind : std::uint8_t {
    word,    ///< the name of a metric, label, function or operator (`or`, `by`)
    number,  ///< a duration, too
    text,    ///< in quotes, which are part of it
    open,    ///< ( [ {
    close,
    sign,  ///< an operator of signs, a comma
};

struct Token {
    Kind kind = Kind::sign;
    std::string_view text;  ///< of the query
    std::size_t at = 0;     ///< 1-based byte of the query
    int within = -1;        ///< the index of the bracket around it; -1: none
};

struct Scan {
    std::vector<Token> tokens;
    std::string complaint;  ///< "has a ( at byte 4 that is never closed"; empty: all is well
};

/// The tokens refer to the query.
[[nodiscard]] Scan scan(std::string_view query);

/// The function or aggregation whose arguments the bracket at this index holds; empty: none.
[[nodiscard]] std::string_view callee(const std::vector<Token>& tokens, int open);

/// A word that is called and that PromQL doesn't have; `newer`: Prometheus 2.42 has not, later ones
/// do.
struct UnknownCall {
    std::string_view name;
    std::size_t at = 0;
    bool newer = false;
    std::string_view meant{};  ///< the nearest known one; empty: none is near
};
[[nodiscard]] std::vector<UnknownCall> unknown_calls(const std::vector<Token>& tokens);

/// "5m", "1h30m".
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A range selector or subquery, and what it is an argument of.
struct Range {
    std::chrono::milliseconds length{0};
    std::string_view function;
};
[[nodiscard]] std::vector<Range> ranges(const std::vector<Token>& tokens);

/// The labels that the outermost aggregation keeps. Nothing where the query isn't just that.
struct Grouping {
    std::string_view aggregation;
    bool without = false;  ///< keeps all but `labels`
    std::vector<std::string_view> labels{};
    [[nodiscard]] bool keeps(std::string_view label) const;
};
[[nodiscard]] std::optional<Grouping> outermost(const std::vector<Token>& tokens);

/// Names of metrics like a counter's, read as they are rather than as what they grow by.
[[nodiscard]] std::vector<std::string_view> bare_counters(const std::vector<Token>& tokens);

/// `or vector(0)` that nothing stands behind.
[[nodiscard]] bool has_unconditional_default(const std::vector<Token>& tokens);

}  // namespace muster::scaler::promql
