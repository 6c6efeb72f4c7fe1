#include "tests/sim/backends.hpp"

#include <utility>

namespace muster::sim {

using checker::ProbeOutcome;
using checker::Reason;

SimProber::SimProber(asio::any_io_executor executor,
                     Clock& clock,
                     test::VirtualClock& truth,
                     Backends& backends,
                     Draw draw)
    : clock_(clock), truth_(truth), backends_(backends), draw_(std::move(draw)), tasks_(executor) {}

void SimProber::start(std::shared_ptr<const checker::ProbeRequest> request, Done done) {
    ProbeOutcome outcome{.result = checker::Result::failure, .reason = Reason::l4_refused};
    const auto backend = backends_.find(request->host + ":" + std::to_string(request->port));
    if (backend != backends_.end()) {
        ++backend->second.probes;
        backend->second.last_probe = truth_.now();
        if (backend->second.healthy)
            outcome = {.result = checker::Result::success, .reason = Reason::l7_ok, .code = 200};
    }
    tasks_.spawn("probe", probe(outcome, draw_(), std::move(done)));
}

asio::awaitable<void> SimProber::probe(ProbeOutcome outcome,
                                       std::chrono::nanoseconds takes,
                                       Done done) {
    co_await clock_.sleep_for(takes);
    outcome.total = std::chrono::ceil<std::chrono::microseconds>(takes);
    done(outcome);
}

}  // namespace muster::sim
