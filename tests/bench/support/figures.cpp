#include "tests/bench/support/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

namespace muster::test {

double ms(std::chrono::nanoseconds span) {
    return std::chrono::duration<double, std::milli>(span).count();
}

void metric(const std::string& name, double value, const std::string& unit) {
    fmt::print("metric {} {:.3f} {}\n", name, value, unit);
    std::fflush(stdout);
}

int setting(const char* name, int otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::atoi(text) : otherwise;
}

int exit_code_of(void (*run)()) {
    try {
        run();
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return EXIT_FAILURE;
    }
}

void require(bool held, const std::string& what) {
    if (!held) throw std::runtime_error("not reached: " + what);
}

std::chrono::nanoseconds Spread::at(double share) const {
    if (values_.empty()) return {};
    std::vector<std::chrono::nanoseconds> ordered = values_;
    const auto last = static_cast<double>(ordered.size() - 1);
    const auto rank = ordered.begin() + static_cast<std::ptrdiff_t>(share * last + 0.5);
    std::ranges::nth_element(ordered, rank);
    return *rank;
}

void Spread::print(const std::string& what) const {
    fmt::print("{}: n {}  min {:.1f}  p50 {:.1f}  p90 {:.1f}  p99 {:.1f}  max {:.1f} ms\n",
               what,
               values_.size(),
               ms(at(0)),
               ms(at(0.5)),
               ms(at(0.9)),
               ms(at(0.99)),
               ms(at(1)));
    std::fflush(stdout);
}

}  // namespace muster::test
