#pragma once

#include <chrono>
#include <string>
#include <vector>

// What a benchmark prints.
namespace muster::test {

/// Milliseconds.
[[nodiscard]] double ms(std::chrono::nanoseconds span);

/// "metric NAME VALUE UNIT", the line that ./bench collects.
void metric(const std::string& name, double value, const std::string& unit);

/// From the environment: how many, how long.
[[nodiscard]] int setting(const char* name, int otherwise);

/// Throws std::runtime_error when a step of a benchmark was not reached in time.
void require(bool held, const std::string& what);

/// The body of a main(): what `run` throws goes to stderr, and the exit code says so.
[[nodiscard]] int exit_code_of(void (*run)());

/// Measured spans, and their distribution.
class Spread {
 public:
    void add(std::chrono::nanoseconds value) { values_.push_back(value); }
    /// The value below which this share of them lies (nearest rank); 0 while there are none.
    [[nodiscard]] std::chrono::nanoseconds at(double share) const;
    /// One line: n, min, p50, p90, p99, max.
    void print(const std::string& what) const;
    [[nodiscard]] bool empty() const { return values_.empty(); }

 private:
    std::vector<std::chrono::nanoseconds> values_;
};

}  // namespace muster::test
