#include "scaler/recording_text.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <charconv>

namespace muster::scaler {
namespace {

constexpr std::uint64_t million = 1'000'000;

/// All of `text`, decimal digits only.
std::optional<int> number_of(std::string_view text) {
    int number = 0;
    for (const char c : text)
        if (c < '0' || c > '9') return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// ".5" is 500, ".25" 250: at most milliseconds.
std::optional<int> milliseconds_of(std::string_view fraction) {
    if (fraction.empty()) return 0;
    if (fraction.front() != '.' || fraction.size() < 2 || fraction.size() > 4) return std::nullopt;
    auto value = number_of(fraction.substr(1));
    for (std::size_t digits = fraction.size() - 1; value && digits < 3; ++digits) *value *= 10;
    return value;
}

}  // namespace

std::string decimal(Micros value) {
    const bool negative = value.count < 0;
    const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(value.count)
                                             : static_cast<std::uint64_t>(value.count);
    std::string text = fmt::format("{}{}", negative ? "-" : "", magnitude / million);
    if (magnitude % million == 0) return text;
    text += fmt::format(".{:06}", magnitude % million);
    while (text.back() == '0') text.pop_back();
    return text;
}

std::string time_text(WallTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    const std::string seconds = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
                                            static_cast<int>(date.year()),
                                            static_cast<unsigned>(date.month()),
                                            static_cast<unsigned>(date.day()),
                                            clock.hours().count(),
                                            clock.minutes().count(),
                                            clock.seconds().count());
    const auto rest = clock.subseconds().count();
    return rest == 0 ? seconds + "Z" : fmt::format("{}.{:03}Z", seconds, rest);
}

std::optional<WallTime> read_time(std::string_view text) {
    using namespace std::chrono;
    if (text.size() < 20 || text.size() > 24 || text.back() != 'Z' || text[4] != '-' ||
        text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return std::nullopt;
    const auto y = number_of(text.substr(0, 4));
    const auto mon = number_of(text.substr(5, 2));
    const auto d = number_of(text.substr(8, 2));
    const auto h = number_of(text.substr(11, 2));
    const auto min = number_of(text.substr(14, 2));
    const auto s = number_of(text.substr(17, 2));
    const auto ms = milliseconds_of(text.substr(19, text.size() - 20));
    if (!y || !mon || !d || !h || !min || !s || !ms || *y < 1970 || *h > 23 || *min > 59 || *s > 59)
        return std::nullopt;
    const year_month_day date{
        year(*y), month(static_cast<unsigned>(*mon)), day(static_cast<unsigned>(*d))};
    if (!date.ok()) return std::nullopt;
    return sys_days(date) + hours(*h) + minutes(*min) + std::chrono::seconds(*s) +
           milliseconds(*ms);
}

std::string span_text(std::chrono::seconds span) {
    const auto count = span.count();
    if (count != 0 && count % 86'400 == 0) return fmt::format("{} d", count / 86'400);
    if (count != 0 && count % 3'600 == 0) return fmt::format("{} h", count / 3'600);
    if (count != 0 && count % 60 == 0) return fmt::format("{} min", count / 60);
    return fmt::format("{} s", count);
}

std::string short_hash(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    std::string hash;
    for (std::size_t i = 0; i < 8; ++i) hash += fmt::format("{:02x}", digest[i]);
    return hash;
}

std::string_view word_of(Cause cause) {
    switch (cause) {
        case Cause::below_min:
            return "below_min";
        case Cause::above_max:
            return "above_max";
        case Cause::no_data:
            return "no_data";
        case Cause::partial_data:
            return "partial_data";
        case Cause::stabilization:
            return "stabilization";
        case Cause::disabled:
            return "disabled";
        case Cause::errors_rising:
            return "errors_rising";
        case Cause::latency_rising:
            return "latency_rising";
        case Cause::unhealthy_rising:
            return "unhealthy_rising";
        case Cause::warming:
            return "warming";
        case Cause::cooldown:
            return "cooldown";
        case Cause::unavailable:
            return "unavailable";
        case Cause::budget:
            return "budget";
        case Cause::breaker:
            return "breaker";
        case Cause::paused:
            return "paused";
        case Cause::members_missing:
            return "members_missing";
        case Cause::ineffective:
            return "ineffective";
        case Cause::unproven:
            return "unproven";
        case Cause::failed_creates:
            return "failed_creates";
    }
    return no_word;
}

std::string_view word_of(Phase phase) {
    switch (phase) {
        case Phase::planned:
            return "planned";
        case Phase::creating:
            return "creating";
        case Phase::booting:
            return "booting";
        case Phase::warming:
            return "warming";
        case Phase::serving:
            return "serving";
        case Phase::draining:
            return "draining";
        case Phase::deleting:
            return "deleting";
        case Phase::gone:
            return "gone";
        case Phase::failed:
            return "failed";
    }
    return no_word;
}

std::string_view word_of(Quality quality) {
    switch (quality) {
        case Quality::value:
            return "value";
        case Quality::absent:
            return "absent";
        case Quality::bad:
            return "bad";
    }
    return no_word;
}

std::string_view word_of(Flaw flaw) {
    switch (flaw) {
        case Flaw::none:
            return "none";
        case Flaw::empty:
            return "empty";
        case Flaw::not_a_number:
            return "not_a_number";
        case Flaw::infinite:
            return "infinite";
        case Flaw::malformed:
            return "malformed";
        case Flaw::out_of_range:
            return "out_of_range";
        case Flaw::negative:
            return "negative";
        case Flaw::many_series:
            return "many_series";
        case Flaw::stale:
            return "stale";
        case Flaw::partial:
            return "partial";
        case Flaw::query_failed:
            return "query_failed";
        case Flaw::no_capacity:
            return "no_capacity";
        case Flaw::no_target:
            return "no_target";
        case Flaw::no_reply:
            return "no_reply";
        case Flaw::late:
            return "late";
        case Flaw::unauthorized:
            return "unauthorized";
        case Flaw::refused_query:
            return "refused_query";
        case Flaw::unavailable:
            return "unavailable";
        case Flaw::bad_status:
            return "bad_status";
        case Flaw::not_json:
            return "not_json";
        case Flaw::truncated:
            return "truncated";
        case Flaw::too_large:
            return "too_large";
        case Flaw::too_deep:
            return "too_deep";
        case Flaw::bad_text:
            return "bad_text";
        case Flaw::wrong_shape:
            return "wrong_shape";
        case Flaw::wrong_type:
            return "wrong_type";
        case Flaw::wrong_time:
            return "wrong_time";
        case Flaw::duplicate:
            return "duplicate";
        case Flaw::no_instance:
            return "no_instance";
        case Flaw::strangers:
            return "strangers";
        case Flaw::unknown_age:
            return "unknown_age";
        case Flaw::future:
            return "future";
    }
    return no_word;
}

std::string_view word_of(Trend trend) {
    switch (trend) {
        case Trend::not_watched:
            return "not_watched";
        case Trend::steady:
            return "steady";
        case Trend::rising:
            return "rising";
        case Trend::unknown:
            return "unknown";
    }
    return no_word;
}

std::string_view word_of(Pause pause) {
    switch (pause) {
        case Pause::none:
            return "none";
        case Pause::in:
            return "in";
        case Pause::out:
            return "out";
        case Pause::all:
            return "all";
    }
    return no_word;
}

}  // namespace muster::scaler
