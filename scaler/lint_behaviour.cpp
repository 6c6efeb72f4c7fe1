#include "common/config/decimal.hpp"
#include "common/config/decode.hpp"
#include "scaler/decision.hpp"
#include "scaler/lint_findings.hpp"

#include <fmt/format.h>

namespace muster::scaler {
namespace {

using config::ScalingBehaviour;
using config::ScalingBudget;
using config::ScalingSpec;
using config::to_string;

/// Percents are rounded down, and 0 becomes 1.
bool is_always_one(int percent, int max) {
    constexpr int two_of_hundred = 200;
    return percent * max < two_of_hundred;
}

void lint_budget(const ScalingSpec& scaling,
                 const ScalingBudget& budget,
                 const std::string& path,
                 Findings& findings) {
    const config::Duration kept = static_cast<std::int64_t>(ring_limit) * scaling.period;
    if (budget.window > kept)
        findings.warn(path + ".window",
                      fmt::format("is {}, and of decisions every {} the changes of {} are kept one "
                                  "by one; older ones count as if they were younger, so less is "
                                  "allowed than is written",
                                  to_string(budget.window),
                                  to_string(scaling.period),
                                  to_string(kept)));
    if (budget.window < scaling.period)
        findings.warn(path + ".window",
                      fmt::format("is {}, and there are decisions every {}, so it is one "
                                  "decision's; must be at least that",
                                  to_string(budget.window),
                                  to_string(scaling.period)));
    if (budget.percent && !budget.count && is_always_one(*budget.percent, scaling.max))
        findings.warn(path + ".percent",
                      fmt::format("is {}, which is 1 LB at any size up to max, {}; write count: 1",
                                  *budget.percent,
                                  scaling.max));
}

void lint_tolerance_out(const ScalingSpec& scaling,
                        std::int64_t tolerance,
                        const std::string& path,
                        Findings& findings) {
    const std::int64_t instances = tolerance * scaling.min / config::one_million;
    if (instances >= 1)
        findings.warn(path,
                      fmt::format("is {}: {} LBs, the smallest fleet, don't become more while up "
                                  "to {} are needed; write tolerance_instances: 0, or less",
                                  scaling.out.tolerance,
                                  scaling.min,
                                  scaling.min + instances));
}

void lint_tolerance_in(const ScalingSpec& scaling,
                       std::int64_t tolerance,
                       const std::string& path,
                       Findings& findings) {
    if (tolerance == config::one_million) {
        findings.warn(path, "is 1, so no LB is ever removed; write disabled: true");
    } else if (2 * tolerance >= config::one_million) {
        findings.warn(path,
                      fmt::format("is {}: nothing is removed until only {} of the LBs is needed; "
                                  "write less, such as 0.1",
                                  scaling.in.tolerance,
                                  config::to_decimal(config::one_million - tolerance)));
    }
}

}  // namespace

void lint_behaviour(const ScalingSpec& scaling, const std::string& direction, Findings& findings) {
    const bool is_out = direction == "out";
    const ScalingSpec standard = config::standard_scaling(scaling.mode);
    const ScalingBehaviour& behaviour = is_out ? scaling.out : scaling.in;
    const std::string path = "spec.scaling." + direction;
    if (behaviour.budgets != (is_out ? standard.out : standard.in).budgets) {
        for (std::size_t i = 0; i < behaviour.budgets.size(); ++i)
            lint_budget(
                scaling, behaviour.budgets[i], fmt::format("{}.budgets[{}]", path, i), findings);
    }
    const bool moves = !behaviour.disabled && scaling.min < scaling.max;
    const auto tolerance = config::parse_decimal(behaviour.tolerance);
    if (moves && tolerance && !behaviour.tolerance_instances)
        (is_out ? lint_tolerance_out : lint_tolerance_in)(
            scaling, *tolerance, path + ".tolerance", findings);
    if (moves && !is_out && behaviour.window < 2 * scaling.period)
        findings.warn(path + ".window",
                      fmt::format("is {}, and there are decisions every {}, so one low sample "
                                  "removes LBs; must be at least two of them",
                                  to_string(behaviour.window),
                                  to_string(scaling.period)));
    if (moves && behaviour.max_unavailable &&
        is_always_one(*behaviour.max_unavailable, scaling.max))
        findings.warn(path + ".max_unavailable",
                      fmt::format("is {} percent, which is 1 LB at any size up to max, {}",
                                  *behaviour.max_unavailable,
                                  scaling.max));
}

}  // namespace muster::scaler
