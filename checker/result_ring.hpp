#pragma once

#include "checker/health_state.hpp"
#include "checker/outcome.hpp"
#include "common/base/clock.hpp"

#include <cstdint>
#include <vector>

namespace muster::checker {

/// A time in one byte, to 6 %: three bits behind the leading one, and its place. Up to the 71
/// minutes of a 32-bit counter; 0 is 0.
[[nodiscard]] std::uint8_t to_byte(std::chrono::microseconds time);
[[nodiscard]] std::chrono::microseconds from_byte(std::uint8_t byte);

/// One past result, 16 bytes.
struct RingEntry {
    std::uint32_t age_base_ms = 0;  ///< start of the probe: milliseconds since the ring's base time
    std::uint16_t code = 0;
    Result result : 2 = Result::inconclusive;
    Verdict verdict : 2 = Verdict::unknown;  ///< this and the next one after the result
    std::uint8_t pending : 4 = 0;
    Reason reason = Reason::unknown;
    std::uint8_t resolve = 0;  ///< this and the next four by to_byte()
    std::uint8_t connect = 0;
    std::uint8_t tls = 0;
    std::uint8_t sent = 0;
    std::uint8_t first_byte : 8 = 0;
    std::uint32_t total : 24 =
        0;  ///< microseconds: up to two seconds as it is, then its leading 21 bits
};
static_assert(sizeof(RingEntry) == 16);

/// One past result as it is shown.
struct PastResult {
    WallTime time{};
    ProbeOutcome outcome;
    Verdict verdict = Verdict::unknown;  ///< what it made of the backend
    int pending = 0;  ///< and how many results in a row were against that then; 15 = or more
    bool operator==(const PastResult&) const = default;
};

/// The last N results of one check. Takes no memory before the first, and 16 bytes for each. Times
/// are kept on the steady clock, so that a step of the wall clock doesn't tear the past apart.
class ResultRing {
 public:
    explicit ResultRing(std::uint16_t capacity) : capacity_(capacity) {}

    /// `after`: what the result made of the backend.
    void add(SteadyTime start, const ProbeOutcome& outcome, const HealthState& after);

    /// Oldest first. The time in milliseconds, phases to 6 %, the total to a millionth.
    [[nodiscard]] std::vector<PastResult> read(SteadyTime now, WallTime wall) const;

    [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
    void rebase(SteadyTime start);

    SteadyTime base_{};
    std::vector<RingEntry> entries_;
    std::uint16_t capacity_;
    std::uint16_t oldest_ = 0;  ///< only > 0 once full
};

}  // namespace muster::checker
