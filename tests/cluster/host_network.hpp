#pragma once

#include "common/base/file_descriptor.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace muster::test {

/// Machines, as far as networks tell: namespaces, each with a cable to one switch. The thread that
/// makes it is at the switch until it goes, and so is all that is started from there (10.60.0.1 and
/// on); host 0 is 10.60.1.0/24 of 10.60.0.0/16, and so on. They have no names, so nothing can be
/// left behind: they go with their owner and with what runs in them. As root; throws
/// std::runtime_error. One thread.
class HostNetwork {
 public:
    explicit HostNetwork(std::size_t hosts);
    HostNetwork(const HostNetwork&) = delete;
    HostNetwork& operator=(const HostNetwork&) = delete;
    ~HostNetwork();

    /// Why none can be made; empty: they can.
    [[nodiscard]] static std::string missing();

    /// Of the switch.
    [[nodiscard]] static std::string address() { return "10.60.0.1"; }
    /// The host's own is `number` 1.
    [[nodiscard]] static std::string address(std::size_t host, int number);
    /// The host has these, too.
    void add_addresses(std::size_t host, int first, int last) const;
    /// To be put before a command.
    [[nodiscard]] std::vector<std::string> enter(std::size_t host) const;
    /// Sockets made in it stay there.
    void inside(std::size_t host, const std::function<void()>& work) const;

    void cut(std::size_t host) const;
    void mend(std::size_t host) const;

 private:
    FileDescriptor before_;
    FileDescriptor switch_;
    std::vector<FileDescriptor> hosts_;
};

}  // namespace muster::test
