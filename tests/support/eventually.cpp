#include "tests/support/eventually.hpp"

#include <thread>

namespace muster::test {

int slowdown() {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return 3;
#endif
#endif
    return 1;
}

bool eventually(std::chrono::nanoseconds limit, const std::function<bool()>& condition) {
    const Stopwatch watch;
    const auto patience = limit * slowdown();
    while (!condition()) {
        if (watch.elapsed() >= patience) return condition();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

std::chrono::nanoseconds monotonic_now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

Stopwatch::Stopwatch() : start_(std::chrono::steady_clock::now()) {}

std::chrono::nanoseconds Stopwatch::elapsed() const {
    return std::chrono::steady_clock::now() - start_;
}

}  // namespace muster::test
