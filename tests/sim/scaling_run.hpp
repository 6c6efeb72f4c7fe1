#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace muster::sim {

struct ScalingRun {
    std::size_t periods = 0;  ///< from the first tick to the last
    std::size_t ticks = 0;    ///< different ones that were recorded
    std::size_t records = 0;  ///< with those that two masters have
    std::size_t differences = 0;
    std::string first_difference;
    std::size_t terms = 0;
    std::size_t kills = 0;
    std::size_t changes = 0;  ///< of the size, as recorded
    int smallest = 0;
    int greatest = 0;
    std::size_t machines = 0;  ///< at the end
    std::size_t bytes = 0;
};

/// Three nodes with the real shells (Node, Election, Master, Worker, ScaleDuty, RecordingFiles) on
/// a virtual clock size a fleet every 15 s for so long. Its load is a daily curve with noise and
/// gaps, its provider is in memory, and the master is killed each `between_kills`. What they
/// recorded in `directory` is read and decided again. One seed, one history.
[[nodiscard]] ScalingRun run_scaling(std::chrono::seconds length,
                                     std::chrono::seconds between_kills,
                                     std::uint64_t seed,
                                     const std::filesystem::path& directory);

}  // namespace muster::sim
