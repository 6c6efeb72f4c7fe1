// Backends that fail for the traffic: real nodes, real HAProxies with their agents, and clients.
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/load_balancer.hpp"
#include "tests/cluster/steady_load.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/ports.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

class Outliers : public testing::Test {
 protected:
    static constexpr std::size_t backends = 6;

    /// So many LBs, each with its own address and the same port.
    void start(std::size_t lbs, const config::GroupSpec& spec) {
        cluster_.apply(spec);
        cluster_.apply(config::FleetSpec{
            .name = FleetName("edge"),
            .listeners = {{.name = "main", .port = port_, .group = GroupName("web")}}});
        ASSERT_TRUE(cluster_.wait_all_up(20s));
        for (std::size_t i = 1; i <= lbs; ++i) {
            lbs_.push_back(std::make_unique<LoadBalancer>(
                cluster_,
                LoadBalancer::Settings{.instance = fmt::format("lb{}", i),
                                       .bind_address = fmt::format("127.0.0.{}", i)}));
            lbs_.back()->start();
        }
    }
    [[nodiscard]] config::GroupSpec group(std::chrono::milliseconds interval,
                                          std::optional<config::OutlierSpec> outlier) const {
        config::GroupSpec spec = make_group(responder_, "web", 0, backends, interval, 2);
        spec.check.timeout = 300ms;
        spec.check.fall = 3;
        spec.outlier = std::move(outlier);
        return spec;
    }
    [[nodiscard]] SteadyLoad::Settings load(std::size_t lb, std::string path = "/traffic") const {
        return {.host = fmt::format("127.0.0.{}", lb + 1),
                .port = port_,
                .path = std::move(path),
                .per_second = 120};
    }
    [[nodiscard]] std::string server(std::size_t lb, std::size_t backend) const {
        return lbs_[lb]->server("web:http", responder_.address(backend));
    }
    [[nodiscard]] bool wait_for_server(std::size_t backend, const std::string& state) const {
        return eventually(20s, [&] {
            for (std::size_t lb = 0; lb < lbs_.size(); ++lb) {
                if (server(lb, backend) != state) return false;
            }
            return true;
        });
    }
    [[nodiscard]] std::string why(std::size_t backend) {
        return cluster_.get(0, "/api/v1/backends/web/" + responder_.address(backend)).body;
    }
    /// From its death until its verdict.
    std::chrono::nanoseconds time_to_down(std::size_t backend) {
        const auto began = Responder::now();
        responder_.set(backend, Responder::Behaviour::reset);
        EXPECT_TRUE(eventually(60s, [&] { return why(backend).contains(R"("state":"down")"); }))
            << why(backend);
        return Responder::now() - began;
    }

    const std::uint16_t port_ = free_port();
    Responder responder_{backends};
    Cluster cluster_;
    std::vector<std::unique_ptr<LoadBalancer>> lbs_;
};

TEST_F(Outliers, AreProbedAtOnceAndStayInRotation) {
    start(1, group(20s, config::OutlierSpec{}));
    SteadyLoad traffic(load(0));
    ASSERT_TRUE(traffic.wait_for(200, 10s));
    const auto quiet = responder_.record(1).probes;
    responder_.set(0, Responder::Behaviour::failing_traffic);
    const auto before = responder_.record(0).probes;
    // By its interval it would be 1 at most.
    ASSERT_TRUE(eventually(15s, [&] { return responder_.record(0).probes >= before + 3; }))
        << lbs_[0]->logs() << why(0);
    EXPECT_LE(responder_.record(1).probes, quiet + 2) << "others are probed as ever";
    EXPECT_EQ(server(0, 0), "ready 26");
    EXPECT_EQ(lbs_[0]->metric("muster_agent_outliers"), 1);
    EXPECT_TRUE(why(0).contains(R"("reason":"healthy")")) << why(0);
    responder_.set(0, Responder::Behaviour::healthy);
    EXPECT_TRUE(eventually(15s, [&] { return lbs_[0]->metric("muster_agent_outliers") == 0; }));
}

