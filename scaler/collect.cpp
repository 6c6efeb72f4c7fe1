#include "scaler/collect.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace muster::scaler::prometheus {
namespace {

/// What the coroutines of one collect() share; it outlives them.
struct Work {
    PrometheusClient& client;
    std::vector<MetricQuery> metrics;
    Roster roster;
    WallTime tick;
    SteadyTime deadline;
    std::vector<MetricRecord> records;
    std::size_t next = 0;
};

asio::awaitable<void> collect_one(Work& work, std::size_t which) {
    const MetricQuery& metric = work.metrics[which];
    MetricRecord& record = work.records[which];
    const auto selectors = selectors_of(metric);
    std::vector<std::string> queries{metric.query};
    if (selectors) queries.push_back(age_query(*selectors, metric.instance_label));
    if (!metric.capacity_query.empty()) queries.push_back(metric.capacity_query);
    for (const std::string& text : queries) record.asked.push_back({.text = text});
    Round round = co_await work.client.ask(std::move(queries), work.tick, work.deadline);
    record.endpoint = std::move(round.endpoint);
    record.passed_over = std::move(round.passed_over);
    for (std::size_t i = 0; i < round.replies.size(); ++i) {
        record.asked[i].digest = std::move(round.replies[i].digest);
        record.asked[i].bytes = round.replies[i].bytes;
    }
    Answers answers{.value = std::move(round.replies.front().read),
                    .age = tl::unexpected(defect(Flaw::unknown_age, "no selector"))};
    if (selectors) answers.age = std::move(round.replies[1].read);
    if (!metric.capacity_query.empty()) answers.capacity = std::move(round.replies.back().read);
    record.found = sample_of_answers(metric, work.roster, work.tick, answers);
}

asio::awaitable<void> collect_next(Work& work) {
    while (work.next < work.metrics.size()) co_await collect_one(work, work.next++);
}

}  // namespace

asio::awaitable<Collected> collect(PrometheusClient& client,
                                   std::vector<MetricQuery> metrics,
                                   Roster roster,
                                   WallTime tick,
                                   SteadyTime deadline) {
    Work work{.client = client,
              .metrics = std::move(metrics),
              .roster = std::move(roster),
              .tick = tick,
              .deadline = deadline,
              .records = {}};
    for (const MetricQuery& metric : work.metrics) {
        MetricRecord record{.name = metric.name};
        record.found.sample = {.quality = Quality::bad, .flaw = Flaw::late};
        work.records.push_back(std::move(record));
    }
    const auto executor = co_await asio::this_coro::executor;
    using Op = decltype(asio::co_spawn(executor, collect_next(work), asio::deferred));
    std::vector<Op> ops;
    for (std::size_t i = 0; i < std::min(metrics_at_once, work.metrics.size()); ++i)
        ops.push_back(asio::co_spawn(executor, collect_next(work), asio::deferred));
    if (!ops.empty()) {
        auto group = asio::experimental::make_parallel_group(std::move(ops));
        auto [order, errors] =
            co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
        for (const std::exception_ptr& error : errors)
            if (error) std::rethrow_exception(error);
    }
    Collected all;
    for (const MetricRecord& record : work.records)
        all.samples.emplace(record.name, record.found.sample);
    all.records = std::move(work.records);
    co_return all;
}

}  // namespace muster::scaler::prometheus
