#include "ctl/scale_report.hpp"
#include "scaler/recording_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster::ctl {

namespace {

using scaler::SimulatedTick;

constexpr int left = 56;
constexpr int right = 20;
constexpr int above = 56;
constexpr int plot_width = 1000;
constexpr int plot_height = 300;
constexpr std::array<const char*, 2> colours = {"#1f6feb", "#d9822b"};

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : printable(text)) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

/// Pixels, in whole tenths so that equal runs give equal bytes.
class Scale {
 public:
    Scale(std::size_t ticks, int top) : ticks_(ticks), top_(top) {}
    [[nodiscard]] std::string x(std::size_t tick) const {
        return tenths(left * 10 + static_cast<std::int64_t>(tick) * plot_width * 10 /
                                      static_cast<std::int64_t>(std::max<std::size_t>(1, ticks_)));
    }
    [[nodiscard]] std::string y(int instances) const {
        return tenths((above + plot_height) * 10 -
                      std::int64_t{std::min(instances, top_)} * plot_height * 10 / top_);
    }
    [[nodiscard]] int top() const { return top_; }

 private:
    static std::string tenths(std::int64_t value) {
        return fmt::format("{}.{}", value / 10, value % 10);
    }
    std::size_t ticks_;
    int top_;
};

/// A line with steps, of what `value` says of each tick.
template <class Value>
std::string steps(const std::vector<SimulatedTick>& ticks, const Scale& scale, Value value) {
    int now = value(ticks.front());
    std::string path = fmt::format("M{} {}", scale.x(0), scale.y(now));
    for (std::size_t i = 1; i < ticks.size(); ++i) {
        const int next = value(ticks[i]);
        if (next == now) continue;
        now = next;
        path += fmt::format("H{}V{}", scale.x(i), scale.y(now));
    }
    return path + fmt::format("H{}", scale.x(ticks.size()));
}

/// What was needed, as an area; the largest of the ticks that share a pixel.
std::string needed_area(const std::vector<SimulatedTick>& ticks, const Scale& scale) {
    std::string path = fmt::format("M{} {}", scale.x(0), scale.y(0));
    const std::size_t columns = std::min<std::size_t>(plot_width, ticks.size());
    for (std::size_t i = 0; i < columns; ++i) {
        const std::size_t first = i * ticks.size() / columns;
        const std::size_t last = (i + 1) * ticks.size() / columns;
        int most = 0;
        for (std::size_t t = first; t < last; ++t)
            most = std::max(most, ticks[t].needed.value_or(0));
        path += fmt::format("H{}V{}", scale.x(first), scale.y(most));
    }
    return path + fmt::format("H{}V{}Z", scale.x(ticks.size()), scale.y(0));
}

/// A bar below the plot for each stretch that was short of capacity.
std::string shortages(const std::vector<SimulatedTick>& ticks,
                      const Scale& scale,
                      int y,
                      const char* colour) {
    std::string path;
    const auto is_short = [](const SimulatedTick& tick) {
        return tick.needed && *tick.needed > tick.serving;
    };
    for (std::size_t i = 0; i < ticks.size(); ++i) {
        if (!is_short(ticks[i])) continue;
        const std::size_t first = i;
        while (i < ticks.size() && is_short(ticks[i])) ++i;
        path += fmt::format("M{} {}H{}", scale.x(first), y, scale.x(i));
    }
    if (path.empty()) return {};
    return fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"6\"/>\n", path, colour);
}

std::string label(const std::string& x,
                  const std::string& y,
                  const char* anchor,
                  const std::string& text) {
    return fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped(text));
}

std::string number(int value) {
    return fmt::format("{}", value);
}

std::string axes(const std::vector<SimulatedTick>& ticks, const Scale& scale) {
    std::string svg;
    const int step = std::max(1, (scale.top() + 5) / 6);
    for (int size = 0; size <= scale.top(); size += step) {
        svg += fmt::format("<path d=\"M{0} {1}H{2}\" stroke=\"#d0d7de\"/>\n",
                           left,
                           scale.y(size),
                           left + plot_width);
        svg += label(number(left - 8), scale.y(size), "end", number(size));
    }
    constexpr std::size_t marks = 4;
    for (std::size_t i = 0; i <= marks; ++i) {
        const std::size_t tick = std::min(ticks.size() - 1, i * ticks.size() / marks);
        svg += label(scale.x(i * ticks.size() / marks),
                     number(above + plot_height + 44),
                     i == 0 ? "start" : (i == marks ? "end" : "middle"),
                     scaler::time_text(ticks[tick].at));
    }
    return svg;
}

std::string curves(const NamedRun& one, const Scale& scale, int place) {
    const char* const colour = colours[static_cast<std::size_t>(place) % colours.size()];
    std::string svg = fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-dasharray=\"3 3\" "
        "stroke-opacity=\"0.6\"/>\n",
        steps(one.run.ticks, scale, [](const SimulatedTick& tick) { return tick.serving; }),
        colour);
    svg += fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"><title>{}</title></path>\n",
        steps(one.run.ticks, scale, [](const SimulatedTick& tick) { return tick.size; }),
        colour,
        escaped(one.name));
    svg += shortages(one.run.ticks, scale, above + plot_height + 8 + 10 * place, colour);
    return svg + fmt::format("<g fill=\"{}\">{}</g>\n",
                             colour,
                             label(number(left + 220 * place), "40", "start", one.name));
}

}  // namespace

std::string to_svg(const ScaleReport& report) {
    int top = 1;
    for (const NamedRun& one : report.runs) top = std::max(top, one.run.figures.largest);
    const int most = 2 * top;  // what is needed beyond is cut off
    for (const NamedRun& one : report.runs)
        for (const SimulatedTick& tick : one.run.ticks)
            top = std::max({top, tick.machines, std::min(tick.needed.value_or(0), most)});
    const auto& ticks = report.runs.front().run.ticks;
    const Scale scale(ticks.size(), top);
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
        "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#24292f\">\n"
        "<title>Size of the fleet {2} over time</title>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        left + plot_width + right,
        above + plot_height + 64,
        escaped(report.fleet));
    svg += axes(ticks, scale);
    svg += fmt::format("<path d=\"{}\" fill=\"#8b949e\" fill-opacity=\"0.25\"/>\n",
                       needed_area(ticks, scale));
    svg += label(number(left), "20", "start", "fleet " + report.fleet);
    svg +=
        label(number(left + plot_width),
              "20",
              "end",
              "grey: instances that the load needs; dashed: that serve; bars: short of capacity");
    for (std::size_t i = report.runs.size(); i > 0; --i)
        svg += curves(report.runs[i - 1], scale, static_cast<int>(i - 1));
    return svg + "</svg>\n";
}

}  // namespace muster::ctl
