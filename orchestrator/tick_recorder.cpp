#include "orchestrator/tick_recorder.hpp"

#include "common/observe/log.hpp"

#include <utility>

namespace muster::orchestrator {

namespace {

/// Roughly, of what grows.
std::size_t size_of(const TickRecord& tick) {
    constexpr std::size_t of_all = 4096;
    constexpr std::size_t of_one = 96;
    std::size_t parts = tick.membership.instances.size();
    for (const auto& [name, sample] : tick.observed.samples) parts += 1 + sample.readings.size();
    std::size_t bytes = of_all + parts * of_one;
    for (const auto& [name, series] : tick.observed.series)
        bytes += series.values.size() * sizeof(series.values[0]);
    for (const scaler::History* const history : {&tick.history, &tick.decision.next})
        bytes += (history->peaks.size() + history->troughs.size() + history->events.size()) *
                 sizeof(scaler::ScaleEvent);
    return bytes;
}

}  // namespace

TickRecorder::TickRecorder(std::filesystem::path directory,
                           NodeId node,
                           RecordingLimits limits,
                           metrics::Registry& registry)
    : written_(registry.counter("muster_scaling_ticks_recorded_total",
                                "Decisions on sizes that were recorded")),
      lost_(registry.counter("muster_scaling_ticks_unrecorded_total",
                             "Decisions on sizes that could not be recorded")),
      failing_(registry.gauge("muster_scaling_recording_failing",
                              "1: the last decision on a size could not be recorded")),
      bytes_(registry.gauge("muster_scaling_recordings_bytes",
                            "Size of all recordings that this node keeps")),
      files_(std::move(directory), std::move(node), limits),
      thread_([this] { run(); }) {}

TickRecorder::~TickRecorder() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void TickRecorder::record(TickRecord tick) {
    const std::size_t bytes = size_of(tick);
    {
        const std::lock_guard lock(mutex_);
        if (queued_bytes_ + bytes <= most_queued_bytes) {
            queued_bytes_ += bytes;
            ticks_.push_back(std::move(tick));
            changed_.notify_all();
            return;
        }
    }
    count(false);
}

std::optional<TickRecord> TickRecorder::next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ends_ || !ticks_.empty(); });
    if (ticks_.empty()) return std::nullopt;
    TickRecord tick = std::move(ticks_.front());
    ticks_.pop_front();
    queued_bytes_ -= size_of(tick);
    return tick;
}

void TickRecorder::count(bool written) {
    (written ? written_ : lost_).Increment();
    failing_.Set(written ? 0 : 1);
}

void TickRecorder::run() {
    bool failing = false;
    while (const auto tick = next()) {
        const Result<void> written = files_.write(*tick);
        count(written.has_value());
        bytes_.Set(static_cast<double>(files_.bytes()));
        if (!written && !std::exchange(failing, true))
            log::warn("recording_failed",
                      {{"fleet", tick->fleet.str()}, {"why", written.error().message()}});
        if (written && std::exchange(failing, false))
            log::info("recording_goes_on", {{"fleet", tick->fleet.str()}});
    }
}

}  // namespace muster::orchestrator
