#pragma once

#include "ctl/commands.hpp"

#include <iosfwd>
#include <string>
#include <vector>

namespace muster::ctl {

/// What the arguments ask for: a command and what it runs with, or only a text (help, a completion
/// script, what is wrong with the arguments).
struct Invocation {
    ApiSettings api;
    Format format = Format::table;
    Command command;  ///< empty: print `text` and end with `exit`
    std::string text;
    Exit exit = Exit::ok;
};

/// Arguments without the program's name, and the environment (MUSTER_URL, MUSTER_TOKEN_FILE,
/// MUSTER_OUTPUT, MUSTER_AUTHOR). Reads the files that they name, and `in` for "-".
[[nodiscard]] Invocation parse_command_line(std::vector<std::string> arguments, std::istream& in);

}  // namespace muster::ctl
