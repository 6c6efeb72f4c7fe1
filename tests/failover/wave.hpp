#pragma once

#include "common/base/clock.hpp"
#include "common/http/message.hpp"
#include "tests/failover/machine_park.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace muster::test {

/// A Prometheus that knows one thing: a load that goes up and down in steps, by a seed. It says the
/// same of the same time, whoever asks and however often.
class Wave {
 public:
    Wave(std::uint64_t seed, WallTime begin, std::chrono::seconds shortest_step);

    /// From here on the load is this.
    void end(WallTime at, int load);
    [[nodiscard]] int at(WallTime time) const;
    /// To /api/v1/query: its value, or how old each machine's sample is.
    [[nodiscard]] http::Response answer(const http::Request& request,
                                        const MachinePark& park) const;

 private:
    struct Step {
        WallTime from{};
        int load = 0;
    };
    std::vector<Step> steps_;
    std::atomic<std::int64_t> end_;  ///< milliseconds since 1970
    std::atomic<int> last_ = 0;
};

}  // namespace muster::test
