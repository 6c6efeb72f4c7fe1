// The pasts of forecasts, out of a real Prometheus that has one.
#include "orchestrator/forecast_feed.hpp"

#include "tests/scaler/prometheus/prometheus_fixture.hpp"

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using scaler::prometheus::PrometheusClient;

class Feed : public scaler::prometheus::PrometheusFixture {
 protected:
    static std::shared_ptr<const config::FleetSpec> fleet(const std::string& query) {
        config::FleetSpec spec{.name = FleetName("edge")};
        spec.scaling.emplace();
        spec.scaling->period = 15s;
        spec.scaling->metrics = {
            {.name = "load",
             .query = query,
             .rule = config::ForecastRule{.target = "100", .season = 1h, .seasons = 2}}};
        return std::make_shared<const config::FleetSpec>(std::move(spec));
    }
    /// Three hours to `end`, a value every 30 s: minutes since the first.
    static std::string minutes_until(WallTime end) {
        std::string text = "# TYPE rps gauge\n";
        for (int i = 0; i <= 360; ++i) {
            const WallTime at = end - (360 - i) * 30s;
            text += fmt::format(
                "rps {} {}\n",
                i / 2,
                std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
        }
        return text + "# EOF\n";
    }
    auto bring(const std::string& query, WallTime tick) {
        return run(feed_.bring(*client_, fleet(query), tick, within(10s)));
    }

    ForecastFeed feed_{clock_, 50};
    std::unique_ptr<PrometheusClient> client_;
};

TEST_F(Feed, IsToldWhenAllIsThereAndGoesOn) {
    const WallTime end = scaler::on_grid(clock_.wall(), 60s) - 5min;
    test::PrometheusServer server({.past = minutes_until(end)});
    client_ = std::make_unique<PrometheusClient>(
        clock_, scaler::prometheus::PrometheusSettings{.endpoints = {server.url()}});
    const WallTime tick = end - 1min + 15s;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(bring("rps", tick).empty()) << i;
    auto told = bring("rps", tick);
    ASSERT_EQ(told.size(), 1U);
    const scaler::Series first = told.at("load");
    EXPECT_EQ(first.last, end - 1min);
    ASSERT_EQ(first.values.size(), 180U);
    EXPECT_EQ(first.values.front(), scaler::whole(0));
    EXPECT_EQ(first.values.back(), scaler::whole(179));
    EXPECT_EQ(bring("rps", tick + 30s).at("load"), first) << "no minute has passed";
    const scaler::Series next = bring("rps", tick + 60s).at("load");
    EXPECT_EQ(next.last, end);
    EXPECT_EQ(next.values.front(), scaler::whole(1));
    EXPECT_EQ(next.values.back(), scaler::whole(180));

    EXPECT_TRUE(bring("rps * 2", tick).empty()) << "another query has another past";
    for (int i = 0; i < 3; ++i) told = bring("rps * 2", tick);
    EXPECT_EQ(told.at("load").values.back(), scaler::whole(358));
    server.kill();
    told = bring("rps * 2", tick + 60s);
    EXPECT_EQ(told.at("load").last, end - 1min) << "what there is";
}

}  // namespace
}  // namespace muster::orchestrator
