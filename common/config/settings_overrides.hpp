#pragma once

#include "common/config/decode.hpp"
#include "common/config/document.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Settings of a process from its environment, which wins over its file.
namespace muster::config {

/// A field that comes from elsewhere than the file and wins over it.
struct Override {
    std::string field;   ///< "listen", "log.level"
    std::string value;   ///< of a list: separated by commas
    std::string source;  ///< "MUSTER_LISTEN", for messages
};

/// How a field is written: numbers and booleans are plain.
enum class SettingForm : std::uint8_t { text, plain, list };

/// A field that the environment can set; those of a map within the settings have a dot.
struct SettingName {
    std::string_view field;
    SettingForm form = SettingForm::text;
};

/// The value of a variable, if it is set (main.cpp passes std::getenv).
using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// With the prefix MUSTER_ field log.level is MUSTER_LOG_LEVEL. An empty variable is not set.
[[nodiscard]] std::vector<Override> overrides_from(const Environment& environment,
                                                   std::string_view prefix,
                                                   std::span<const SettingName> names);

/// Puts each override in the place of what the file says. Where the file has no map, the decoder
/// has something to refuse.
void apply(const std::vector<Override>& overrides, std::span<const SettingName> names, Node& file);

/// Says of each problem that the file can't have where it comes from.
void name_sources(const std::vector<Override>& overrides, std::vector<Problem>& problems);

}  // namespace muster::config
