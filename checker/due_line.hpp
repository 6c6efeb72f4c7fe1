#pragma once

#include "checker/check_id.hpp"
#include "common/base/clock.hpp"

#include <chrono>
#include <map>
#include <utility>
#include <vector>

namespace muster::checker {

/// Checks by when they are due; of those due at once, by their id. A wheel of two turns: what is
/// due in a later second is in the bucket of that second, and is dealt out to buckets of a
/// hundredth when its second comes; one of these is put in order when it is the first. A tree of
/// all of them would cost each probe a dozen cache misses and an allocation. Pure but for what it
/// remembers.
class DueLine {
 public:
    using Entry = std::pair<SteadyTime, CheckId>;

    void add(SteadyTime when, CheckId id);
    /// Of one that has been added.
    void remove(SteadyTime when, CheckId id);

    [[nodiscard]] bool empty() const { return near_.empty() && far_.empty(); }
    /// The first one of all; there must be one.
    [[nodiscard]] const Entry& front();

 private:
    using Buckets =
        std::map<SteadyTime, std::vector<Entry>>;  ///< by their beginning; none is empty

    static constexpr std::chrono::milliseconds near_width{10};
    static constexpr std::chrono::seconds far_width{1};

    Buckets near_;
    Buckets far_;
    SteadyTime horizon_ = SteadyTime::min();  ///< the end of what is near
    SteadyTime sorted_ = SteadyTime::min();   ///< the near bucket that is in order, last first
};

}  // namespace muster::checker
