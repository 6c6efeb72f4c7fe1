#include "scaler/quantity.hpp"
#include "scaler/recording_text.hpp"
#include "scaler/simulation_past.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace muster::scaler {
namespace {

constexpr std::size_t longest_line = 4096;
constexpr std::size_t longest_name = 256;
constexpr std::size_t most_series = 20'000;
constexpr std::size_t most_points = 40'000'000;
constexpr std::size_t most_columns = 5;

struct Columns {
    bool instance = false;
    bool capacity = false;
    [[nodiscard]] std::size_t count() const {
        return 3U + (instance ? 1U : 0U) + (capacity ? 1U : 0U);
    }
};

struct Row {
    std::array<std::string_view, most_columns> cells{};
    std::size_t count = 0;
};

/// "1767225600" or "1767225600.25".
std::optional<WallTime> unix_time(std::string_view text) {
    const auto value = read_quantity(text);
    constexpr std::int64_t end_of_9999 = 253'402'300'799;
    if (!value || value->count < 0 || value->count > whole(end_of_9999).count) return std::nullopt;
    return WallTime{std::chrono::milliseconds(value->count / 1000)};
}

std::optional<WallTime> time_of(std::string_view text) {
    return text.contains('T') ? read_time(text) : unix_time(text);
}

bool is_name(std::string_view text) {
    return text.size() <= longest_name &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '"'; });
}

std::string_view said_of(Unreadable why) {
    switch (why) {
        case Unreadable::not_a_number:
            return "is no number";
        case Unreadable::infinite:
            return "is infinite";
        case Unreadable::malformed:
            return "isn't a decimal number";
        case Unreadable::out_of_range:
            return "is larger than 9.2e12";
    }
    return "can't be read";
}

class Reader {
 public:
    Reader(std::string_view text, std::string name) : rest_(text), name_(std::move(name)) {}

    tl::expected<Past, std::string> read() {
        constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
        if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
        if (const auto first = next_line(); first && problem_.empty()) read_names(*first);
        while (problem_.empty()) {
            const auto line = next_line();
            if (!line) break;
            if (problem_.empty()) read_row(*line);
        }
        if (problem_.empty() && points_ == 0) problem_ = "there are no values in it";
        if (!problem_.empty())
            return tl::unexpected(fmt::format("{}:{}: {}", name_, std::max(1, number_), problem_));
        past_.valid_for = usual_distance() * 2;
        return std::move(past_);
    }

 private:
    std::optional<std::string_view> next_line() {
        if (rest_.empty()) return std::nullopt;
        ++number_;
        const std::size_t end = rest_.find('\n');
        std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.size() > longest_line)
            problem_ = fmt::format("the line is longer than {} bytes", longest_line);
        return line;
    }

    void read_names(std::string_view line) {
        columns_.capacity = line == "time,metric,instance,value,capacity";
        columns_.instance = columns_.capacity || line == "time,metric,instance,value";
        if (!columns_.instance && line != "time,metric,value")
            problem_ =
                "the first line must name the columns: time,metric,value or "
                "time,metric,instance,value or time,metric,instance,value,capacity";
    }

    std::optional<Row> cells_of(std::string_view line) {
        Row row;
        while (row.count < most_columns) {
            const std::size_t end = line.find(',');
            row.cells[row.count++] = line.substr(0, end);
            if (end == std::string_view::npos) {
                if (row.count == columns_.count()) return row;
                break;
            }
            line.remove_prefix(end + 1);
        }
        problem_ = fmt::format("must have {} values, with commas between them", columns_.count());
        return std::nullopt;
    }

    void read_row(std::string_view line) {
        const auto row = cells_of(line);
        if (!row) return;
        const auto time = time_of(row->cells[0]);
        if (!time) {
            problem_ = "the time must be like 2026-03-01T12:00:00Z, or seconds since 1970";
            return;
        }
        const std::string_view metric = row->cells[1];
        const std::string_view instance = columns_.instance ? row->cells[2] : std::string_view{};
        if (metric.empty() || !is_name(metric) || !is_name(instance)) {
            problem_ = fmt::format(
                "metric and instance must be of at most {} characters, without blanks and quotes",
                longest_name);
            return;
        }
        PastPoint point{.at = *time};
        read_value(row->cells[columns_.instance ? 3 : 2], point);
        if (columns_.capacity && !row->cells[4].empty()) read_capacity(row->cells[4], point);
        if (problem_.empty()) keep(metric, instance, point);
    }

    void read_value(std::string_view text, PastPoint& point) {
        if (text.empty()) {
            point.flaw = Flaw::empty;
            return;
        }
        const auto value = read_quantity(text);
        if (value) {
            point.value = *value;
        } else if (value.error() == Unreadable::not_a_number) {
            point.flaw = Flaw::not_a_number;
        } else {
            problem_ = fmt::format("the value {}", said_of(value.error()));
        }
    }

    void read_capacity(std::string_view text, PastPoint& point) {
        const auto value = read_quantity(text);
        if (value && value->count > 0) {
            point.capacity = *value;
        } else {
            problem_ = "the capacity must be a decimal number above 0";
        }
    }

    void keep(std::string_view metric, std::string_view instance, PastPoint point) {
        if (++points_ > most_points) {
            problem_ = fmt::format("there are more than {} values", most_points);
            return;
        }
        PastSeries& series = series_of(metric, instance);
        if (!problem_.empty()) return;
        if (!series.points.empty() && point.at <= series.points.back().at) {
            problem_ = fmt::format("the time must be later than that of the value before it ({})",
                                   time_text(series.points.back().at));
            return;
        }
        series.points.push_back(point);
    }

    PastSeries& series_of(std::string_view metric, std::string_view instance) {
        key_.assign(metric).append(",").append(instance);
        const auto [found, is_new] = places_.try_emplace(key_, past_.series.size());
        if (!is_new) return past_.series[found->second];
        if (past_.series.size() >= most_series)
            problem_ = fmt::format("there are more than {} series", most_series);
        past_.series.push_back(
            {.metric = std::string(metric), .instance = std::string(instance), .points = {}});
        return past_.series.back();
    }

    /// The median, of the series that has most.
    seconds usual_distance() {
        const auto most = std::ranges::max_element(
            past_.series, {}, [](const PastSeries& one) { return one.points.size(); });
        std::vector<std::chrono::milliseconds> distances;
        for (std::size_t i = 1; i < most->points.size(); ++i)
            distances.push_back(most->points[i].at - most->points[i - 1].at);
        if (distances.empty()) return seconds{30};
        const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
        std::ranges::nth_element(distances, middle);
        return std::max(seconds{1}, std::chrono::ceil<seconds>(*middle));
    }

    std::string_view rest_;
    std::string name_;
    int number_ = 0;
    std::string problem_;
    Columns columns_;
    std::size_t points_ = 0;
    std::string key_;
    std::map<std::string, std::size_t, std::less<>> places_;
    Past past_;
};

}  // namespace

tl::expected<Past, std::string> read_csv(std::string_view text, const std::string& name) {
    return Reader(text, name).read();
}

}  // namespace muster::scaler
