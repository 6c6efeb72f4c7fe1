#pragma once

#include "common/base/clock.hpp"
#include "scaler/backoff.hpp"
#include "scaler/quantity.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// What is known when a decision is made. Values only.
namespace muster::scaler {

enum class Quality : std::uint8_t { value, absent, bad };

/// Why a sample is absent or bad; of a value: why it may raise the size and not lower it. What
/// people should do about each: docs/prometheus.md.
enum class Flaw : std::uint8_t {
    none,
    empty,  ///< no series. Never 0: reference/autoscaling.md, F4
    not_a_number,
    infinite,
    malformed,
    out_of_range,
    negative,
    many_series,  ///< without a reducer
    stale,
    partial,  ///< the server warned that data is missing
    query_failed,
    no_capacity,  ///< a reading's capacity isn't above 0
    no_target,    ///< the policy's target isn't
    no_reply,     ///< of no endpoint: no connection, or it was closed
    late,         ///< no reply in time
    unauthorized,
    refused_query,  ///< a fault of the query's, not of the server's: 400, 422
    unavailable,    ///< 5xx, 429: may pass
    bad_status,
    not_json,
    truncated,
    too_large,
    too_deep,
    bad_text,     ///< not UTF-8
    wrong_shape,  ///< JSON, and not the reply to a query
    wrong_type,   ///< a range, a text or a histogram where numbers are needed
    wrong_time,   ///< of another time than was asked for
    duplicate,    ///< the same series, or the same JSON field, twice
    no_instance,  ///< a series without the label that names the instance
    strangers,    ///< no series is of an instance of ours
    unknown_age,
    future,  ///< scraped after the time that was asked for
};

/// What one instance reports.
struct Reading {
    std::string instance;
    Micros value;
    Micros capacity = whole(1);  ///< of which utilization is a percentage
    bool operator==(const Reading&) const = default;
};

/// Of how many instances a fleet's value is made. Absent: it isn't a sum over our instances.
struct Coverage {
    int seen = 0;
    int expected = 0;
    bool operator==(const Coverage&) const = default;
};

struct Sample {
    Quality quality = Quality::absent;
    /// Of a value: none; or `partial`, the server left out some; or that of an instance that
    /// isn't in it and whose series are there.
    Flaw flaw = Flaw::empty;
    Micros value{};                   ///< of the fleet; or
    std::vector<Reading> readings{};  ///< of each instance
    std::chrono::seconds age{0};      ///< true age, not the evaluation's time (1c.2)
    std::optional<Coverage> coverage{};
    bool operator==(const Sample&) const = default;
};

[[nodiscard]] inline Sample sample_of(Micros value) {
    return {.quality = Quality::value, .flaw = Flaw::none, .value = value};
}
[[nodiscard]] inline Sample sample_of(std::vector<Reading> readings) {
    return {.quality = Quality::value, .flaw = Flaw::none, .readings = std::move(readings)};
}

/// Of errors, latency and the unhealthy share. Unknown of what is watched is no reason to lower.
enum class Trend : std::uint8_t { not_watched, steady, rising, unknown };

struct Trends {
    Trend errors = Trend::not_watched;
    Trend latency = Trend::not_watched;
    Trend unhealthy = Trend::not_watched;
    bool operator==(const Trends&) const = default;
};

/// A metric's past, for forecasts: values at equal steps, oldest first; gaps are absent.
struct Series {
    WallTime last{};  ///< of the last value
    std::chrono::seconds step{60};
    std::vector<std::optional<Micros>> values{};
    bool operator==(const Series&) const = default;
};

enum class Pause : std::uint8_t { none, in, out, all };

struct Observations {
    std::map<std::string, Sample> samples;  ///< by the metric's name; none: absent
    Trends trends{};                        ///< of what the policy doesn't watch
    Pause pause = Pause::none;
    Sample errors{};  ///< of the watched queries: one value
    Sample latency{};
    std::map<std::string, Series> series{};  ///< of forecasts, by the metric's name
    bool operator==(const Observations&) const = default;
};

/// DESIGN.md, 8.
enum class Phase : std::uint8_t {
    planned,
    creating,
    booting,
    warming,
    serving,
    draining,
    deleting,
    gone,
    failed,
};

struct Instance {
    std::string id;
    Phase phase = Phase::serving;
    WallTime since{};  ///< in this phase
    bool healthy = true;
    bool warmed = true;
    bool operator==(const Instance&) const = default;
};

struct Membership {
    int size = 0;  ///< what the fleet shall have now: the last decision that was carried out
    std::vector<Instance> instances;
    BackOff creates{};
    bool operator==(const Membership&) const = default;
};

}  // namespace muster::scaler
