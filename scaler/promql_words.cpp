#include "scaler/promql_words.hpp"

#include "common/config/value.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace muster::scaler::promql {
namespace {

constexpr auto functions = std::to_array<std::string_view>({"abs",
                                                            "absent",
                                                            "absent_over_time",
                                                            "acos",
                                                            "acosh",
                                                            "asin",
                                                            "asinh",
                                                            "atan",
                                                            "atanh",
                                                            "avg_over_time",
                                                            "ceil",
                                                            "changes",
                                                            "clamp",
                                                            "clamp_max",
                                                            "clamp_min",
                                                            "cos",
                                                            "cosh",
                                                            "count_over_time",
                                                            "day_of_month",
                                                            "day_of_week",
                                                            "day_of_year",
                                                            "days_in_month",
                                                            "deg",
                                                            "delta",
                                                            "deriv",
                                                            "exp",
                                                            "floor",
                                                            "histogram_count",
                                                            "histogram_fraction",
                                                            "histogram_quantile",
                                                            "histogram_sum",
                                                            "holt_winters",
                                                            "hour",
                                                            "idelta",
                                                            "increase",
                                                            "irate",
                                                            "label_join",
                                                            "label_replace",
                                                            "last_over_time",
                                                            "ln",
                                                            "log10",
                                                            "log2",
                                                            "max_over_time",
                                                            "min_over_time",
                                                            "minute",
                                                            "month",
                                                            "pi",
                                                            "predict_linear",
                                                            "present_over_time",
                                                            "quantile_over_time",
                                                            "rad",
                                                            "rate",
                                                            "resets",
                                                            "round",
                                                            "scalar",
                                                            "sgn",
                                                            "sin",
                                                            "sinh",
                                                            "sort",
                                                            "sort_desc",
                                                            "sqrt",
                                                            "stddev_over_time",
                                                            "stdvar_over_time",
                                                            "sum_over_time",
                                                            "tan",
                                                            "tanh",
                                                            "time",
                                                            "timestamp",
                                                            "vector",
                                                            "year"});

constexpr auto newer = std::to_array<std::string_view>({"double_exponential_smoothing",
                                                        "first_over_time",
                                                        "histogram_avg",
                                                        "histogram_quantiles",
                                                        "histogram_stddev",
                                                        "histogram_stdvar",
                                                        "info",
                                                        "limit_ratio",
                                                        "limitk",
                                                        "mad_over_time",
                                                        "range",
                                                        "sort_by_label",
                                                        "sort_by_label_desc",
                                                        "step",
                                                        "ts_of_first_over_time",
                                                        "ts_of_last_over_time",
                                                        "ts_of_max_over_time",
                                                        "ts_of_min_over_time"});

constexpr auto aggregations = std::to_array<std::string_view>({"avg",
                                                               "bottomk",
                                                               "count",
                                                               "count_values",
                                                               "group",
                                                               "max",
                                                               "min",
                                                               "quantile",
                                                               "stddev",
                                                               "stdvar",
                                                               "sum",
                                                               "topk"});

constexpr auto keywords = std::to_array<std::string_view>({"and",
                                                           "atan2",
                                                           "bool",
                                                           "by",
                                                           "group_left",
                                                           "group_right",
                                                           "ignoring",
                                                           "on",
                                                           "or",
                                                           "unless",
                                                           "without"});

template <std::size_t n>
bool has(const std::array<std::string_view, n>& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

}  // namespace

std::string lower(std::string_view text) {
    std::string small(text);
    for (char& c : small)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return small;
}

bool is_function(std::string_view word) {
    return has(functions, word);
}

bool is_newer(std::string_view word) {
    return has(newer, word);
}

bool is_aggregation(std::string_view word) {
    return has(aggregations, lower(word));
}

bool is_keyword(std::string_view word) {
    return has(keywords, lower(word));
}

std::string_view nearest_call(std::string_view word) {
    std::vector<std::string_view> known(functions.begin(), functions.end());
    known.insert(known.end(), aggregations.begin(), aggregations.end());
    return config::nearest(word, known).value_or("");
}

}  // namespace muster::scaler::promql
