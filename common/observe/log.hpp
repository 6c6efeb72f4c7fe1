#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

// Logging: one line a transition or decision, never a poll. `event` is a stable name
// (docs/operations.md lists them), fields are key and value; both formats escape whatever comes in.
// Backed by spdlog; any thread.
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

/// Call once, before threads; returns an error text when the file can't be opened.
[[nodiscard]] std::string start(const Settings& settings);
/// SIGHUP: close and open the file again (log rotation).
void reopen();
void set_level(Level level);
[[nodiscard]] bool enabled(Level level);

void write(Level level, std::string_view event, std::initializer_list<Field> fields);
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
