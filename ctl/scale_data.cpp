#include "ctl/scale_report.hpp"
#include "scaler/recording_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace muster::ctl {

namespace {

namespace json = boost::json;
using scaler::SimulatedTick;

json::object figures_json(const scaler::Figures& all) {
    json::object hits;
    for (std::size_t cause = 0; cause < scaler::most_causes; ++cause)
        if (all.hits[cause] > 0)
            hits.emplace(scaler::word_of(static_cast<scaler::Cause>(cause)), all.hits[cause]);
    return {{"ticks", all.ticks},
            {"smallest", all.smallest},
            {"largest", all.largest},
            {"size_seconds", all.size_seconds},
            {"instance_seconds", all.instance_seconds},
            {"idle_seconds", all.idle_seconds},
            {"under_capacity_seconds", all.under_seconds},
            {"longest_under_capacity_seconds", all.longest_under_seconds},
            {"missing_instance_seconds", all.missing_seconds},
            {"unknown_seconds", all.unknown_seconds},
            {"worst_load_percent", all.worst_load_percent},
            {"scale_outs", all.outs},
            {"scale_ins", all.ins},
            {"added", all.added},
            {"removed", all.removed},
            {"flaps", all.flaps},
            {"largest_removal_in_5_min", all.largest_removal},
            {"waits", all.waits},
            {"limiter_hits", std::move(hits)}};
}

json::object run_json(const NamedRun& one) {
    json::array changes;
    for (const SimulatedTick& tick : one.run.ticks)
        if (tick.size != tick.was)
            changes.push_back(json::object{
                {"time", scaler::time_text(tick.at)}, {"from", tick.was}, {"to", tick.size}});
    return {{"policy", one.name},
            {"figures", figures_json(one.run.figures)},
            {"first_size", one.run.ticks.front().was},
            {"changes", std::move(changes)}};
}

std::string causes_text(const SimulatedTick& tick) {
    std::string text;
    for (int cause = 0; cause < scaler::most_causes; ++cause) {
        if (!has(tick, static_cast<scaler::Cause>(cause))) continue;
        if (!text.empty()) text += ' ';
        text += scaler::word_of(static_cast<scaler::Cause>(cause));
    }
    return text;
}

}  // namespace

json::value to_json(const ScaleReport& report) {
    const auto& ticks = report.runs.front().run.ticks;
    json::object bearable;
    for (const auto& [metric, value] : report.bearable)
        bearable.emplace(metric, scaler::decimal(value));
    json::array runs;
    for (const NamedRun& one : report.runs) runs.push_back(run_json(one));
    json::object object{{"fleet", report.fleet},
                        {"from", scaler::time_text(ticks.front().at)},
                        {"to", scaler::time_text(ticks.back().at)},
                        {"period_seconds", report.settings.period.count()},
                        {"boot_seconds", report.settings.fleet.boot.count()},
                        {"warm_up_seconds", report.settings.fleet.warm_up.count()},
                        {"drain_seconds", report.settings.fleet.drain.count()},
                        {"bearable", std::move(bearable)},
                        {"runs", std::move(runs)}};
    if (report.runs.size() > 1) {
        const scaler::Parting parting = compare(report.runs[0].run, report.runs[1].run);
        json::object difference{{"ticks", parting.ticks}};
        difference.emplace("first",
                           parting.first ? json::value(scaler::time_text(ticks[*parting.first].at))
                                         : json::value(nullptr));
        object.emplace("difference", std::move(difference));
    }
    if (!report.explained.empty()) {
        json::array lines;
        for (const std::string& line : report.explained) lines.push_back(json::value(line));
        object.emplace("explained", std::move(lines));
    }
    return object;
}

std::string to_csv(const ScaleReport& report) {
    std::string text =
        "time,policy,wanted,size,serving,machines,needed,load_percent,waited,held_by\n";
    for (const NamedRun& one : report.runs) {
        std::string name = one.name;
        for (char& c : name)
            if (c == ',' || c == '"' || static_cast<unsigned char>(c) < ' ') c = '_';
        for (const SimulatedTick& tick : one.run.ticks)
            text += fmt::format("{},{},{},{},{},{},{},{},{},{}\n",
                                scaler::time_text(tick.at),
                                name,
                                tick.wanted,
                                tick.size,
                                tick.serving,
                                tick.machines,
                                tick.needed ? fmt::format("{}", *tick.needed) : "",
                                tick.needed ? fmt::format("{}", tick.load_percent) : "",
                                tick.waited ? 1 : 0,
                                causes_text(tick));
    }
    return text;
}

}  // namespace muster::ctl
