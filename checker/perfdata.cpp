#include "checker/perfdata.hpp"

#include <charconv>
#include <cmath>

namespace muster::checker {

namespace {

constexpr std::size_t most_figures = 64;

/// Taken off the front: in quotes (two of them are one), or up to the equals sign.
std::string take_label(std::string_view& text) {
    std::string label;
    if (!text.starts_with('\'')) {
        const std::size_t end = std::min(text.find('='), text.size());
        label = text.substr(0, end);
        text.remove_prefix(end);
        return label;
    }
    text.remove_prefix(1);
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == '\'') {
            if (!text.starts_with('\'')) break;
            text.remove_prefix(1);
        }
        label += c;
    }
    return label;
}

}  // namespace

std::vector<PerfDatum> parse_perfdata(std::string_view line) {
    std::vector<PerfDatum> figures;
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) return figures;
    std::string_view text = line.substr(bar + 1);
    while (!text.empty() && figures.size() < most_figures) {
        if (text.front() == ' ') {
            text.remove_prefix(1);
            continue;
        }
        PerfDatum figure{.label = take_label(text)};
        if (!text.starts_with('=')) {
            text.remove_prefix(std::min(text.find(' '), text.size()));
            continue;
        }
        text.remove_prefix(1);
        const std::size_t end = std::min(text.find(' '), text.size());
        std::string_view value = text.substr(0, end);
        text.remove_prefix(end);
        value = value.substr(0, value.find(';'));
        const auto [rest, error] =
            std::from_chars(value.data(), value.data() + value.size(), figure.value);
        if (error != std::errc{} || figure.label.empty() || !std::isfinite(figure.value)) continue;
        figure.unit = value.substr(static_cast<std::size_t>(rest - value.data()));
        figures.push_back(std::move(figure));
    }
    return figures;
}

}  // namespace muster::checker
