#pragma once

#include "checker/prober.hpp"
#include "common/base/clock.hpp"
#include "common/base/task_group.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace muster::sim {

/// The truth about one backend: what it answers, since when, and when it was asked. All times are
/// true time.
struct Backend {
    bool healthy = true;
    bool hangs = false;           ///< how it is unhealthy: no answer at all, or a refusal
    SteadyTime since{};           ///< of `healthy`
    bool active = true;           ///< its group's configuration wants it probed
    SteadyTime active_since{};    ///< of `active`
    SteadyTime inactive_until{};  ///< when it was last not active
    SteadyTime last_probe{};      ///< by anyone
    std::map<std::string, SteadyTime> probed_by;  ///< node -> its last probe
    std::uint64_t probes = 0;

    void set_healthy(bool now_healthy, SteadyTime when) {
        if (healthy == now_healthy) return;
        healthy = now_healthy;
        since = when;
    }
};

/// All backends of a world by address ("host:port").
using Backends = std::map<std::string, Backend>;

/// One node's view onto the backends: each probe takes a while, then tells the truth as it was at
/// its start.
class SimProber final : public checker::Prober {
 public:
    using Draw = std::function<std::chrono::nanoseconds()>;
    using Reaches = std::function<bool(const std::string& address)>;
    SimProber(asio::any_io_executor executor,
              Clock& clock,
              test::VirtualClock& truth,
              Backends& backends,
              std::string node,
              Draw draw,
              Reaches reaches);

    void start(std::shared_ptr<const checker::ProbeRequest> request, Done done) override;
    void stop() override { stopped_ = true; }

    /// What is started now is for another node: no part of this one's own work.
    void vote(bool now) { voting_ = now; }

    /// Ends its probes under way; to be awaited before it is destroyed.
    [[nodiscard]] asio::awaitable<void> finish() {
        stop();
        return tasks_.stop();
    }

 private:
    asio::awaitable<void> probe(checker::ProbeOutcome outcome,
                                std::chrono::nanoseconds takes,
                                Done done);

    Clock& clock_;
    test::VirtualClock& truth_;
    Backends& backends_;
    std::string node_;
    Draw draw_;
    Reaches reaches_;
    bool stopped_ = false;
    bool voting_ = false;
    asio::any_io_executor executor_;
    TaskGroup tasks_;
};

}  // namespace muster::sim
