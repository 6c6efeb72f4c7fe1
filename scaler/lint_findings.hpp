#pragma once

#include "scaler/lint.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

// The parts of lint().
namespace muster::scaler {

/// In the order in which they are made, none twice.
class Findings {
 public:
    void refuse(std::string path, std::string what) {
        add({.severity = Severity::refused, .path = std::move(path), .what = std::move(what)});
    }
    void warn(std::string path, std::string what) {
        add({.severity = Severity::warning, .path = std::move(path), .what = std::move(what)});
    }
    [[nodiscard]] std::vector<Finding> take() { return std::move(all_); }

 private:
    void add(Finding finding) {
        if (std::ranges::find(all_, finding) == all_.end()) all_.push_back(std::move(finding));
    }

    std::vector<Finding> all_;
};

/// `path` is that of the metric; it has a query.
void lint_metric_queries(const config::ScalingSpec& scaling,
                         const config::ScalingMetric& metric,
                         const std::string& path,
                         Findings& findings);

void lint_guard_query(const config::ScalingSpec& scaling,
                      const config::ScalingGuard& guard,
                      const std::string& path,
                      Findings& findings);

/// Windows, budgets and tolerance of one direction, "out" or "in".
void lint_behaviour(const config::ScalingSpec& scaling,
                    const std::string& direction,
                    Findings& findings);

void lint_provider(const config::FleetSpec& fleet,
                   const config::FleetProvider& provider,
                   const LintFacts& facts,
                   Findings& findings);

}  // namespace muster::scaler
