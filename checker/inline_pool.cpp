#include "checker/insight.hpp"
#include "checker/probe_once.hpp"
#include "checker/prober_pool.hpp"

#include <utility>

namespace muster::checker {

struct InlinePool::Inside {
    Inside(asio::any_io_executor control,
           Clock& the_clock,
           Prober& the_prober,
           EngineSettings settings)
        : clock(the_clock),
          home(control),
          prober(the_prober),
          engine(std::move(control),
                 the_clock,
                 the_prober,
                 settings,
                 [this](const CheckReport& report) {
                     if (on_report) on_report(report);
                 }) {}

    Clock& clock;
    asio::any_io_executor home;
    Prober& prober;
    Engine::OnReport on_report;
    Engine engine;
};

InlinePool::InlinePool(asio::any_io_executor control,
                       Clock& clock,
                       Prober& prober,
                       EngineSettings settings)
    : inside_(std::make_unique<Inside>(std::move(control), clock, prober, settings)) {}

InlinePool::~InlinePool() = default;

void InlinePool::on_report(Engine::OnReport on_report) {
    inside_->on_report = std::move(on_report);
}

void InlinePool::put(std::vector<Check> checks) {
    for (Check& check : checks) inside_->engine.put(std::move(check));
}

void InlinePool::remove(std::vector<CheckId> ids) {
    for (const CheckId id : ids) inside_->engine.remove(id);
}

void InlinePool::hasten(std::vector<CheckId> ids) {
    for (const CheckId id : ids) inside_->engine.hasten(id);
}

void InlinePool::distrust(bool on) {
    inside_->engine.distrust(on);
}

asio::awaitable<std::vector<std::optional<CheckRunner::Insight>>> InlinePool::look(
    std::vector<CheckId> ids) {
    std::vector<std::optional<Insight>> answers;
    answers.reserve(ids.size());
    const SteadyTime now = inside_->clock.now();
    for (const CheckId id : ids) answers.push_back(insight(inside_->engine, id, now));
    co_return answers;
}

asio::awaitable<std::vector<CheckRunner::Pass>> InlinePool::passes(std::vector<CheckId> ids) {
    std::vector<Pass> answers;
    answers.reserve(ids.size());
    const SteadyTime now = inside_->clock.now();
    for (const CheckId id : ids) answers.push_back(pass(inside_->engine, id, now));
    co_return answers;
}

asio::awaitable<std::vector<ProbeOutcome>> InlinePool::probe_once(
    std::vector<std::shared_ptr<const ProbeRequest>> requests) {
    co_return co_await await_probes(
        inside_->home,
        std::move(requests),
        [this](std::shared_ptr<const ProbeRequest> request, Prober::Done done) {
            inside_->prober.start(std::move(request), std::move(done));
        });
}

asio::awaitable<EngineCounters> InlinePool::counters() {
    co_return inside_->engine.counters();
}

SteadyTime InlinePool::last_tick() const {
    return inside_->engine.last_tick();
}

asio::awaitable<void> InlinePool::run() {
    return inside_->engine.run();
}

}  // namespace muster::checker
