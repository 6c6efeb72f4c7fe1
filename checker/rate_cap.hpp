#pragma once

#include "common/base/clock.hpp"

#include <algorithm>
#include <chrono>

namespace muster::checker {

/// At most so many a second, with a tenth of a second's worth at once: the generic cell rate
/// algorithm (ITU-T I.371, annex A.1, virtual scheduling). Pure but for what it remembers.
class RateCap {
 public:
    /// 0: no limit.
    explicit RateCap(int per_second) {
        if (per_second > 0)
            spacing_ = std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second;
    }

    [[nodiscard]] bool allows(SteadyTime now) const {
        return spacing_.count() == 0 || next_ <= now + burst;
    }
    void take(SteadyTime now) {
        if (spacing_.count() > 0) next_ = std::max(next_, now) + spacing_;
    }

 private:
    static constexpr std::chrono::milliseconds burst{100};

    std::chrono::nanoseconds spacing_{0};
    SteadyTime next_ = SteadyTime::min();
};

}  // namespace muster::checker
