#include "agent/outlier_detector.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace muster::agent {
namespace {

using znodes::OutlierSign;

constexpr std::int64_t most = 1'000'000'000;

/// What came between two looks; nothing when the counters ran backwards.
struct Window {
    std::int64_t answers = 0;
    std::int64_t failed = 0;    ///< 5xx, or none
    std::int64_t failures = 0;  ///< none
};

std::optional<Window> between(const ServerCounters& before, const ServerCounters& after) {
    if (after.answers < before.answers || after.errors < before.errors ||
        after.failures < before.failures)
        return std::nullopt;
    const auto difference = [](std::uint64_t from, std::uint64_t to) {
        return static_cast<std::int64_t>(std::min<std::uint64_t>(to - from, most));
    };
    Window window{.answers = difference(before.answers, after.answers),
                  .failures = difference(before.failures, after.failures)};
    window.failed =
        std::min(window.answers, window.failures + difference(before.errors, after.errors));
    return window;
}

bool is_row(OutlierSign sign) {
    return sign == OutlierSign::consecutive_5xx || sign == OutlierSign::consecutive_gateway_failure;
}

void find(OutlierTrack& track, OutlierTrack::Standing standing, std::int64_t& findings) {
    track.finding = ++findings;
    track.standing = standing;
}

/// Answers in a row that failed. Nothing came: nothing is said of them.
void count_row(OutlierTrack& track,
               const config::OutlierSpec& outlier,
               const Window& window,
               SteadyTime now,
               std::int64_t& findings) {
    if (window.answers == 0) return;
    track.failed =
        window.failed == window.answers ? std::min(most, track.failed + window.failed) : 0;
    track.failures =
        window.failures == window.answers ? std::min(most, track.failures + window.failures) : 0;
    if (track.standing && is_row(track.standing->sign)) {
        const bool goes_on = track.standing->sign == OutlierSign::consecutive_5xx
                                 ? track.failed > 0
                                 : track.failures > 0;
        if (goes_on) {
            track.standing->confirmed = now;
        } else {
            track.standing.reset();
        }
    }
    const auto reaches = [](std::int64_t count, int length) {
        return length > 0 && count >= length;
    };
    const bool no_answers = reaches(track.failures, outlier.consecutive_gateway_failure);
    if (!no_answers && !reaches(track.failed, outlier.consecutive_5xx)) return;
    const std::int64_t length = no_answers ? track.failures : track.failed;
    find(track,
         {.sign =
              no_answers ? OutlierSign::consecutive_gateway_failure : OutlierSign::consecutive_5xx,
          .failed = length,
          .answers = length,
          .confirmed = now},
         findings);
    track.failed = 0;
    track.failures = 0;
}

struct Share {
    OutlierTrack* track;
    Window window;
    [[nodiscard]] double good() const {
        return 100.0 * static_cast<double>(window.answers - window.failed) /
               static_cast<double>(window.answers);
    }
};

/// The backends with enough answers to be compared; none when they are too few.
std::vector<Share> comparable(const std::vector<Share>& all, int request_volume, int hosts) {
    std::vector<Share> enough;
    for (const Share& share : all) {
        if (share.window.answers >= request_volume) enough.push_back(share);
    }
    if (std::cmp_less(enough.size(), hosts)) enough.clear();
    return enough;
}

void find(const Share& share, OutlierSign sign, SteadyTime now, std::int64_t& findings) {
    if (share.track->standing) return;  // a row says more
    find(*share.track,
         {.sign = sign,
          .failed = share.window.failed,
          .answers = share.window.answers,
          .confirmed = now},
         findings);
}

void compare(const std::vector<Share>& all,
             const config::SuccessRateOutlier& rate,
             SteadyTime now,
             std::int64_t& findings) {
    const std::vector<Share> hosts = comparable(all, rate.request_volume, rate.minimum_hosts);
    if (hosts.empty()) return;
    const auto count = static_cast<double>(hosts.size());
    double mean = 0;
    for (const Share& host : hosts) mean += host.good() / count;
    double variance = 0;
    for (const Share& host : hosts) variance += std::pow(host.good() - mean, 2) / count;
    const double least = mean - rate.stdev_factor / 1000.0 * std::sqrt(variance);
    for (const Share& host : hosts) {
        if (host.good() < least) find(host, OutlierSign::success_rate, now, findings);
    }
}

void compare(const std::vector<Share>& all,
             const config::FailurePercentageOutlier& share,
             SteadyTime now,
             std::int64_t& findings) {
    for (const Share& host : comparable(all, share.request_volume, share.minimum_hosts)) {
        if (100 * host.window.failed >= share.threshold * host.window.answers)
            find(host, OutlierSign::failure_percentage, now, findings);
    }
}

/// The end of an interval, and the beginning of the next.
void sweep(OutlierState& state, const config::OutlierSpec& outlier, SteadyTime now) {
    state.interval_began = now;
    std::vector<Share> all;
    for (auto& [id, track] : state.tracks) {
        if (track.standing && !is_row(track.standing->sign)) track.standing.reset();
        const auto window = between(track.begin, track.last);
        track.begin = track.last;
        if (window && window->answers > 0) all.push_back({.track = &track, .window = *window});
    }
    if (outlier.failure_percentage) compare(all, *outlier.failure_percentage, now, state.findings);
    if (outlier.success_rate) compare(all, *outlier.success_rate, now, state.findings);
}

}  // namespace