TEST_F(Outliers, AreEjectedWhenMostLbsSeeThemAndComeBack) {
    start(2,
          group(2s,
                config::OutlierSpec{.action = config::OutlierAction::eject,
                                    .interval = 1s,
                                    .base_ejection_time = 5s}));
    SteadyLoad first(load(0));
    SteadyLoad second(load(1));
    ASSERT_TRUE(first.wait_for(100, 10s) && second.wait_for(100, 10s));
    const auto began = Responder::now();
    responder_.set(0, Responder::Behaviour::failing_traffic);
    ASSERT_TRUE(wait_for_server(0, "maintenance 26"))
        << server(0, 0) << lbs_[0]->logs() << lbs_[1]->logs() << why(0);
    EXPECT_LT(Responder::now() - began, 8s);
    // The LBs may have read it before this node.
    std::string told;
    EXPECT_TRUE(eventually(10s, [&] {
        told = why(0);
        return told.contains("ejected as an outlier (consecutive_5xx, seen by 2 of 2 LBs");
    })) << told;
    EXPECT_TRUE(told.contains(R"("verdict":"up")")) << told;
    responder_.set(0, Responder::Behaviour::healthy);
    ASSERT_TRUE(wait_for_server(0, "ready 26")) << server(0, 0) << why(0);
    EXPECT_GE(Responder::now() - began, 5s) << "its check succeeds all the time: that is no reason";
    const auto requests = responder_.record(0).requests;
    EXPECT_TRUE(eventually(10s, [&] { return responder_.record(0).requests > requests; }));
}

TEST_F(Outliers, AreNoneForOneLbWithABrokenPath) {
    start(3,
          group(2s,
                config::OutlierSpec{.action = config::OutlierAction::eject,
                                    .interval = 1s,
                                    .base_ejection_time = 60s,
                                    .max_ejection_percent = 100}));
    SteadyLoad first(load(0));
    SteadyLoad second(load(1));
    const auto everything_is_in = [&] {
        for (std::size_t lb = 0; lb < 3; ++lb) {
            for (std::size_t backend = 0; backend < backends; ++backend) {
                if (server(lb, backend) != "ready 26") return false;
            }
        }
        return true;
    };
    for (const char* path : {"/traffic/fails/", "/traffic/fails/2"}) {
        SCOPED_TRACE(path);
        SteadyLoad broken(load(2, path));
        const auto heard = [&](double least) {
            return eventually(
                15s, [&] { return lbs_[2]->metric("muster_agent_outliers").value_or(0) >= least; });
        };
        ASSERT_TRUE(heard(1)) << lbs_[2]->logs();
        ASSERT_TRUE(broken.wait_for(500, 20s));
        EXPECT_TRUE(heard(1));
        EXPECT_TRUE(everything_is_in());
    }
    EXPECT_EQ(first.counts().failed, 0U) << first.counts().first_failure;
    EXPECT_EQ(second.counts().failed, 0U) << second.counts().first_failure;
}

TEST_F(Outliers, AreFoundDownLongBeforeTheirTurn) {
    start(1, group(6s, std::nullopt));
    SteadyLoad traffic(load(0));
    ASSERT_TRUE(traffic.wait_for(100, 10s));
    const auto without = time_to_down(1);
    cluster_.apply(group(6s, config::OutlierSpec{}));
    // Two looks at the counters, so that there is something to compare with.
    ASSERT_TRUE(traffic.wait_for(300, 10s));
    const auto with = time_to_down(2);
    RecordProperty("without_ms", static_cast<int>(without / 1ms));
    RecordProperty("with_ms", static_cast<int>(with / 1ms));
    fmt::print("until DOWN: {} without, {} with\n", without / 1ms, with / 1ms);
    EXPECT_GE(without, 10s);
    EXPECT_LT(with, 7s);
}

}  // namespace
}  // namespace muster::test
