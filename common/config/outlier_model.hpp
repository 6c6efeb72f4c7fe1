#pragma once

#include "common/config/probe_model.hpp"

#include <cstdint>
#include <optional>

namespace muster::config {

/// Takes note of backends whose share of good answers is below that of the others: below mean -
/// stdev_factor / 1000 x standard deviation, of those with enough requests.
struct SuccessRateOutlier {
    int minimum_hosts = 5;     ///< fewer with enough requests: nothing is compared
    int request_volume = 100;  ///< in an interval, of a backend that counts
    int stdev_factor = 1900;   ///< in thousandths
    bool operator==(const SuccessRateOutlier&) const = default;
};

/// Takes note of backends of whose answers this share failed.
struct FailurePercentageOutlier {
    int threshold = 85;
    int minimum_hosts = 5;
    int request_volume = 50;
    bool operator==(const FailurePercentageOutlier&) const = default;
};

enum class OutlierAction : std::uint8_t {
    probe,  ///< evidence makes the next probe come at once, no more
    eject,  ///< and backends that most LBs have it of get no traffic for a while
};

/// What the LBs' own counters say of a group's backends, and what is made of it. The names are
/// Envoy's.
struct OutlierSpec {
    OutlierAction action = OutlierAction::probe;
    int consecutive_5xx = 5;              ///< answers 5xx, or none; 0: not counted
    int consecutive_gateway_failure = 5;  ///< no connection, or no answer; 0: not counted
    Duration interval = 10s;              ///< over which shares are taken; and a held note fades
    std::optional<SuccessRateOutlier> success_rate;
    std::optional<FailurePercentageOutlier> failure_percentage;
    Duration base_ejection_time = 30s;  ///< times the number of ejections in a row
    Duration max_ejection_time = 5min;
    int max_ejection_percent = 10;  ///< of the enabled backends; at least one, never the last
    bool operator==(const OutlierSpec&) const = default;
};

}  // namespace muster::config
