// CPU time of the pure planners: 4,096 shards on 50 workers, and a group of 100,000 backends.
#include "orchestrator/layout_plan.hpp"
#include "orchestrator/shard_plan.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdio>
#include <random>

namespace {

using namespace muster;
using namespace muster::orchestrator;

std::vector<PlanMember> make_members(int count) {
    std::vector<PlanMember> members;
    for (int number = 1; number <= count; ++number) {
        members.push_back({.node = NodeId("n" + std::to_string(number)), .probes = {"http"}});
    }
    return members;
}

std::vector<PlanShard> make_shards(int count) {
    std::mt19937 random(1);
    std::lognormal_distribution<double> cost(0, 1);
    std::vector<PlanShard> shards;
    for (int number = 0; number < count; ++number) {
        shards.push_back({.shard = {.group = GroupName("web"), .number = number},
                          .cost = 1 + static_cast<std::int64_t>(1'000 * cost(random)),
                          .probes = {"http"}});
    }
    return shards;
}

config::GroupSpec make_group(int count) {
    config::GroupSpec group{.name = GroupName("web")};
    for (int number = 0; number < count; ++number) {
        group.backends.push_back({.id = BackendId("backend-" + std::to_string(number)),
                                  .address = "10.0.0.1",
                                  .port = static_cast<std::uint16_t>(1 + number % 65'535)});
    }
    return group;
}

void first_plan(benchmark::State& state) {
    const auto members = make_members(50);
    const auto shards = make_shards(4'096);
    for (auto _ : state) benchmark::DoNotOptimize(plan_shards(members, shards, {}));
}

void one_worker_joins(benchmark::State& state) {
    const auto shards = make_shards(4'096);
    const auto owners = plan_shards(make_members(49), shards, {}).owners;
    const auto members = make_members(50);
    for (auto _ : state) benchmark::DoNotOptimize(plan_shards(members, shards, owners));
}

void one_worker_leaves(benchmark::State& state) {
    const auto shards = make_shards(4'096);
    const auto owners = plan_shards(make_members(51), shards, {}).owners;
    const auto members = make_members(50);
    for (auto _ : state) benchmark::DoNotOptimize(plan_shards(members, shards, owners));
}

void nothing_changes(benchmark::State& state) {
    const auto members = make_members(50);
    const auto shards = make_shards(4'096);
    const auto owners = plan_shards(members, shards, {}).owners;
    for (auto _ : state) benchmark::DoNotOptimize(plan_shards(members, shards, owners));
}

void layout_of_100k(benchmark::State& state) {
    const auto group = make_group(100'000);
    const auto layout = plan_layout("g1", group, {}).next;
    for (auto _ : state) benchmark::DoNotOptimize(plan_layout("g1", group, layout));
}

BENCHMARK(first_plan)->Name("plan_4096x50_ms")->Unit(benchmark::kMillisecond);
BENCHMARK(one_worker_joins)->Name("plan_4096x50_join_ms")->Unit(benchmark::kMillisecond);
BENCHMARK(one_worker_leaves)->Name("plan_4096x50_leave_ms")->Unit(benchmark::kMillisecond);
BENCHMARK(nothing_changes)->Name("plan_4096x50_unchanged_ms")->Unit(benchmark::kMillisecond);
BENCHMARK(layout_of_100k)->Name("layout_100000_backends_ms")->Unit(benchmark::kMillisecond);

/// Prints, after the usual table, one metric line for each benchmark.
class MetricReporter : public benchmark::ConsoleReporter {
 public:
    void ReportRuns(const std::vector<Run>& runs) override {
        ConsoleReporter::ReportRuns(runs);
        metrics_.insert(metrics_.end(), runs.begin(), runs.end());
    }
    void Finalize() override {
        for (const Run& run : metrics_) {
            std::printf(
                "metric %s %.3f ms\n", run.benchmark_name().c_str(), run.GetAdjustedCPUTime());
        }
    }

 private:
    std::vector<Run> metrics_;
};

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    MetricReporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter);
}
