#pragma once

#include "common/base/clock.hpp"
#include "common/base/shared_value.hpp"
#include "common/config/outlier_model.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace muster::znodes {

/// By what a backend is an outlier in the eyes of an LB.
enum class OutlierSign : std::uint8_t {
    consecutive_5xx,
    consecutive_gateway_failure,
    success_rate,
    failure_percentage,
};
[[nodiscard]] std::string_view to_string(OutlierSign sign);
[[nodiscard]] std::optional<OutlierSign> outlier_sign(std::string_view word);

/// That a backend gets no traffic for what most LBs saw of it, as the owner of its shard decided.
/// Stays after its end, as the memory of how many there were in a row, until that has faded.
struct Ejection {
    WallTime since{};
    WallTime until{};
    int times = 1;  ///< in a row
    OutlierSign sign = OutlierSign::consecutive_5xx;
    int lbs = 0;  ///< so many that saw it
    int of = 0;   ///< of so many that are registered
    bool operator==(const Ejection&) const = default;
};

/// It holds at `now`. One that ends later than any could says that a clock is wrong: it does not.
[[nodiscard]] bool holds(const SharedValue<Ejection>& ejection,
                         config::Duration longest,
                         WallTime now);

/// What is left of `times` at `now`: one less for each whole `interval` since its end.
[[nodiscard]] int times_left(const Ejection& ejection, config::Duration interval, WallTime now);

/// The next one of a backend that was ejected as in `before` (nothing: never, or it has faded).
/// base 30 s, most 5 min: 30 s, 60 s, 90 s ... 300 s, 300 s.
[[nodiscard]] Ejection next_ejection(const SharedValue<Ejection>& before,
                                     const config::OutlierSpec& outlier,
                                     WallTime now);

}  // namespace muster::znodes
