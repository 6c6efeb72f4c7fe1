#pragma once

#include "agent/agent.hpp"
#include "common/base/task_group.hpp"
#include "common/coordination/memory_store.hpp"
#include "tests/agent/fleet_tree.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace muster::agent {

/// Does what it is told, unless it is to fail, and can be changed by somebody else.
class RecordedLb final : public LbDriver {
 public:
    asio::awaitable<Result<Applied>> apply(LbState wanted) override {
        ++calls;
        log += "apply ";
        if (fails) co_return fail(std::make_error_code(std::errc::io_error), "no socket");
        const bool differs = state != wanted;
        state = std::move(wanted);
        if (differs) ++changes;
        co_return Applied{.commands = differs ? 1 : 0};
    }
    asio::awaitable<std::optional<Applied>> change_quickly(LbState wanted) override {
        if (!quick || fails) co_return std::nullopt;
        log += "change ";
        state = std::move(wanted);
        ++changes;
        co_return Applied{.commands = 1};
    }
    asio::awaitable<Result<Applied>> confirm() override {
        log += "confirm ";
        if (fails) co_return fail(std::make_error_code(std::errc::io_error), "no socket");
        co_return Applied{.commands = std::exchange(to_mend, 0)};
    }
    asio::awaitable<Result<void>> check() override {
        log += "check ";
        if (fails) co_return fail(std::make_error_code(std::errc::connection_refused));
        co_return Result<void>{};
    }

    /// "b1 b3", the servers that are ready.
    [[nodiscard]] std::string ready(const std::string& group = "web") const {
        std::string text;
        if (!state) return "nothing";
        for (const Pool& pool : state->pools) {
            if (pool.group != GroupName(group)) continue;
            for (const Server& server : pool.servers) {
                if (server.state == ServerState::ready)
                    text += (text.empty() ? "" : " ") + server.id.str();
            }
        }
        return text;
    }

    void forget() {
        state.reset();
        calls = 0;
    }

    std::optional<LbState> state;
    bool fails = false;
    bool quick = false;  ///< it has a quick way
    int to_mend = 0;     ///< what the next confirm() finds
    std::string log;
    int calls = 0;
    int changes = 0;
};

/// An agent between a tree in memory and an LB that records, on a clock that the test moves.
class AgentTest : public testing::Test {
 protected:
    AgentTest() {
        tasks_.spawn("ensemble", ensemble_.run());
        tree_.make();
    }
    ~AgentTest() override {
        end();
        run(tasks_.stop());
    }

    void run(asio::awaitable<void> work) {
        bool ended = false;
        asio::co_spawn(context_, std::move(work), [&](const std::exception_ptr& error) {
            test::rethrow(error);
            ended = true;
        });
        ASSERT_TRUE(clock_.run_for(std::chrono::seconds(10), [&] { return ended; }));
    }

    struct Running {
        explicit Running(AgentTest& test, const std::string& incarnation)
            : store(test.context_.get_executor(), test.clock_, test.ensemble_, {.client = "agent"}),
              tasks(test.context_.get_executor()),
              agent(test.context_.get_executor(),
                    store,
                    test.clock_,
                    test.tree_.paths,
                    test.lb_,
                    registry,
                    {.fleet = FleetName("edge"),
                     .instance = test.instance_,
                     .incarnation = incarnation,
                     .lb = "haproxy"},
                    {.last_good_file = (test.directory_.path() / "last-good").string()}) {}
        metrics::Registry registry;
        coordination::MemoryStore store;
        TaskGroup tasks;
        Agent agent;
    };

    void start() {
        running_ = std::make_unique<Running>(*this, std::to_string(++incarnations_));
        running_->tasks.spawn("store", running_->store.run());
        running_->agent.start();
    }
    void end() {
        if (!running_) return;
        run(running_->agent.stop());
        run(running_->store.close());
        run(running_->tasks.stop());
        running_.reset();
        clock_.run_ready();
    }
    [[nodiscard]] std::string get(const std::string& path) const {
        return running_->agent.answer({.method = "GET", .path = path}).body;
    }
    [[nodiscard]] std::optional<znodes::AgentReport> report() const {
        const std::string path = tree_.paths.agent(FleetName("edge"), instance_);
        const auto* const node = ensemble_.tree().find(path);
        if (node == nullptr) return std::nullopt;
        const auto decoded = znodes::decode<znodes::AgentReport>(node->data, "uuid");
        return decoded ? std::optional(*decoded) : std::nullopt;
    }

    InstanceId instance_{"lb1"};
    asio::io_context context_;
    test::VirtualClock clock_{context_};
    coordination::MemoryEnsemble ensemble_{context_.get_executor(), clock_};
    TaskGroup tasks_{context_.get_executor()};
    FleetTree tree_{ensemble_, clock_};
    test::TempDir directory_;
    RecordedLb lb_;
    int incarnations_ = 0;
    std::unique_ptr<Running> running_;
};

}  // namespace muster::agent
