#pragma once

#include "checker/engine.hpp"
#include "common/base/task_group.hpp"
#include "tests/checker/support/scripted_prober.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace muster::checker {

/// One engine on a virtual clock, with a prober that answers as it is told.
class EngineTest : public testing::Test {
 protected:
    EngineTest() { restart({}); }

    ~EngineTest() override { stop(); }

    void restart(EngineSettings settings) {
        stop();
        engine_ = std::make_unique<Engine>(
            context_.get_executor(), clock_, prober_, settings, [this](const CheckReport& report) {
                reports_.push_back(report);
            });
        tasks_ = std::make_unique<TaskGroup>(context_.get_executor());
        tasks_->spawn("engine", engine_->run());
        clock_.run_ready();
    }

    void stop() {
        if (!tasks_) return;
        tasks_->cancel();
        clock_.run_ready();
        EXPECT_EQ(tasks_->size(), 0U);
        tasks_.reset();
        engine_.reset();
    }

    static Check check(std::uint64_t id, const std::string& host, config::CheckSpec spec = {}) {
        auto request = std::make_shared<ProbeRequest>(
            ProbeRequest{.host = host, .port = 80, .probe = spec.probe, .timeout = spec.timeout});
        return {.id = CheckId{id},
                .request = std::move(request),
                .spec = std::make_shared<config::CheckSpec>(std::move(spec))};
    }

    /// The loop does nothing for `span`: the process is suspended, or its thread is stuck.
    void stall(std::chrono::nanoseconds span) { clock_.advance_to(clock_.now() + span); }

    [[nodiscard]] HealthState state(std::uint64_t id) const { return *engine_->state(CheckId{id}); }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    ScriptedProber prober_{context_.get_executor(), clock_};
    std::vector<CheckReport> reports_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<TaskGroup> tasks_;
};

}  // namespace muster::checker
