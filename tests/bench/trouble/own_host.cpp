#include "tests/bench/trouble/own_host.hpp"

#include "tests/bench/support/own_network.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace muster::test {

using bench::run_command;

namespace {

constexpr const char* own_network = "/proc/thread-self/ns/net";

FileDescriptor open_own_network() {
    FileDescriptor opened(::open(own_network, O_RDONLY | O_CLOEXEC));
    if (!opened.is_open()) throw std::runtime_error("can't open this thread's network");
    return opened;
}

void enter_network(const FileDescriptor& network) {
    if (::setns(network.get(), CLONE_NEWNET) != 0)
        throw std::system_error(errno, std::generic_category(), "setns");
}

/// Of this process, for another one.
std::string path_of(const FileDescriptor& descriptor) {
    return fmt::format("/proc/{}/fd/{}", ::getpid(), descriptor.get());
}

}  // namespace

OwnHost::OwnHost(int number) : number_(number), ours_(open_own_network()) {
    if (::unshare(CLONE_NEWNET) != 0)
        throw std::runtime_error("can't have a network of its own (are you root?)");
    its_ = open_own_network();
    enter_network(ours_);
    run_command(
        fmt::format("ip link add host{0} type veth peer name out netns {1} && "
                    "ip address add 10.60.{0}.1/24 dev host{0} && ip link set host{0} up",
                    number_,
                    path_of(its_)));
    inside([this] {
        run_command(
            fmt::format("ip link set lo up && ip address add 10.60.{0}.2/24 dev out && "
                        "ip link set out up && ip route add default via 10.60.{0}.1",
                        number_));
        bench::add_black_hole();
    });
}

std::string OwnHost::address() const {
    return fmt::format("10.60.{}.2", number_);
}

std::vector<std::string> OwnHost::enter() const {
    return {"nsenter", "--net=" + path_of(its_)};
}

void OwnHost::inside(const std::function<void()>& work) const {
    enter_network(its_);
    try {
        work();
    } catch (...) {
        enter_network(ours_);
        throw;
    }
    enter_network(ours_);
}

void OwnHost::lose_packets_to(const std::string& network) const {
    inside([&] { run_command("ip route add " + network + " dev hole0"); });
}

void OwnHost::find_again() const {
    inside([] { run_command("ip route flush dev hole0"); });
}

std::vector<FileDescriptor> OwnHost::take_all_ports() const {
    // Where nobody has one yet: a port of a connection can be shared with one to somewhere else.
    constexpr int first = 20'000;
    constexpr int last = 20'999;
    std::vector<FileDescriptor> taken;
    inside([&] {
        for (int port = first; port <= last; ++port) {
            FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_in address{.sin_family = AF_INET,
                                .sin_port = htons(static_cast<std::uint16_t>(port))};
            // The socket API's own cast.
            const auto* const plain = reinterpret_cast<const sockaddr*>(&address);
            if (!socket.is_open() || ::bind(socket.get(), plain, sizeof address) != 0)
                throw std::system_error(errno, std::generic_category(), "bind");
            taken.push_back(std::move(socket));
        }
        run_command(
            fmt::format("echo {} {} > /proc/sys/net/ipv4/ip_local_port_range", first, last));
    });
    return taken;
}

}  // namespace muster::test
