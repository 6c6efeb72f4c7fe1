#pragma once

#include "common/base/id.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace muster::test {

/// HAProxies with their agents, which nodes make as machines of the provider "local". They outlive
/// who made them, but not this. Blocking.
class Machines {
 public:
    Machines();
    ~Machines();
    Machines(const Machines&) = delete;
    Machines& operator=(const Machines&) = delete;

    /// Of a node; "NODE" in it is its name. The LBs are at `port` of these addresses.
    [[nodiscard]] std::string settings(const std::vector<std::string>& addresses,
                                       std::uint16_t port) const;
    /// Ids, sorted.
    [[nodiscard]] std::vector<std::string> of(const std::string& node) const;
    /// Of all nodes.
    [[nodiscard]] std::size_t count() const;
    /// kill -9 of all its processes, and of who looks after them. False: there is no such.
    [[nodiscard]] bool kill(const std::string& node, const std::string& id) const;
    /// What a removal does at first: the machine's LB is ended softly. False: there is no such.
    [[nodiscard]] bool end_softly(const std::string& node, const std::string& id) const;
    /// Process ids of its programs, which don't change while it lives; none: there is no such.
    [[nodiscard]] std::vector<pid_t> programs(const std::string& node, const std::string& id) const;
    /// What they have written.
    [[nodiscard]] std::string logs() const;

 private:
    // Short, for the paths of sockets are.
    TempDir directory_;
    TempDir templates_;
    std::filesystem::path agent_;
};

}  // namespace muster::test
