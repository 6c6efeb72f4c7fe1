#include "checker/result_ring.hpp"

#include <algorithm>
#include <limits>

namespace muster::checker {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();

std::uint32_t clamp_to_32_bits(std::int64_t value) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, most));
}

}  // namespace

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

void ResultRing::add(SteadyTime start, const ProbeOutcome& outcome) {
    if (capacity_ == 0) return;
    rebase(start);
    const RingEntry entry{
        .age_base_ms = clamp_to_32_bits(std::chrono::floor<milliseconds>(start - base_).count()),
        .total_us = clamp_to_32_bits(outcome.total.count()),
        .connect_us = clamp_to_32_bits(outcome.connect.count()),
        .code = outcome.code,
        .result = outcome.result,
        .reason = outcome.reason,
    };
    if (entries_.size() < capacity_) {
        entries_.push_back(entry);
    } else {
        entries_[oldest_] = entry;
        oldest_ = (oldest_ + 1) % capacity_;
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
                                       .connect = microseconds(entry.connect_us),
                                       .total = microseconds(entry.total_us)}});
    }
    return results;
}

}  // namespace muster::checker
