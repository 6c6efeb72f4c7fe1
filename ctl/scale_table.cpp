#include "ctl/scale_report.hpp"
#include "scaler/recording_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace muster::ctl {

namespace {

using scaler::Figures;

/// `number` in hundredths: "4.25".
std::string hundredths(std::int64_t number) {
    const std::int64_t magnitude = number < 0 ? -number : number;
    return fmt::format("{}{}.{:02}", number < 0 ? "-" : "", magnitude / 100, magnitude % 100);
}

std::string plain(std::int64_t number) {
    return fmt::format("{}", number);
}

std::string percent(std::int64_t number) {
    return fmt::format("{} %", number);
}

/// A figure as a whole number, and how numbers of it are written.
struct Row {
    std::string name;
    std::function<std::int64_t(const Figures&)> value;
    std::string (*text)(std::int64_t) = plain;
};

std::int64_t mean_hundredths(const Figures& all) {
    const auto span = static_cast<std::int64_t>(all.ticks) * all.period.count();
    return span == 0 ? 0 : (all.size_seconds * 100 + span / 2) / span;
}

std::int64_t hours_hundredths(std::int64_t seconds) {
    return (seconds * 100 + 1800) / 3600;
}

std::vector<Row> rows() {
    return {
        {"size, mean", mean_hundredths, hundredths},
        {"size, smallest", [](const Figures& all) { return all.smallest; }},
        {"size, largest", [](const Figures& all) { return all.largest; }},
        {"instance-hours",
         [](const Figures& all) { return hours_hundredths(all.instance_seconds); },
         hundredths},
        {"  of them idle",
         [](const Figures& all) { return hours_hundredths(all.idle_seconds); },
         hundredths},
        {"short of capacity, s", [](const Figures& all) { return all.under_seconds; }},
        {"  longest, s", [](const Figures& all) { return all.longest_under_seconds; }},
        {"  instance-seconds missing", [](const Figures& all) { return all.missing_seconds; }},
        {"worst load", [](const Figures& all) { return all.worst_load_percent; }, percent},
        {"load unknown, s", [](const Figures& all) { return all.unknown_seconds; }},
        {"scale-outs", [](const Figures& all) { return all.outs; }},
        {"scale-ins", [](const Figures& all) { return all.ins; }},
        {"instances added", [](const Figures& all) { return all.added; }},
        {"instances removed", [](const Figures& all) { return all.removed; }},
        {"flaps", [](const Figures& all) { return all.flaps; }},
        {"largest removal in 5 min", [](const Figures& all) { return all.largest_removal; }},
        {"ticks that waited for a change", [](const Figures& all) { return all.waits; }},
    };
}

void add_row(Table& table, const ScaleReport& report, const Row& row) {
    std::vector<Table::Cell> cells = {{.text = row.name}};
    for (const NamedRun& one : report.runs)
        cells.push_back({.text = row.text(row.value(one.run.figures))});
    if (report.runs.size() > 1) {
        const std::int64_t by =
            row.value(report.runs[0].run.figures) - row.value(report.runs[1].run.figures);
        cells.push_back({.text = by == 0 ? "" : (by > 0 ? "+" : "") + row.text(by)});
    }
    table.add(std::move(cells));
}

std::string figures_table(const ScaleReport& report, Colours colours) {
    std::vector<std::string> headings = {""};
    for (const NamedRun& one : report.runs) headings.push_back(printable(one.name));
    if (report.runs.size() > 1) headings.emplace_back("DIFFERENCE");
    Table table(headings);
    for (const Row& row : rows()) add_row(table, report, row);
    for (std::size_t cause = 0; cause < scaler::most_causes; ++cause) {
        const bool any = std::ranges::any_of(
            report.runs, [&](const NamedRun& one) { return one.run.figures.hits[cause] > 0; });
        if (!any) continue;
        add_row(
            table,
            report,
            {fmt::format("ticks held by {}", scaler::word_of(static_cast<scaler::Cause>(cause))),
             [cause](const Figures& all) { return all.hits[cause]; }});
    }
    return table.render(colours);
}

std::string bearable_text(const ScaleReport& report) {
    std::string text;
    for (const auto& [metric, value] : report.bearable)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", metric, scaler::decimal(value));
    return text.empty() ? "nothing that is known" : text;
}

std::string parting_text(const ScaleReport& report) {
    const scaler::Parting parting = compare(report.runs[0].run, report.runs[1].run);
    if (!parting.first) return "\nno difference: both have the same size at every tick\n";
    const auto& ticks = report.runs[0].run.ticks;
    return fmt::format("\nthe sizes differ at {} of {} ticks, first at {}: {} and {}\n",
                       parting.ticks,
                       ticks.size(),
                       scaler::time_text(ticks[*parting.first].at),
                       ticks[*parting.first].size,
                       report.runs[1].run.ticks[*parting.first].size);
}

}  // namespace

std::string to_table(const ScaleReport& report, const PlotSettings* plots) {
    const auto& ticks = report.runs.front().run.ticks;
    const scaler::SimulationSettings& settings = report.settings;
    std::string text = fmt::format(
        "fleet {}, {} to {}: {} ticks of {}\n"
        "model: {} to boot, {} to warm up, {} to drain; an instance bears {}\n\n",
        report.fleet,
        scaler::time_text(ticks.front().at),
        scaler::time_text(ticks.back().at),
        ticks.size(),
        scaler::span_text(settings.period),
        scaler::span_text(settings.fleet.boot),
        scaler::span_text(settings.fleet.warm_up),
        scaler::span_text(settings.fleet.drain),
        bearable_text(report));
    text += figures_table(report, plots == nullptr ? Colours::off : plots->colours);
    int top = 1;
    for (const NamedRun& one : report.runs) top = std::max(top, one.run.figures.largest);
    if (plots != nullptr)
        for (const NamedRun& one : report.runs) text += "\n" + plot(one, top, *plots);
    if (report.runs.size() > 1) text += parting_text(report);
    if (!report.explained.empty()) text += "\n";
    for (const std::string& line : report.explained) text += printable(line) + "\n";
    return text;
}

}  // namespace muster::ctl
