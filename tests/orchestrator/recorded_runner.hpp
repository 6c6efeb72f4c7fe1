#pragma once

#include "checker/prober_pool.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace muster::orchestrator {

/// Runs nothing: writes down what it is told, and answers at once what the test says.
class RecordedRunner final : public checker::CheckRunner {
 public:
    using Requests = std::vector<std::shared_ptr<const checker::ProbeRequest>>;

    void on_report(checker::Engine::OnReport on_report) override { report = std::move(on_report); }
    void put(std::vector<checker::Check> checks) override {
        for (checker::Check& check : checks) put_checks.push_back(std::move(check));
    }
    void remove(std::vector<checker::CheckId> /*ids*/) override {}
    void hasten(std::vector<checker::CheckId> ids) override {
        hastened.insert(hastened.end(), ids.begin(), ids.end());
    }
    void distrust(bool /*on*/) override {}
    asio::awaitable<std::vector<std::optional<Insight>>> look(
        std::vector<checker::CheckId> ids) override {
        co_return std::vector<std::optional<Insight>>(ids.size());
    }
    asio::awaitable<std::vector<Pass>> passes(std::vector<checker::CheckId> ids) override {
        co_return std::vector<Pass>(ids.size());
    }
    asio::awaitable<std::vector<checker::ProbeOutcome>> probe_once(Requests requests) override {
        probed.insert(probed.end(), requests.begin(), requests.end());
        if (while_probing) while_probing();
        std::vector<checker::ProbeOutcome> outcomes;
        for (const auto& request : requests) outcomes.push_back(outcome_of(*request));
        co_return outcomes;
    }
    asio::awaitable<checker::EngineCounters> counters() override {
        co_return checker::EngineCounters{};
    }
    [[nodiscard]] SteadyTime last_tick() const override { return {}; }

    checker::Engine::OnReport report;
    std::vector<checker::Check> put_checks;
    Requests probed;  ///< once
    std::vector<checker::CheckId> hastened;
    std::function<void()> while_probing;
    std::function<checker::ProbeOutcome(const checker::ProbeRequest& request)> outcome_of =
        [](const checker::ProbeRequest&) {
            return checker::ProbeOutcome{.result = checker::Result::failure,
                                         .reason = checker::Reason::l4_refused};
        };
};

}  // namespace muster::orchestrator
