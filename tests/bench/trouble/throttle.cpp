#include "tests/bench/trouble/throttle.hpp"

#include <csignal>
#include <stdexcept>

namespace muster::test {

Throttle::Throttle(pid_t process, std::chrono::milliseconds runs, std::chrono::milliseconds stands)
    : process_(process), runs_(runs), stands_(stands) {
    if (process_ <= 1) throw std::runtime_error("no process to throttle");
    thread_ = std::jthread([this](const std::stop_token& ending) { alternate(ending); });
}

Throttle::~Throttle() {
    thread_.request_stop();
    thread_.join();
}

void Throttle::alternate(const std::stop_token& ending) {
    std::unique_lock lock(mutex_);
    const auto never = [] { return false; };
    while (!ending.stop_requested()) {
        ::kill(process_, SIGSTOP);
        ended_.wait_for(lock, ending, stands_, never);
        ::kill(process_, SIGCONT);
        ended_.wait_for(lock, ending, runs_, never);
    }
}

}  // namespace muster::test
