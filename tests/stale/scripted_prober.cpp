#include "tests/stale/scripted_prober.hpp"

#include <utility>

namespace muster::stale {

using checker::ProbeOutcome;
using checker::Reason;

void ScriptedProber::start(std::shared_ptr<const checker::ProbeRequest> request, Done done) {
    ProbeOutcome outcome{.result = checker::Result::failure, .reason = Reason::l4_refused};
    const auto backend = backends_.find(request->host + ":" + std::to_string(request->port));
    if (backend != backends_.end() && backend->second)
        outcome = {.result = checker::Result::success, .reason = Reason::l4_ok};
    tasks_.spawn("probe", answer(outcome, std::move(done)));
}

asio::awaitable<void> ScriptedProber::answer(ProbeOutcome outcome, Done done) {
    constexpr std::chrono::milliseconds takes{1};
    co_await clock_.sleep_for(takes);
    outcome.total = takes;
    done(outcome);
}

}  // namespace muster::stale
