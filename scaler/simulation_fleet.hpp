#pragma once

#include "scaler/observations.hpp"

// A fleet whose instances do what they shall after fixed times. Pure.
namespace muster::scaler {

struct FleetModel {
    std::chrono::seconds boot{30};      ///< from the decision until it is healthy
    std::chrono::seconds warm_up{120};  ///< from there until it serves
    std::chrono::seconds drain{60};     ///< from the decision until it is gone
    /// Shrinking waits until the change before is done; growing extends it, or takes it back.
    bool one_at_a_time = true;
    bool operator==(const FleetModel&) const = default;
};

/// Example: 2 instances at 0 s, carry_out(3) there, boot 30 s, warm_up 120 s: 3 machines from 0 s
/// on, 3 serve from 150 s on.
class SimulatedFleet {
 public:
    /// All serve, for long.
    SimulatedFleet(const FleetModel& model, int size, WallTime now);

    /// Moves every instance to the phase that it has at `now`.
    void advance(WallTime now);

    /// Whether a change to `size` may begin.
    [[nodiscard]] bool takes(int size) const;
    /// Out: drains are undone first, the youngest first. In: what doesn't serve yet goes at once,
    /// the youngest first; then the oldest are drained.
    void carry_out(int size, WallTime now);

    [[nodiscard]] const Membership& membership() const { return membership_; }
    [[nodiscard]] int serving() const { return serving_; }
    [[nodiscard]] int machines() const { return static_cast<int>(membership_.instances.size()); }
    /// Changes when instances come, go or change their phase.
    [[nodiscard]] int version() const { return version_; }

 private:
    void grow(int by, WallTime now);
    void shrink(int by, WallTime now);
    void move_on(WallTime now);

    FleetModel model_;
    Membership membership_;
    int serving_ = 0;
    int starting_ = 0;
    int draining_ = 0;
    int version_ = 0;
    int named_ = 0;
};

}  // namespace muster::scaler
