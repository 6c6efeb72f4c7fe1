#include "ctl/scale_time.hpp"

#include "scaler/recording_text.hpp"

#include <charconv>

namespace muster::ctl {

std::optional<std::chrono::seconds> read_span(std::string_view text) {
    constexpr std::int64_t longest = 10LL * 366 * 86'400;
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc{} || unit.size() != 1 || count < 0 || count > longest)
        return std::nullopt;
    std::int64_t each = 0;
    switch (unit.front()) {
        case 's':
            each = 1;
            break;
        case 'm':
            each = 60;
            break;
        case 'h':
            each = 3600;
            break;
        case 'd':
            each = 86'400;
            break;
        case 'w':
            each = 604'800;
            break;
        default:
            return std::nullopt;
    }
    if (count > longest / each) return std::nullopt;
    return std::chrono::seconds(count * each);
}

std::optional<WallTime> read_time_or_span(std::string_view text, WallTime now) {
    if (text == "now") return now;
    if (!text.starts_with('-')) return scaler::read_time(text);
    const auto span = read_span(text.substr(1));
    if (!span) return std::nullopt;
    return now - *span;
}

}  // namespace muster::ctl
