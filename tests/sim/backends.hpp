#pragma once

#include "checker/prober.hpp"
#include "common/base/clock.hpp"
#include "common/base/task_group.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace muster::sim {

/// The truth about every backend: what it answers, since when, and when it was last asked.
struct Backend {
    bool healthy = true;
    SteadyTime since{};       ///< of `healthy`, true time
    SteadyTime last_probe{};  ///< true time
    std::uint64_t probes = 0;
};

/// All backends of a world by address ("host:port").
using Backends = std::map<std::string, Backend>;

/// One node's view onto the backends: each probe takes a while, then tells the truth as it was at
/// its start.
class SimProber final : public checker::Prober {
 public:
    using Draw = std::function<std::chrono::nanoseconds()>;
    SimProber(asio::any_io_executor executor,
              Clock& clock,
              test::VirtualClock& truth,
              Backends& backends,
              Draw draw);

    void start(std::shared_ptr<const checker::ProbeRequest> request, Done done) override;
    void stop() override {}

    /// Ends its probes under way; to be awaited before it is destroyed.
    [[nodiscard]] asio::awaitable<void> finish() { return tasks_.stop(); }

 private:
    asio::awaitable<void> probe(checker::ProbeOutcome outcome,
                                std::chrono::nanoseconds takes,
                                Done done);

    Clock& clock_;
    test::VirtualClock& truth_;
    Backends& backends_;
    Draw draw_;
    TaskGroup tasks_;
};

}  // namespace muster::sim
