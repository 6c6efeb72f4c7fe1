#pragma once

#include "common/observe/metrics.hpp"
#include "orchestrator/recording_files.hpp"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace muster::orchestrator {

/// Takes what was decided at a tick. Returns at once, whatever the disk does.
using RecordTick = std::function<void(TickRecord)>;

/// Writes the ticks of fleets on a thread of its own. A disk that is full, read-only or stuck
/// costs records and nothing else; that it does is logged once, and counted. Thread: any.
class TickRecorder {
 public:
    TickRecorder(std::filesystem::path directory,
                 NodeId node,
                 RecordingLimits limits,
                 metrics::Registry& registry);
    /// Writes what is queued.
    ~TickRecorder();
    TickRecorder(const TickRecorder&) = delete;
    TickRecorder& operator=(const TickRecorder&) = delete;

    void record(TickRecord tick);

    /// What queued ticks may take of memory, roughly.
    static constexpr std::size_t most_queued_bytes = 64UZ << 20U;

 private:
    void run();
    [[nodiscard]] std::optional<TickRecord> next();
    void count(bool written);

    metrics::Counter& written_;
    metrics::Counter& lost_;
    metrics::Gauge& failing_;
    metrics::Gauge& bytes_;
    RecordingFiles files_;  ///< the thread's
    std::mutex mutex_;      ///< of what follows
    std::condition_variable changed_;
    std::deque<TickRecord> ticks_;
    std::size_t queued_bytes_ = 0;
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace muster::orchestrator
