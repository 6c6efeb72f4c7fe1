#include "orchestrator/scaling_lint.hpp"

#include "scaler/lint.hpp"
#include "scaler/schedule.hpp"

#include <map>
#include <set>
#include <string>

namespace muster::orchestrator {

ScalingLint lint_scaling(const config::FleetSpec& fleet, const follow::ClusterView& view) {
    std::map<std::string, std::set<std::string>> offered;
    for (const auto& [node, member] : view.members) {
        if (member.garbage) continue;
        for (const std::string& provider : member.value.providers)
            offered[provider].insert(node.str());
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
