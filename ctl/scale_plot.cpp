#include "ctl/scale_report.hpp"
#include "scaler/recording_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster::ctl {

namespace {

using scaler::SimulatedTick;

constexpr int least_width = 20;
constexpr int label_width = 7;

/// Of the ticks that share a column.
struct Column {
    int size = 0;
    int serving = 0;
    bool under = false;
};

std::vector<Column> columns_of(const std::vector<SimulatedTick>& ticks, int count) {
    std::vector<Column> columns;
    const auto width = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < width; ++i) {
        const std::size_t first = i * ticks.size() / width;
        const std::size_t last = std::max(first + 1, (i + 1) * ticks.size() / width);
        Column column{.serving = ticks[first].serving};
        for (std::size_t t = first; t < last; ++t) {
            column.size = std::max(column.size, ticks[t].size);
            column.serving = std::min(column.serving, ticks[t].serving);
            column.under = column.under || (ticks[t].needed && *ticks[t].needed > ticks[t].serving);
        }
        columns.push_back(column);
    }
    return columns;
}

/// One cell: of what is `bottom` to `bottom + 8`, in eighths of a cell.
std::string_view cell(int serving, int size, int bottom, bool ascii) {
    constexpr std::array<std::string_view, 9> blocks = {
        " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const int part = std::clamp(serving - bottom, 0, 8);
    const bool ordered = size - bottom >= 4;
    if (ascii) return part >= 4 ? "#" : ordered ? ":" : " ";
    if (part > 0) return blocks[static_cast<std::size_t>(part)];
    return ordered ? "░" : " ";
}

std::string spread(const std::string& left,
                   const std::string& middle,
                   const std::string& right,
                   int width) {
    const int used = static_cast<int>(left.size() + middle.size() + right.size());
    if (used + 2 > width) return left;
    const int before =
        std::max(1, (width - static_cast<int>(middle.size())) / 2 - static_cast<int>(left.size()));
    const int after = std::max(1, width - used - before);
    return left + std::string(static_cast<std::size_t>(before), ' ') + middle +
           std::string(static_cast<std::size_t>(after), ' ') + right;
}

}  // namespace

std::string plot(const NamedRun& run, int top, const PlotSettings& settings) {
    const std::vector<SimulatedTick>& ticks = run.run.ticks;
    if (ticks.empty()) return {};
    const int width = std::max(least_width, settings.width - label_width - 1);
    const int height = std::clamp(std::min(settings.height, top), 1, 40);
    const std::vector<Column> columns = columns_of(ticks, width);
    const auto eighths = [&](int instances) { return instances * height * 8 / std::max(1, top); };
    std::string text = printable(run.name) + "\n";
    for (int row = height - 1; row >= 0; --row) {
        // The instances that the upper edge of the row stands for.
        const bool labelled = row == height - 1 || row == 0 || row == height / 2;
        const std::string label =
            labelled ? fmt::format("{}", ((row + 1) * top + height - 1) / height) : "";
        text += fmt::format("{:>{}} {}", label, label_width - 2, settings.ascii ? "|" : "┤");
        std::string line;
        for (const Column& column : columns)
            line += cell(eighths(column.serving), eighths(column.size), row * 8, settings.ascii);
        while (line.ends_with(' ')) line.pop_back();
        text += line + "\n";
    }
    if (std::ranges::any_of(columns, &Column::under)) {
        std::string marks;
        for (const Column& column : columns) marks += column.under ? '!' : ' ';
        while (marks.ends_with(' ')) marks.pop_back();
        text += fmt::format(
            "{:>{}}  {}\n", "short", label_width - 2, toned(marks, Tone::bad, settings.colours));
    }
    const std::size_t middle = ticks.size() / 2;
    text += std::string(label_width, ' ') +
            spread(scaler::time_text(ticks.front().at),
                   ticks.size() > 2 ? scaler::time_text(ticks[middle].at) : "",
                   scaler::time_text(ticks.back().at),
                   width) +
            "\n";
    return text;
}

}  // namespace muster::ctl
