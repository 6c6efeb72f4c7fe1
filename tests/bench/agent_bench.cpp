// ./bench agent: real clusters, HAProxys with their agents, and clients in front of them.
//  - kills: of a group of 1,000 servers that ten LBs follow; from the moment a backend fails until
//    the last request that an LB sends to it, and from its status until HAProxy does as it says
//  - drain: at 2,000 requests a second, until nothing more arrives; requests that fail
//  - cold start: an LB with 5,000 servers, from the agent's start until all are applied
// MUSTER_BENCH_KILLS (50), MUSTER_BENCH_AGENTS (10), MUSTER_BENCH_SECTIONS (kills,drain,cold).
#include "tests/bench/support/figures.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/cluster/steady_load.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

constexpr config::Duration interval = 2s;
constexpr config::Duration fast_interval = 500ms;
constexpr config::Duration timeout = 500ms;
constexpr int fall = 2;
constexpr auto bound =
    interval + (fall - 1) * fast_interval + timeout + (fast_interval + timeout) + 500ms;

config::GroupSpec group(const Responder& responder, std::size_t servers) {
    config::GroupSpec spec = make_group(responder, "web", 0, servers, 2'000ms);
    spec.check.fast_interval = fast_interval;
    spec.check.timeout = timeout;
    spec.check.fall = fall;
    spec.check.rise = 1;
    return spec;
}

/// A cluster whose group has so many servers, and LBs in front, each at an address of its own.
struct World {
    World(std::size_t servers, std::size_t lbs) : responder(servers) {
        cluster.apply(group(responder, servers));
        cluster.apply(config::FleetSpec{
            .name = FleetName("edge"),
            .listeners = {{.name = "main", .port = port, .group = GroupName("web")}}});
        require(cluster.wait_all_up(60s), "all backends are UP");
        for (std::size_t i = 0; i < lbs; ++i) {
            balancers.emplace_back(
                cluster,
                LoadBalancer::Settings{.instance = fmt::format("lb{}", i + 1),
                                       .bind_address = fmt::format("127.0.0.{}", i + 1)});
            balancers.back().start();
        }
    }

    [[nodiscard]] double reloads() const {
        double all = 0;
        for (const LoadBalancer& lb : balancers)
            all += lb.metric("muster_agent_reloads_total").value_or(0);
        return all;
    }

    Responder responder;
    Cluster cluster;
    const std::uint16_t port = free_port();
    std::deque<LoadBalancer> balancers;
};

void kills(std::size_t agents, int count) {
    constexpr std::size_t servers = 1'000;
    World world(servers, agents);
    const double reloads = world.reloads();
    // Enough that each server has a request at least every other second, and its last one tells.
    SteadyLoad load({.port = world.port, .per_second = 1'000, .connections = 32});
    require(load.wait_for(2'000, 30s), "the load is answered");
    Spread last_request;
    std::vector<HistogramReading> before;
    for (const LoadBalancer& lb : world.balancers)
        before.push_back(lb.histogram("muster_agent_apply_seconds"));
    for (int kill = 0; kill < count; ++kill) {
        const auto victim = static_cast<std::size_t>(kill) * 37U % servers;
        const auto name = world.responder.address(victim);
        world.responder.set(victim, Responder::Behaviour::failing);
        const auto killed = Responder::now();
        require(eventually(20s,
                           [&] {
                               return world.balancers.front()
                                   .server("web:http", name)
                                   .starts_with("maintenance");
                           }),
                "a backend that failed is taken out");
        const auto last = world.responder.record(victim).last_request;
        last_request.add(std::max(last - killed, std::chrono::nanoseconds(0)));
        world.responder.set(victim, Responder::Behaviour::healthy);
    }
    HistogramReading applied;
    for (std::size_t i = 0; i < agents; ++i)
        applied.add(world.balancers[i].histogram("muster_agent_apply_seconds"), before[i]);
    last_request.print("from a kill to the last request");
    std::printf("bound of the settings: %.0f ms\n", ms(bound));
    std::printf("statuses applied by %zu agents: %.0f\n", agents, applied.count());
    metric("kills", count, "kills");
    metric("kill_to_last_request_p50_ms", ms(last_request.at(0.5)), "ms");
    metric("kill_to_last_request_p99_ms", ms(last_request.at(0.99)), "ms");
    metric("kill_bound_ms", ms(bound), "ms");
    metric("apply_p50_ms", applied.at(0.5) * 1000, "ms");
    metric("apply_p99_ms", applied.at(0.99) * 1000, "ms");
    metric("reloads", world.reloads() - reloads, "reloads");
}

void drain() {
    World world(20, 1);
    SteadyLoad load({.port = world.port, .per_second = 2'000, .connections = 64});
    require(load.wait_for(2'000, 30s), "the load is answered");
    const LoadBalancer& lb = world.balancers.front();
    const int worker = lb.worker_pid();
    Spread effect;
    for (std::size_t victim = 0; victim < 10; ++victim) {
        const std::string name = world.responder.address(victim);
        const auto change = [&](const char* state, const std::string& becomes) {
            const Stopwatch watch;
            require(eventually(10s,
                               [&] {
                                   return world.cluster
                                              .request("PATCH",
                                                       0,
                                                       "/api/v1/groups/web/backends/" + name,
                                                       fmt::format(R"({{"state":"{}"}})", state))
                                              .status == 200;
                               }),
                    "a change is accepted");
            require(
                eventually(10s, [&] { return lb.server("web:http", name).starts_with(becomes); }),
                "a change takes effect");
            effect.add(watch.elapsed());
            require(load.wait_for(500, 10s), "the load goes on");
        };
        change("drain", "drain");
        change("active", "ready");
    }
    const SteadyLoad::Counts counts = load.counts();
    if (counts.failed > 0) std::printf("first failure: %s\n", counts.first_failure.c_str());
    effect.print("from the API's request to HAProxy's state");
    metric("drain_requests", static_cast<double>(counts.answered + counts.failed), "requests");
    metric("drain_failed_requests", static_cast<double>(counts.failed), "requests");
    metric("drain_effect_p99_ms", ms(effect.at(0.99)), "ms");
    metric("drain_reloads", worker == lb.worker_pid() ? 0 : 1, "reloads");
}

void cold_start() {
    constexpr std::size_t servers = 5'000;
    World world(servers, 0);
    LoadBalancer& lb = world.balancers.emplace_back(world.cluster, LoadBalancer::Settings{});
    const Stopwatch watch;
    lb.start();
    require(
        eventually(30s, [&] { return lb.metric("muster_agent_servers_ready") == double(servers); }),
        "all servers are applied");
    metric("cold_start_5000_s", ms(watch.elapsed()) / 1000, "s");
    const double commands = lb.metric("muster_agent_commands_total").value_or(0);
    world.responder.set(7, Responder::Behaviour::failing);
    require(
        eventually(
            20s,
            [&] {
                return lb.server("web:http", world.responder.address(7)).starts_with("maintenance");
            }),
        "a flip is applied");
    require(
        eventually(10s,
                   [&] { return lb.metric("muster_agent_commands_total").value_or(0) > commands; }),
        "a flip is counted");
    metric("flip_commands",
           lb.metric("muster_agent_commands_total").value_or(0) - commands,
           "commands");
}

void run() {
    const char* const chosen = std::getenv("MUSTER_BENCH_SECTIONS");
    const std::string_view sections = chosen != nullptr ? chosen : "kills,drain,cold";
    if (sections.contains("kills")) {
        kills(static_cast<std::size_t>(setting("MUSTER_BENCH_AGENTS", 10)),
              setting("MUSTER_BENCH_KILLS", 50));
    }
    if (sections.contains("drain")) drain();
    if (sections.contains("cold")) cold_start();
}

}  // namespace
}  // namespace muster::test

int main() {
    // A peer that is gone is no reason to end.
    std::signal(SIGPIPE, SIG_IGN);
    return muster::test::exit_code_of(muster::test::run);
}
