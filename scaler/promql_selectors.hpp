#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Of what series a PromQL expression is made, and how old they are. Pure.
//
// An instant query stamps each value with the time it was evaluated for, however old the samples
// are, and a sum over fewer instances looks like less load (reference/autoscaling.md, 1c.2, 1c.3).
// So beside each query the scaler asks for the true times of the series that the query reads, by
// instance. `lookback_delta` isn't it: Debian's Prometheus 2.42 ignores it.
namespace muster::scaler::prometheus {

inline constexpr std::size_t most_selectors = 8;
inline constexpr std::size_t longest_query = 16UZ << 10U;

/// The vector selectors, each once, in their order, without range, offset and @. It reads words,
/// not the grammar: whether the expression is right is for Prometheus to say. The error says why
/// there are none, for people.
///
/// Example: `sum by (job) (rate(http_requests_total{code="200"}[1m] offset 1m)) / scalar(limit)`
/// has `http_requests_total{code="200"}` and `limit`.
[[nodiscard]] tl::expected<std::vector<std::string>, std::string> selectors_of(
    std::string_view query);

/// Of the series of these aggregates, "muster_selector" is the number of the selector.
inline constexpr std::string_view selector_label = "muster_selector";

/// Asks when the oldest sample of each instance and selector was scraped. An empty label: of no
/// instances. `instance_label` must be a label's name.
[[nodiscard]] std::string age_query(const std::vector<std::string>& selectors,
                                    std::string_view instance_label);

[[nodiscard]] bool is_label_name(std::string_view text);

}  // namespace muster::scaler::prometheus
