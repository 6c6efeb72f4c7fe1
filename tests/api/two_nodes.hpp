#pragma once

#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "tests/api/api_case.hpp"
#include "tests/support/eventually.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace muster::test {

/// n1, which is asked, and the API of n2 on a real socket. Both on virtual time.
class TwoNodes : public testing::Test {
 protected:
    explicit TwoNodes(const orchestrator::ApiSettings& settings = {})
        : n1_(std::make_unique<ApiCase>(settings)), n2_(std::make_unique<ApiCase>(settings)) {}
    ~TwoNodes() override {
        tasks_.cancel();
        n2_->clock.run_for(std::chrono::seconds(5), [&] { return tasks_.size() == 0; });
    }

    /// n2 answers through `handler`, or, without one, through its API.
    void serve(http::Handler handler = nullptr) {
        if (!handler) {
            handler = [this](http::Request r) { return n2_->api.handle(std::move(r)); };
        }
        server_ = std::make_unique<http::Server>(n2_->context.get_executor(),
                                                 n2_->clock,
                                                 http::ServerSettings{.address = address_},
                                                 std::move(handler));
        const auto opened = server_->open();
        ASSERT_TRUE(opened) << opened.error().message();
        tasks_.spawn("n2", server_->run());
        until([] { return true; });
        see(fmt::format("{}:{}", address_, server_->port()));
    }

    [[nodiscard]] std::uint16_t port() const { return server_->port(); }

    /// n1 takes this for the address of n2.
    void see(std::string address) {
        orchestrator::Snapshot snapshot = example_snapshot(n1_->clock.now(), n1_->clock.wall());
        snapshot.nodes[1].api_address = std::move(address);
        if (also_) also_(snapshot);
        n1_->publish(std::move(snapshot));
    }

    boost::json::value ask(const std::string& what, std::vector<http::Field> fields = {}) {
        std::optional<http::Reply> reply;
        asio::co_spawn(n1_->context,
                       n1_->api.handle(request("GET", what, std::move(fields))),
                       [&](const std::exception_ptr& error, http::Reply value) {
                           if (error) std::rethrow_exception(error);
                           reply.emplace(std::move(value));
                       });
        EXPECT_TRUE(until([&] { return reply.has_value(); }));
        if (!reply) return {};
        const auto& response = std::get<http::Response>(*reply);
        EXPECT_EQ(response.status, 200);
        return boost::json::parse(response.body);
    }

    /// Lets both go on without moving time.
    bool until(const std::function<bool()>& done) {
        return eventually(std::chrono::seconds(10), [&] {
            n1_->clock.run_ready();
            n2_->clock.run_ready();
            return done();
        });
    }

    std::unique_ptr<ApiCase> n1_;
    std::unique_ptr<ApiCase> n2_;
    std::string address_ = "127.0.0.1";
    std::function<void(orchestrator::Snapshot&)> also_;  ///< what else n1 sees

 private:
    TaskGroup tasks_{n2_->context.get_executor()};
    std::unique_ptr<http::Server> server_;
};

}  // namespace muster::test
