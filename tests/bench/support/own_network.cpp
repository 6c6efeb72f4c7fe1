#include "tests/bench/support/own_network.hpp"

#include <fmt/format.h>

#include <sched.h>
#include <sys/resource.h>

#include <cstdlib>
#include <stdexcept>

namespace muster::bench {

void run_command(const std::string& command) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread that starts any.
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

void enter_own_network() {
    if (unshare(CLONE_NEWNET) != 0)
        throw std::runtime_error("can't have a network of its own (are you root?)");
    run_command("ip link set lo up");
    const rlimit files{.rlim_cur = 20'000, .rlim_max = 20'000};
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        throw std::runtime_error("can't have 20,000 descriptors");
}

void add_black_hole() {
    // The other end takes all, and is nobody's.
    run_command(
        "ip link add hole0 type veth peer name hole1 && ip link set hole0 arp off && "
        "ip link set hole1 arp off && ip address add 10.9.0.1/16 dev hole0 && "
        "ip link set hole0 up && ip link set hole1 up");
}

std::string black_hole_address(int number) {
    return fmt::format("10.9.{}.{}", 1 + number / 250, 1 + number % 250);
}

}  // namespace muster::bench
