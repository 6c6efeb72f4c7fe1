#pragma once

#include "common/base/asio_clock.hpp"
#include "common/base/task_group.hpp"
#include "common/http/server.hpp"
#include "scaler/collect.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/prometheus_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace muster::scaler::prometheus {

using namespace std::chrono_literals;

/// Real exporters and clients on one thread, beside real Prometheus servers.
class PrometheusFixture : public testing::Test {
 protected:
    using Answering = std::function<http::Reply(const http::Request&)>;

    struct Exporter {
        Exporter(asio::io_context& context, Clock& clock, Answering answers)
            : answer(std::move(answers)),
              server(context.get_executor(),
                     clock,
                     {},
                     [this](http::Request request) { return handle(std::move(request)); }),
              tasks(context.get_executor()) {
            const Result<void> opened = server.open();
            if (!opened) throw std::runtime_error(opened.error().message());
            tasks.spawn("exporter", server.run());
        }
        asio::awaitable<http::Reply> handle(http::Request request) { co_return answer(request); }
        [[nodiscard]] std::string address() const {
            return fmt::format("127.0.0.1:{}", server.port());
        }

        Answering answer;
        http::Server server;
        TaskGroup tasks;
        bool stopped = false;
    };

    ~PrometheusFixture() override {
        for (const auto& exporter : exporters_) stop(*exporter);
    }

    /// Its metrics can be changed at any time.
    void add_exporter(std::string metrics) {
        texts_.push_back(std::make_unique<std::string>(std::move(metrics)));
        const std::string* const text = texts_.back().get();
        add_server([text](const http::Request&) { return http::Response::text(200, *text); });
    }
    Exporter& add_server(Answering answer) {
        exporters_.push_back(std::make_unique<Exporter>(context_, clock_, std::move(answer)));
        return *exporters_.back();
    }
    void stop(Exporter& exporter) {
        if (!std::exchange(exporter.stopped, true)) run(stopping(exporter));
    }
    static asio::awaitable<bool> stopping(Exporter& exporter) {
        co_await exporter.tasks.stop();
        co_return true;
    }

    /// web-1-1, web-1-2, ... are the exporters in their order.
    [[nodiscard]] std::vector<test::PrometheusServer::Target> targets() const {
        std::vector<test::PrometheusServer::Target> all;
        for (const auto& exporter : exporters_)
            all.push_back({.address = exporter->address(),
                           .labels = {{"instance_id", fmt::format("web-1-{}", all.size() + 1)}}});
        return all;
    }

    template <class T>
    T run(asio::awaitable<T> work) {
        std::future<T> result = asio::co_spawn(context_, std::move(work), asio::use_future);
        while (result.wait_for(0s) != std::future_status::ready) {
            context_.restart();
            context_.run_one_for(50ms);
        }
        return result.get();
    }

    [[nodiscard]] SteadyTime within(std::chrono::nanoseconds limit) const {
        return clock_.now() + limit;
    }

    MetricSample collect_now(PrometheusClient& client,
                             const MetricQuery& metric,
                             std::chrono::nanoseconds limit = 5s) {
        Collected all = run(collect(client, {metric}, roster_, clock_.wall(), within(limit)));
        record_ = all.records.at(0);
        return record_.found;
    }

    /// Until the sample is as it should be.
    bool until(PrometheusClient& client,
               const MetricQuery& metric,
               const std::function<bool(const MetricSample&)>& condition) {
        return test::eventually(30s, [&] { return condition(collect_now(client, metric)); });
    }
    static bool is_whole(const MetricSample& found) {
        return found.sample.quality == Quality::value && found.sample.flaw == Flaw::none &&
               found.sample.coverage->seen == found.sample.coverage->expected;
    }

    /// web-1-1 to web-1-`size`, all serving.
    void expect_instances(int size) {
        membership_ = {.size = size, .instances = {}};
        for (int i = 1; i <= size; ++i)
            membership_.instances.push_back({.id = fmt::format("web-1-{}", i)});
        roster_ = roster_of(membership_);
    }

    asio::io_context context_;
    AsioClock clock_;
    std::vector<std::unique_ptr<std::string>> texts_;
    std::vector<std::unique_ptr<Exporter>> exporters_;
    Membership membership_;
    Roster roster_;
    MetricRecord record_;  ///< of the last collect_now()
};

}  // namespace muster::scaler::prometheus
