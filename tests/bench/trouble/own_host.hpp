#pragma once

#include "common/base/file_descriptor.hpp"

#include <functional>
#include <string>
#include <vector>

namespace muster::test {

/// What is to its processes another machine: a network namespace that a pair of virtual devices
/// joins to ours. Ours is 10.60.NUMBER.1, it is 10.60.NUMBER.2, and reaches all that is ours. It
/// goes with its owner and what runs in it. As root; throws std::runtime_error. One thread.
class OwnHost {
 public:
    explicit OwnHost(int number);

    [[nodiscard]] std::string address() const;
    /// To be put before a command.
    [[nodiscard]] std::vector<std::string> enter() const;
    /// Sockets made in it stay there.
    void inside(const std::function<void()>& work) const;

    /// Packets from it to this network ("10.61.0.0/20") vanish ...
    void lose_packets_to(const std::string& network) const;
    /// ... and arrive again, all of them.
    void find_again() const;
    /// From now on no port is left for a new connection, until the sockets are closed.
    [[nodiscard]] std::vector<FileDescriptor> take_all_ports() const;

 private:
    int number_;
    FileDescriptor ours_;
    FileDescriptor its_;
};

}  // namespace muster::test