OutlierState observe(OutlierState state,
                     const config::OutlierSpec& outlier,
                     const std::string& epoch,
                     const GroupCounters& counters,
                     SteadyTime now) {
    const bool anew = std::exchange(state.epoch, epoch) != epoch;
    if (state.interval_began == SteadyTime{}) state.interval_began = now;
    std::erase_if(state.tracks, [&](const auto& track) { return !counters.contains(track.first); });
    for (const auto& [id, now_counted] : counters) {
        const auto [at, is_new] = state.tracks.try_emplace(id);
        OutlierTrack& track = at->second;
        const auto window = between(track.last, now_counted);
        if (is_new || anew || !window) {
            track.begin = now_counted;
        } else {
            if (window->answers > 0) track.seen = now;
            count_row(track, outlier, *window, now, state.findings);
        }
        track.last = now_counted;
        if (track.standing && now - track.standing->confirmed > outlier.interval &&
            is_row(track.standing->sign))
            track.standing.reset();
    }
    if (now - state.interval_began >= outlier.interval) sweep(state, outlier, now);
    return state;
}

std::optional<znodes::LbEvidence> evidence_of(const OutlierState& state,
                                              const config::OutlierSpec& outlier,
                                              znodes::LbEvidence from,
                                              SteadyTime now) {
    from.seen = 0;
    from.outliers.clear();
    for (const auto& [id, track] : state.tracks) {
        if (track.seen != SteadyTime::min() && now - track.seen <= outlier.interval) ++from.seen;
        if (!track.standing) continue;
        from.outliers.push_back(
            {.backend = id,
             .sign = track.standing->sign,
             .failed = static_cast<int>(std::min(most, track.standing->failed)),
             .answers = static_cast<int>(std::min(most, track.standing->answers)),
             .finding = track.finding});
    }
    if (from.outliers.empty()) return std::nullopt;
    from.found = static_cast<int>(from.outliers.size());
    const auto better = [](const znodes::Outlier& one, const znodes::Outlier& other) {
        // failed / answers, without a division.
        const std::int64_t left = std::int64_t{one.failed} * other.answers;
        const std::int64_t right = std::int64_t{other.failed} * one.answers;
        return std::tuple(right, other.failed, one.backend) <
               std::tuple(left, one.failed, other.backend);
    };
    if (from.outliers.size() > znodes::max_outliers) {
        std::ranges::sort(from.outliers, better);
        from.outliers.resize(znodes::max_outliers);
        std::ranges::sort(from.outliers, {}, &znodes::Outlier::backend);
    }
    // Names may be long.
    while (encode(from).size() > znodes::max_evidence_bytes) from.outliers.pop_back();
    return from;
}

}  // namespace muster::agent
