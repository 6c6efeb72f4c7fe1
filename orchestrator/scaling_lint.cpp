#include "orchestrator/scaling_lint.hpp"

#include "scaler/lint.hpp"
#include "scaler/schedule.hpp"

#include <map>

namespace muster::orchestrator {

ScalingLint lint_scaling(const config::FleetSpec& fleet, const follow::ClusterView& view) {
    std::map<std::string, std::map<std::string, int>> offered;
    for (const auto& [node, member] : view.members) {
        if (member.garbage) continue;
        for (const std::string& provider : member.value.providers)
            offered[provider].emplace(node.str(), 0);
    }
    const scaler::LintFacts facts{
        .providers = std::move(offered),
        .time_zone_problem = [](std::string_view zone) { return scaler::time_zone_problem(zone); }};
    ScalingLint said;
    for (const scaler::Finding& finding : scaler::lint(fleet, facts)) {
        auto& list = finding.severity == scaler::Severity::refused ? said.refusals : said.warnings;
        list.push_back(finding.path + ": " + finding.what);
    }
    return said;
}

}  // namespace muster::orchestrator
