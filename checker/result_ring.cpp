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

}  // namespace

// Below 8 the byte is the number; from there on the leading bit's place counts in eights.
std::uint8_t to_byte(std::chrono::microseconds time) {
    const auto count = static_cast<std::uint32_t>(std::clamp<std::int64_t>(time.count(), 0, most));
    if (count < 8) return static_cast<std::uint8_t>(count);
    const int place = std::bit_width(count) - 4;  // of the last of the four bits that are kept
    // Rounded, which may carry into the next place: that is the next byte, too.
    const std::uint32_t half = place > 0 ? (count >> (place - 1)) & 1U : 0U;
    return static_cast<std::uint8_t>(static_cast<std::uint32_t>(place) * 8 + (count >> place) +
                                     half);
}

std::chrono::microseconds from_byte(std::uint8_t byte) {
    if (byte < 16) return microseconds(byte);
    const int place = byte / 8 - 1;
    return microseconds((std::int64_t{byte % 8} + 8) << place);
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
        .total_us = clamp_to_32_bits(outcome.total.count()),
        .code = outcome.code,
        .result = outcome.result,
        .verdict = after.verdict,
        .pending = static_cast<std::uint8_t>(
            std::clamp(std::max(after.successes, after.failures), 0, most_pending)),
        .reason = outcome.reason,
        .resolve = to_byte(outcome.resolve),
        .connect = to_byte(outcome.connect),
        .tls = to_byte(outcome.tls),
        .first_byte = to_byte(outcome.first_byte),
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
                                       .first_byte = from_byte(entry.first_byte),
                                       .total = microseconds(entry.total_us)},
                           .verdict = entry.verdict,
                           .pending = entry.pending});
    }
    return results;
}

}  // namespace muster::checker
