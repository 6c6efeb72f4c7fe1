#pragma once

#include "common/base/task_group.hpp"
#include "ctl/commands.hpp"
#include "tests/ctl/fake_api.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <sstream>

namespace muster::ctl {

/// Two fake nodes, and a context that asks them.
class CommandFixture : public testing::Test {
 protected:
    CommandFixture() {
        for (test::FakeApi& node : nodes_) {
            servers_.push_back(std::make_unique<http::Server>(
                context_.get_executor(), clock_, http::ServerSettings{}, [&node](http::Request r) {
                    return node.answer(std::move(r));
                }));
            EXPECT_TRUE(servers_.back()->open());
            urls_.push_back("http://127.0.0.1:" + std::to_string(servers_.back()->port()));
            tasks_.spawn("server", servers_.back()->run());
        }
    }
    ~CommandFixture() override {
        tasks_.cancel();
        clock_.run_for(std::chrono::seconds(5), [&] { return tasks_.size() == 0; });
    }

    /// Runs a command to its end; its output is in out() and err().
    Exit run(const Command& command) {
        start(command);
        EXPECT_TRUE(until([&] { return exit_.has_value(); }));
        return exit_.value_or(Exit::failed);
    }
    void start(const Command& command) {
        api_ = std::make_unique<Api>(
            clock_, ApiSettings{.urls = urls_, .token = token_, .author = "alice"});
        shown_.emplace(Context{.clock = clock_,
                               .api = *api_,
                               .out = out_,
                               .err = err_,
                               .format = format_,
                               .colours = colours_});
        exit_.reset();
        out_.str("");
        err_.str("");
        tasks_.spawn("command", keep_exit(command, *shown_, exit_));
    }
    bool until(const std::function<bool()>& condition) {
        return test::eventually(std::chrono::seconds(10), [&] {
            clock_.run_ready();
            return condition();
        });
    }

    std::string out() const { return out_.str(); }
    std::string err() const { return err_.str(); }
    test::FakeApi& node() { return nodes_[0]; }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    std::array<test::FakeApi, 2> nodes_;
    std::vector<std::unique_ptr<http::Server>> servers_;
    std::vector<std::string> urls_;
    std::string token_;
    Format format_ = Format::table;
    Colours colours_ = Colours::off;
    std::unique_ptr<Api> api_;
    std::optional<Context> shown_;
    std::ostringstream out_;
    std::ostringstream err_;
    std::optional<Exit> exit_;
    TaskGroup tasks_{context_.get_executor()};

 private:
    static asio::awaitable<void> keep_exit(Command command,
                                           Context& context,
                                           std::optional<Exit>& exit) {
        exit = co_await command(context);
    }
};

}  // namespace muster::ctl
