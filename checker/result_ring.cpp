#include "checker/result_ring.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace muster::checker {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int most_pending = 15;
constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();

std::uint32_t clamp_to_32_bits(std::int64_t value) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, most));
}

/// The leading bits of a time, so many of them, and their place. What has no more is the number
/// itself.
template <int bits>
std::uint32_t pack(microseconds time) {
    const std::uint32_t count = clamp_to_32_bits(time.count());
    const int place = std::max(0, static_cast<int>(std::bit_width(count)) - bits);
    // Rounded, which may carry into the next place: that is the next number, too.
    const std::uint32_t half = place > 0 ? (count >> (place - 1)) & 1U : 0U;
    return (static_cast<std::uint32_t>(place) << (bits - 1)) + (count >> place) + half;
}

template <int bits>
microseconds unpack(std::uint32_t packed) {
    constexpr std::uint32_t step = 1U << (bits - 1);
    if (packed < 2 * step) return microseconds(packed);
    return microseconds((std::int64_t{packed % step} + step) << (packed / step - 1));
}

constexpr int bits_in_byte = 4;
constexpr int bits_in_total = 21;

}  // namespace

std::uint8_t to_byte(std::chrono::microseconds time) {
    return static_cast<std::uint8_t>(pack<bits_in_byte>(time));
}

std::chrono::microseconds from_byte(std::uint8_t byte) {
    return unpack<bits_in_byte>(byte);
}

/// Milliseconds since the base overflow after 49 days: then all entries are moved to a younger one.
void ResultRing::rebase(SteadyTime start) {
    if (entries_.empty()) {
        base_ = start;
        return;
    }
    if (start - base_ < milliseconds(most)) return;
    const std::uint32_t shift = entries_[oldest_].age_base_ms;
    for (RingEntry& entry : entries_) entry.age_base_ms -= std::min(shift, entry.age_base_ms);
    base_ += milliseconds(shift);
}

void ResultRing::add(SteadyTime start, const ProbeOutcome& outcome, const HealthState& after) {
    if (capacity_ == 0) return;
    rebase(start);
    const RingEntry entry{
        .age_base_ms = clamp_to_32_bits(std::chrono::floor<milliseconds>(start - base_).count()),
        .code = outcome.code,
        .result = outcome.result,
        .verdict = after.verdict,
        .pending = static_cast<std::uint8_t>(
            std::clamp(std::max(after.successes, after.failures), 0, most_pending)),
        .reason = outcome.reason,
        .resolve = to_byte(outcome.resolve),
        .connect = to_byte(outcome.connect),
        .tls = to_byte(outcome.tls),
        .sent = to_byte(outcome.sent),
        .first_byte = to_byte(outcome.first_byte),
        .total = pack<bits_in_total>(outcome.total),
    };
    if (entries_.size() < capacity_) {
        entries_.push_back(entry);
    } else {
        entries_[oldest_] = entry;
        oldest_ = static_cast<std::uint16_t>((oldest_ + 1) % capacity_);
    }
}

std::vector<PastResult> ResultRing::read(SteadyTime now, WallTime wall) const {
    std::vector<PastResult> results;
    results.reserve(entries_.size());
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const RingEntry& entry = entries_[(oldest_ + i) % entries_.size()];
        const auto age =
            std::chrono::floor<milliseconds>(now - (base_ + milliseconds(entry.age_base_ms)));
        results.push_back({.time = wall - age,
                           .outcome = {.result = entry.result,
                                       .reason = entry.reason,
                                       .code = entry.code,
                                       .resolve = from_byte(entry.resolve),
                                       .connect = from_byte(entry.connect),
                                       .tls = from_byte(entry.tls),
                                       .sent = from_byte(entry.sent),
                                       .first_byte = from_byte(entry.first_byte),
                                       .total = unpack<bits_in_total>(entry.total)},
                           .verdict = entry.verdict,
                           .pending = entry.pending});
    }
    return results;
}

}  // namespace muster::checker
