#include "tests/failover/decision_sequence.hpp"

#include "scaler/decide.hpp"
#include "scaler/explain.hpp"
#include "scaler/lifecycle.hpp"
#include "scaler/recording_codec.hpp"
#include "scaler/recording_text.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

namespace muster::test {

using scaler::Decision;
using scaler::History;

namespace {

/// As a master keeps it: of the decision as much as was carried out.
History carried_out(const Decision& decision, const znodes::SizeHistory& kept) {
    History next = decision.next;
    if (decision.size == decision.was) return next;
    if (!next.events.empty()) next.events.pop_back();
    if (!kept.events.empty() && next.last && kept.events.back().at == *next.last)
        next.events.push_back({.at = *next.last,
                               .added = kept.events.back().added,
                               .removed = kept.events.back().removed});
    return next;
}

std::string difference(const std::string& was, const std::string& is) {
    std::size_t at = 0;
    while (at < was.size() && at < is.size() && was[at] == is[at]) ++at;
    const std::size_t from = at < 60 ? 0 : at - 60;
    return fmt::format(
        "recorded ...{}, decided ...{}", was.substr(from, 160), is.substr(from, 160));
}

}  // namespace

std::vector<RecordedDecision> recorded_decisions(const std::filesystem::path& directory,
                                                 const std::string& fleet) {
    std::vector<RecordedDecision> all;
    if (!std::filesystem::is_directory(directory / fleet)) return all;
    for (const auto& entry : std::filesystem::directory_iterator(directory / fleet)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string text(std::istreambuf_iterator<char>(file), {});
        auto recording = scaler::read_recording(text, entry.path().string());
        if (!recording) throw std::runtime_error(recording.error());
        for (scaler::RecordedPart& part : recording->parts) {
            scaler::Observations observed;
            for (scaler::RecordedTick& tick : part.ticks) {
                auto series = std::move(observed.series);
                scaler::apply(tick.series, series);
                observed = tick.observed;
                observed.series = std::move(series);
                all.push_back(
                    {.epoch = part.header.epoch, .tick = std::move(tick), .observed = observed});
            }
        }
    }
    return all;
}

DecisionSequence compare_decisions(const std::vector<FleetCommit>& commits,
                                   const FleetName& fleet,
                                   const std::vector<RecordedDecision>& recorded,
                                   const scaler::Policy& policy,
                                   std::chrono::seconds period) {
    std::map<std::pair<std::int64_t, WallTime>, const RecordedDecision*> by_tick;
    for (const RecordedDecision& one : recorded)
        by_tick.insert_or_assign({one.epoch, one.tick.at}, &one);
    const auto has_later = [&](const std::pair<std::int64_t, WallTime>& key) {
        const auto next = by_tick.upper_bound(key);
        return next != by_tick.end() && next->first.first == key.first;
    };
    DecisionSequence sequence;
    std::set<std::pair<std::int64_t, WallTime>> written;
    std::set<std::int64_t> masters;
    std::optional<History> own;
    std::int64_t tick = 0;
    std::optional<std::int64_t> first;
    for (const FleetCommit& commit : commits) {
        if (commit.fleet != fleet || !commit.state) continue;
        const znodes::FleetState& state = *commit.state;
        if (!own) own = scaler::history_of(state.history);
        if (std::exchange(tick, state.tick) == state.tick) continue;
        const std::pair key{state.stamp.token, WallTime(std::chrono::seconds(state.tick))};
        const auto found = by_tick.find(key);
        ++sequence.ticks;
        if (!first) first = tick;
        masters.insert(state.stamp.token);
        if (found == by_tick.end()) {
            ++sequence.unrecorded;
            if (has_later(key)) ++sequence.holes;
            own = scaler::history_of(state.history);
            continue;
        }
        written.insert(key);
        const RecordedDecision& one = *found->second;
        const Decision decision = scaler::decide(scaler::policy_at(policy, *one.tick.membership),
                                                 *own,
                                                 one.observed,
                                                 *one.tick.membership,
                                                 one.tick.at);
        const std::string decided = scaler::canonical(decision);
        if (decision.size != decision.was) ++sequence.changes;
        if (decided != one.tick.decision && ++sequence.differences == 1)
            sequence.first = fmt::format("{} at {}, epoch {}: {}",
                                         fleet.str(),
                                         scaler::time_text(one.tick.at),
                                         one.epoch,
                                         difference(one.tick.decision, decided));
        own = carried_out(decision, state.history);
    }
    for (const auto& [key, one] : by_tick)
        if (!written.contains(key)) ++sequence.unwritten;
    sequence.masters = masters.size();
    if (first) sequence.span = static_cast<std::size_t>((tick - *first) / period.count()) + 1;
    return sequence;
}

}  // namespace muster::test
