#pragma once

#include "checker/prober.hpp"
#include "common/base/clock.hpp"
#include "common/base/task_group.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <map>
#include <string>

namespace muster::stale {

/// What each backend ("host:port") answers at present; absent: refuses.
using Backends = std::map<std::string, bool>;

/// Tells what the script says, a millisecond later.
class ScriptedProber final : public checker::Prober {
 public:
    ScriptedProber(asio::any_io_executor executor, Clock& clock, const Backends& backends)
        : clock_(clock), backends_(backends), tasks_(std::move(executor)) {}

    void start(std::shared_ptr<const checker::ProbeRequest> request, Done done) override;
    void stop() override {}

    /// Ends its probes; to be awaited before it is destroyed.
    [[nodiscard]] asio::awaitable<void> finish() { return tasks_.stop(); }

 private:
    asio::awaitable<void> answer(checker::ProbeOutcome outcome, Done done);

    Clock& clock_;
    const Backends& backends_;
    TaskGroup tasks_;
};

}  // namespace muster::stale
