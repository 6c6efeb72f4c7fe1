#include "tests/sim/backends.hpp"

#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace muster::sim {

using checker::ProbeOutcome;
using checker::Reason;

SimProber::SimProber(asio::any_io_executor executor,
                     Clock& clock,
                     test::VirtualClock& truth,
                     Backends& backends,
                     std::string node,
                     Draw draw,
                     Reaches reaches)
    : clock_(clock),
      truth_(truth),
      backends_(backends),
      node_(std::move(node)),
      draw_(std::move(draw)),
      reaches_(std::move(reaches)),
      executor_(executor),
      tasks_(executor) {}

void SimProber::start(std::shared_ptr<const checker::ProbeRequest> request, Done done) {
    if (stopped_) {
        asio::post(executor_, [done = std::move(done)]() mutable {
            done({.reason = Reason::prober_stopped});
        });
        return;
    }
    ProbeOutcome outcome{.result = checker::Result::failure, .reason = Reason::l4_refused};
    std::chrono::nanoseconds takes = draw_();
    const auto found = backends_.find(request->host + ":" + std::to_string(request->port));
    if (found != backends_.end()) {
        Backend& backend = found->second;
        if (!voting_) {
            ++backend.probes;
            backend.last_probe = truth_.now();
            backend.probed_by[node_] = truth_.now();
        }
        if (!reaches_(found->first)) {
            outcome.reason = Reason::l4_timeout;
            takes = request->timeout;
        } else if (backend.healthy) {
            outcome = {.result = checker::Result::success, .reason = Reason::l7_ok, .code = 200};
        } else if (backend.hangs) {
            outcome.reason = Reason::l7_timeout;
            takes = request->timeout;
        }
    }
    tasks_.spawn("probe", probe(outcome, takes, std::move(done)));
}

asio::awaitable<void> SimProber::probe(ProbeOutcome outcome,
                                       std::chrono::nanoseconds takes,
                                       Done done) {
    try {
        co_await clock_.sleep_for(takes);
    } catch (const boost::system::system_error&) {
        outcome = {.reason = Reason::prober_stopped};
    }
    outcome.total = std::chrono::ceil<std::chrono::microseconds>(takes);
    done(outcome);
}

}  // namespace muster::sim
