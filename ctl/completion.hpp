#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace muster::ctl {

enum class Shell : std::uint8_t { bash, zsh, fish };

/// One command as completion sees it. Taken from the parser, so that the two can't differ.
struct CommandShape {
    std::string name;
    std::string description;
    std::vector<std::string> options;  ///< "--file"
    std::vector<std::string> words;    ///< what its first argument may be
};

/// A script for the shell to source. Names of groups and backends are asked for with
/// `musterctl get ... -o name` while completing.
[[nodiscard]] std::string completion_script(Shell shell,
                                            const std::vector<CommandShape>& commands,
                                            const std::vector<std::string>& global_options);

}  // namespace muster::ctl
