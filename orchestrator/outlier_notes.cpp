#include "orchestrator/outlier_notes.hpp"

#include "common/config/fleet_model.hpp"

#include <algorithm>

namespace muster::orchestrator {

namespace {

using std::chrono::nanoseconds;

LbName name_of(const FleetName& fleet, const InstanceId& instance) {
    return fleet.str() + ":" + instance.str();
}

nanoseconds least_gap(const config::CheckSpec& check) {
    const nanoseconds fast = check.fast_interval.value_or(std::chrono::seconds(1));
    return std::min<nanoseconds>(fast, check.interval);
}

/// Of the findings that are not spent, the ones that count.
std::vector<const Witness*> fresh(const OutlierNotes& notes,
                                  const std::vector<Witness>& witnesses) {
    std::vector<const Witness*> those;
    for (const Witness& witness : witnesses) {
        const auto spent = notes.spent.find(witness.lb);
        const bool is_spent = spent != notes.spent.end() &&
                              spent->second == std::pair(witness.incarnation, witness.finding);
        if (witness.counts && !is_spent) those.push_back(&witness);
    }
    return those;
}

void spend(OutlierNotes& notes, const std::vector<Witness>& witnesses) {
    notes.spent.clear();
    for (const Witness& witness : witnesses)
        notes.spent[witness.lb] = {witness.incarnation, witness.finding};
}

}  // namespace

Electorate electorate_of(const follow::ClusterView& view, const GroupName& group) {
    Electorate electorate;
    for (const auto& [id, report] : view.agents) {
        const auto& [fleet, instance] = id;
        const auto known = view.fleets.find(fleet);
        if (report.garbage || known == view.fleets.end() || !known->second.live()) continue;
        if (config::groups_of(*known->second.spec).contains(group))
            electorate[name_of(fleet, instance)] = report.value.incarnation;
    }
    return electorate;
}

Witnesses witnesses_of(const follow::GroupEvidence& evidence,
                       const std::string& group_uid,
                       const Electorate& electorate,
                       Newest& newest) {
    Witnesses witnesses;
    std::erase_if(newest, [&](const auto& heard) { return !evidence.contains(heard.first); });
    for (const auto& [lb, node] : evidence) {
        const znodes::LbEvidence& said = node.value;
        if (node.garbage || said.group_uid != group_uid || lb != name_of(said.fleet, said.instance))
            continue;
        auto& [incarnation, sequence] = newest[lb];
        if (incarnation == said.incarnation && said.stamp.sequence < sequence) continue;
        incarnation = said.incarnation;
        sequence = said.stamp.sequence;
        const auto registered = electorate.find(lb);
        const int found = std::max(said.found, static_cast<int>(said.outliers.size()));
        const bool counts = registered != electorate.end() &&
                            registered->second == said.incarnation &&
                            std::int64_t{2} * found <= said.seen;
        for (const znodes::Outlier& outlier : said.outliers) {
            witnesses[outlier.backend].push_back({.lb = lb,
                                                  .incarnation = said.incarnation,
                                                  .sign = outlier.sign,
                                                  .finding = outlier.finding,
                                                  .counts = counts});
        }
    }
    return witnesses;
}

bool probe_at_once(OutlierNotes& notes,
                   const config::CheckSpec& check,
                   bool succeeds,
                   SteadyTime now) {
    const nanoseconds least = least_gap(check);
    if (!notes.probed) {
        notes.gap = least;
    } else {
        if (!succeeds) notes.gap = least;
        if (now - *notes.probed < notes.gap) return false;
        if (succeeds) notes.gap = std::min<nanoseconds>(2 * notes.gap, check.interval);
    }
    notes.probed = now;
    return true;
}

bool is_over(const OutlierNotes& notes, const config::CheckSpec& check, SteadyTime now) {
    return !notes.probed || now - *notes.probed >= check.interval;
}

std::optional<znodes::Ejection> eject(OutlierNotes& notes,
                                      const SharedValue<znodes::Ejection>& before,
                                      const config::OutlierSpec& outlier,
                                      const std::vector<Witness>& witnesses,
                                      std::size_t electorate,
                                      WallTime now) {
    if (outlier.action != config::OutlierAction::eject || outlier.max_ejection_percent == 0)
        return std::nullopt;
    if (znodes::holds(before, outlier.max_ejection_time, now)) {
        spend(notes, witnesses);
        return std::nullopt;
    }
    const std::vector<const Witness*> those = fresh(notes, witnesses);
    if (those.empty() || 2 * those.size() <= electorate) return std::nullopt;
    znodes::Ejection ejection = znodes::next_ejection(before, outlier, now);
    ejection.sign = those.front()->sign;
    ejection.lbs = static_cast<int>(those.size());
    ejection.of = static_cast<int>(electorate);
    spend(notes, witnesses);
    return ejection;
}

}  // namespace muster::orchestrator
