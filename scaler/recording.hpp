#pragma once

#include "scaler/decision.hpp"
#include "scaler/observations.hpp"
#include "scaler/policy.hpp"
#include "scaler/recording_series.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Ticks of a scaler, written down so that they can be decided again (docs/simulate.md). A file of
// lines, each a JSON object. The first, and each after a restart or a change of the policy, is a
// header; each other one is a tick: all that decide() was given, and what it answered. Each ends
// with a hash that covers the lines since its header, so a change of any byte is found. A line that
// a crash cut short is told, and no error. Pure.
namespace muster::scaler {

inline constexpr std::size_t longest_recorded_line = 8UZ << 20U;

struct RecordingHeader {
    std::string fleet;
    seconds period{15};
    std::string policy;      ///< the fleet's document, as text
    std::string node{};      ///< that decided; empty: not told
    std::int64_t epoch = 0;  ///< of its term of office; 0: not told
    bool operator==(const RecordingHeader&) const = default;
};

/// How a file that is written on to ends: with a whole line, or with one that a crash cut short.
enum class Tail : std::uint8_t { whole, torn };

/// Makes the lines; who writes them to a file does it in this order. After an error, a restart of
/// the writer or a change of the policy: a header again.
class RecordingWriter {
 public:
    [[nodiscard]] std::string header(const RecordingHeader& header, Tail before = Tail::whole);
    /// Nothing: the line would be longer than a line may be; then begin again with a header.
    [[nodiscard]] std::optional<std::string> tick(WallTime at,
                                                  const History& history,
                                                  const Observations& observed,
                                                  const Membership& membership,
                                                  const Decision& decision);

 private:
    std::string chain_;                 ///< the hash of the line before
    std::optional<Membership> before_;  ///< as the line before has it; written when it changes
    std::optional<History> expected_;   ///< what the last decision left; written when it differs
    std::map<std::string, Series> series_;  ///< as the line before has them
};

struct RecordedTick {
    int line = 0;
    WallTime at{};
    Observations observed;  ///< without series
    SeriesSteps series{};   ///< how those of the tick before became those of this one
    std::shared_ptr<const Membership> membership;
    History history;       ///< that decide() was given
    std::string decision;  ///< its bytes, as canonical() of them
    int size = 0;          ///< that was decided
};

/// A header and its ticks.
struct RecordedPart {
    int line = 0;
    RecordingHeader header;
    std::vector<RecordedTick> ticks;
};

struct Recording {
    std::vector<RecordedPart> parts;  ///< none: a crash cut its first line short
    std::vector<int> torn;            ///< lines that were cut short
};

/// Strict; the error is "name:line: what is wrong". At most 20,000,000 lines.
[[nodiscard]] tl::expected<Recording, std::string> read_recording(std::string_view text,
                                                                  const std::string& name);

struct Difference {
    int line = 0;
    WallTime at{};
    std::string where;  ///< "clamps[0].after"
    std::string recorded;
    std::string replayed;
    bool operator==(const Difference&) const = default;
};

struct Replay {
    std::size_t ticks = 0;
    std::size_t differences = 0;
    std::optional<Difference> first{};
};

/// Decides every tick of the part again.
[[nodiscard]] Replay replay(const RecordedPart& part, const Policy& policy);

/// A tick with all that decide() was given.
struct FoundTick {
    RecordingHeader header;
    RecordedTick tick;  ///< `observed` with its series
};

/// The last tick at or before `at`; what follows it isn't looked at. Nothing: there is none. The
/// error is as that of read_recording().
[[nodiscard]] tl::expected<std::optional<FoundTick>, std::string> find_tick(std::string_view text,
                                                                            const std::string& name,
                                                                            WallTime at);

}  // namespace muster::scaler
