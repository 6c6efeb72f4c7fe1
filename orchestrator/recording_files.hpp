#pragma once

#include "common/base/clock.hpp"
#include "common/base/file_descriptor.hpp"
#include "common/base/id.hpp"
#include "common/base/result.hpp"
#include "common/config/fleet_model.hpp"
#include "scaler/recording.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What this node has decided, in files that `musterctl scale replay` decides again
// (docs/simulate.md): <directory>/<fleet>/20260301T120000Z-17.rec, by the time of the first tick
// and the epoch. Blocking; whatever else lies there is left alone.
namespace muster::orchestrator {

/// All that decide() was given at a tick, and what it answered.
struct TickRecord {
    FleetName fleet;
    std::shared_ptr<const config::FleetSpec> spec;
    std::int64_t epoch = 0;
    WallTime at{};
    scaler::History history;
    scaler::Observations observed;
    scaler::Membership membership;
    scaler::Decision decision;
};

struct RecordingLimits {
    std::chrono::nanoseconds keep = std::chrono::hours(192);
    std::uint64_t bytes = 512ULL << 20U;           ///< of all files together
    std::uint64_t bytes_left_free = 64ULL << 20U;  ///< of the file system, for all else
};

/// A file by its name.
struct RecordingFile {
    WallTime begin{};  ///< its first tick
    std::int64_t epoch = 0;
    int number = 1;  ///< of those with the same begin and epoch
    auto operator<=>(const RecordingFile&) const = default;
};
[[nodiscard]] std::string to_string(const RecordingFile& file);
/// Nothing: it isn't the name of one.
[[nodiscard]] std::optional<RecordingFile> recording_file(std::string_view name);

/// Of a fleet, oldest first; at most 10,000. None where the directory can't be read.
[[nodiscard]] std::vector<RecordingFile> recording_files(const std::filesystem::path& directory,
                                                         const FleetName& fleet);

/// Writes them: a file a day at most, of a sixteenth of `limits.bytes` at most (8 MiB if that is
/// less), and removes the oldest. A file is never written to again after a restart or an error, and
/// so only its last line may be cut short. Owner: one thread.
class RecordingFiles {
 public:
    RecordingFiles(std::filesystem::path directory, NodeId node, RecordingLimits limits);

    /// After an error nothing of this tick will be read; the next one may be written.
    [[nodiscard]] Result<void> write(const TickRecord& tick);
    /// As it was found, and what was written since.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
    /// The file that a fleet's ticks go to.
    struct Open {
        FileDescriptor descriptor;
        std::filesystem::path path;
        RecordingFile file;
        std::uint64_t bytes = 0;
        scaler::RecordingWriter writer;
        std::shared_ptr<const config::FleetSpec> spec;  ///< of the last header
        std::int64_t epoch = 0;                         ///< the same
        bool headed = false;                            ///< there is one
    };

    [[nodiscard]] Result<Open*> open_for(const TickRecord& tick);
    [[nodiscard]] Result<std::string> lines_of(Open& open, const TickRecord& tick) const;
    /// Counts all files, and removes the old ones and as many as make room for so many bytes.
    void make_room(WallTime now, std::uint64_t bytes);
    void remove(const std::filesystem::path& path);

    std::filesystem::path directory_;
    NodeId node_;
    RecordingLimits limits_;
    std::uint64_t file_bytes_;
    std::map<FleetName, Open> open_;
    std::uint64_t bytes_ = 0;
    std::optional<WallTime> swept_;
};

}  // namespace muster::orchestrator
