#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

// Logging: one line a transition or decision, never a poll. `event` is a stable name
// (docs/operations.md lists them), fields are key and value; both formats escape whatever comes in.
// Backed by spdlog; any thread. Lines go through a queue of 8,192 to a thread of their own, so that
// a full pipe never holds up an executor; what does not fit is dropped, oldest first, and counted.
// Before start() and after stop(), lines are written at once, to stderr.
namespace muster::log {

enum class Level { debug, info, warn, error };
enum class Format { human, json };

struct Settings {
    Level level = Level::info;
    Format format = Format::human;
    std::string file;  ///< empty = stderr
};

/// A key and its value as text.
struct Field {
    std::string_view key;
    std::string value;
};

/// What a field keeps of a longer value.
inline constexpr std::size_t max_field_bytes = 4UZ << 10U;

/// Call before other threads and after any fork (it starts a thread); returns an error text when
/// the file can't be opened.
[[nodiscard]] std::string start(const Settings& settings);
/// Writes what is queued (as far as its reader takes it) and ends the thread. At the end of main.
void stop();
/// Lines lost since the start: overrun in the queue, or refused by the file or pipe.
[[nodiscard]] std::uint64_t dropped();
/// SIGHUP: close and open the file again (log rotation).
void reopen();
void set_level(Level level);
[[nodiscard]] bool enabled(Level level);

/// Never throws.
void write(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept;
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::error, event, fields);
}
inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    if (enabled(Level::debug)) write(Level::debug, event, fields);
}

/// One line without its time, as written: exposed for tests.
[[nodiscard]] std::string render(Format format,
                                 Level level,
                                 std::string_view event,
                                 std::initializer_list<Field> fields);

}  // namespace muster::log
