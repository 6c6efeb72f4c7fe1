#include "ctl/table.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace muster::ctl {

namespace {

std::string_view code_of(Tone tone) {
    switch (tone) {
        case Tone::plain:
            return "";
        case Tone::good:
            return "\x1b[32m";
        case Tone::bad:
            return "\x1b[1;31m";
        case Tone::warning:
            return "\x1b[33m";
        case Tone::dim:
            return "\x1b[2m";
    }
    return "";
}

/// Code points, which is what a terminal's columns are for all but wide scripts.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::size_t sequence_length(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first < 0xe0) return 2;
    if (first >= 0xe0 && first < 0xf0) return 3;
    if (first >= 0xf0 && first < 0xf5) return 4;
    return 0;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        const std::size_t length = sequence_length(first);
        const std::string_view one = text.substr(0, length);
        const bool whole =
            length > 0 && one.size() == length && std::ranges::all_of(one.substr(1), [](char c) {
                return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
            });
        const bool control = first < 0x20 || first == 0x7f ||
                             (first == 0xc2 && whole && static_cast<unsigned char>(one[1]) < 0xa0);
        if (!whole || control) {
            out += '?';
            text.remove_prefix(whole ? length : 1);
        } else {
            out += one;
            text.remove_prefix(length);
        }
    }
    return out;
}

std::string toned(std::string_view text, Tone tone, Colours colours) {
    std::string shown = printable(text);
    if (colours == Colours::off || tone == Tone::plain) return shown;
    return std::string(code_of(tone)) + shown + "\x1b[0m";
}

Tone tone_of_state(std::string_view state) {
    struct Known {
        std::string_view state;
        Tone tone;
    };
    constexpr std::array<Known, 6> known = {{{"up", Tone::good},
                                             {"down", Tone::bad},
                                             {"degraded", Tone::warning},
                                             {"unknown", Tone::warning},
                                             {"drain", Tone::warning},
                                             {"maintenance", Tone::dim}}};
    const auto found = std::ranges::find(known, state, &Known::state);
    return found == known.end() ? Tone::plain : found->tone;
}

void Table::add(std::vector<Cell> cells) {
    cells.resize(headings_.size());
    for (Cell& cell : cells) {
        if (cell.text.empty()) cell = {.text = "-", .tone = Tone::dim};
        cell.text = printable(cell.text);
    }
    rows_.push_back(std::move(cells));
}

std::string Table::render(Colours colours) const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < headings_.size(); ++column) {
        std::size_t width = width_of(headings_[column]);
        for (const auto& row : rows_) width = std::max(width, width_of(row[column].text));
        widths.push_back(width);
    }
    const auto pad = [&](std::string& out, std::string_view text, std::size_t column) {
        if (column + 1 < widths.size()) out.append(widths[column] - width_of(text) + 2, ' ');
    };
    std::string out;
    for (std::size_t column = 0; column < headings_.size(); ++column) {
        out += toned(headings_[column], Tone::dim, colours);
        pad(out, headings_[column], column);
    }
    out += '\n';
    for (const auto& row : rows_) {
        for (std::size_t column = 0; column < row.size(); ++column) {
            out += toned(row[column].text, row[column].tone, colours);
            pad(out, row[column].text, column);
        }
        out += '\n';
    }
    return out;
}

}  // namespace muster::ctl
