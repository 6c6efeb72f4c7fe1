#pragma once

#include <map>
#include <string>
#include <vector>

namespace muster::config {

/// A program that a node has registered under a name, for checks to use by it.
struct Program {
    std::string program;                 ///< absolute path
    std::vector<std::string> arguments;  ///< {host}, {port} and {NAME} stand for what a check says
    std::string user;                    ///< to run as; empty = ours, and `nobody` when we are root
    int memory_mib = 2048;               ///< address space of one process; a thread takes up to 72
    int cpu_seconds = 10;  ///< processor time of one command; plug-ins have no such bound
    bool operator==(const Program&) const = default;
};
using Programs = std::map<std::string, Program>;

}  // namespace muster::config
