#include "tests/cluster/host_network.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace muster::test {

namespace {

FileDescriptor own_network() {
    FileDescriptor opened(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!opened.is_open()) throw std::runtime_error("can't open this thread's network");
    return opened;
}

FileDescriptor new_network() {
    if (::unshare(CLONE_NEWNET) != 0)
        throw std::system_error(errno, std::generic_category(), "unshare");
    return own_network();
}

void enter_network(const FileDescriptor& network) {
    if (::setns(network.get(), CLONE_NEWNET) != 0)
        throw std::system_error(errno, std::generic_category(), "setns");
}

/// In the network that the caller is in.
void run(const std::string& command) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread that starts any.
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

/// Of this process, for another one.
std::string path_of(const FileDescriptor& descriptor) {
    return fmt::format("/proc/{}/fd/{}", ::getpid(), descriptor.get());
}

}  // namespace

HostNetwork::HostNetwork(std::size_t hosts) : before_(own_network()), switch_(new_network()) {
    try {
        // Some for backends that answer here.
        run("ip link set lo up && ip link add switch0 type bridge && "
            "ip address add 10.60.0.1/16 dev switch0 && ip address add 10.60.0.2/16 dev switch0 && "
            "ip address add 10.60.0.3/16 dev switch0 && ip address add 10.60.0.4/16 dev switch0 && "
            "ip link set switch0 up");
        for (std::size_t host = 0; host < hosts; ++host) {
            const FileDescriptor& its = hosts_.emplace_back(new_network());
            enter_network(switch_);
            run(
                fmt::format("ip link add host{0} type veth peer name eth0 netns {1} && "
                            "ip link set host{0} master switch0 up",
                            host,
                            path_of(its)));
            inside(host, [] { run("ip link set lo up && ip link set eth0 up"); });
            add_addresses(host, 1, 1);
        }
    } catch (...) {
        enter_network(before_);
        throw;
    }
}

HostNetwork::~HostNetwork() {
    // A thread that can't go back would take the next test's network for the machine's.
    if (::setns(before_.get(), CLONE_NEWNET) != 0) std::abort();
}

std::string HostNetwork::missing() {
    int error = 0;
    std::thread([&] { error = ::unshare(CLONE_NEWNET) == 0 ? 0 : errno; }).join();
    return error == 0 ? ""
                      : "no network namespace can be made: " +
                            std::error_code(error, std::generic_category()).message();
}

std::string HostNetwork::address(std::size_t host, int number) {
    return fmt::format("10.60.{}.{}", host + 1, number);
}

void HostNetwork::add_addresses(std::size_t host, int first, int last) const {
    inside(host, [&] {
        for (int number = first; number <= last; ++number)
            run(fmt::format("ip address add {}/16 dev eth0", address(host, number)));
    });
}

std::vector<std::string> HostNetwork::enter(std::size_t host) const {
    return {"nsenter", "--net=" + path_of(hosts_[host])};
}

void HostNetwork::inside(std::size_t host, const std::function<void()>& work) const {
    enter_network(hosts_[host]);
    try {
        work();
    } catch (...) {
        enter_network(switch_);
        throw;
    }
    enter_network(switch_);
}

void HostNetwork::cut(std::size_t host) const {
    run(fmt::format("ip link set host{} down", host));
}

void HostNetwork::mend(std::size_t host) const {
    run(fmt::format("ip link set host{} up", host));
}

}  // namespace muster::test
