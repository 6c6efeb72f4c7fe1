#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster::ctl {

/// What a text means, shown as a colour on terminals.
enum class Tone : std::uint8_t { plain, good, bad, warning, dim };

enum class Colours : std::uint8_t { off, on };

/// Text from elsewhere as it may go to a terminal: control characters and broken UTF-8 become "?".
[[nodiscard]] std::string printable(std::string_view text);

/// `printable` text, coloured when colours are on.
[[nodiscard]] std::string toned(std::string_view text, Tone tone, Colours colours);

/// What a backend's state, or yes and no to something unwanted, means.
[[nodiscard]] Tone tone_of_state(std::string_view state);

/// Rows under headings, as wide as their longest cells; the last column is not padded.
class Table {
 public:
    struct Cell {
        std::string text;
        Tone tone = Tone::plain;
    };

    explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

    /// Missing cells are empty; an empty cell shows as "-".
    void add(std::vector<Cell> cells);
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    [[nodiscard]] std::string render(Colours colours) const;

 private:
    std::vector<std::string> headings_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace muster::ctl
