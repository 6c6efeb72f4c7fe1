#pragma once

#include "scaler/prometheus_reply.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace muster::scaler::prometheus {

struct Age {
    Flaw flaw = Flaw::none;  ///< stale, unknown_age or future
    std::chrono::milliseconds age{0};
};

/// How old what a query reads is, by instance: what the answer to age_query() says. Pure.
struct Ages {
    std::map<std::string, Age> instances;  ///< the worst of all selectors; members or not
    std::optional<Age> others;             ///< of series that name no instance
    std::optional<Defect> defect;          ///< nothing is known

    [[nodiscard]] bool is_fresh(const std::string& instance) const;
    [[nodiscard]] Flaw flaw_of(const std::string& instance) const;
};

[[nodiscard]] Ages read_ages(const MetricQuery& query, WallTime asked, const Read& answer);

}  // namespace muster::scaler::prometheus
