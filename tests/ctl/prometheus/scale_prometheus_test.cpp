// A week of somebody's Prometheus; here: some seconds of a real one.
#include "ctl/scale.hpp"
#include "tests/scaler/prometheus/prometheus_fixture.hpp"

#include <boost/json/parse.hpp>

#include <sstream>

namespace muster::ctl {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class ScalePrometheus : public scaler::prometheus::PrometheusFixture {
 protected:
    Exit simulate(const std::string& url,
                  const std::string& metric,
                  const std::string& to = "now",
                  const std::string& guards = "",
                  int initial = -1) {
        out_.str("");
        err_.str("");
        SimulateOptions options{
            .policy = {.name = "new.yaml",
                       .text = "kind: Fleet\nname: edge\nspec:\n"
                               "  listeners: [{name: web, bind: \":80\", group: web}]\n"
                               "  provider: {name: local}\n"
                               "  scaling:\n    max: 20\n    period: 1s\n    metrics: [" +
                               metric + "]\n" + guards},
            .prometheus = url,
            .from = "-3s",
            .to = to,
            .step = "1s",
            .initial = initial,
            .output = ScaleOutput::json};
        Api api(clock_, ApiSettings{.urls = {}, .token = {}, .author = {}});
        Context context{.clock = clock_, .api = api, .out = out_, .err = err_};
        return run(scale_simulate(context, std::move(options)));
    }
    [[nodiscard]] boost::json::object figures() const {
        return boost::json::parse(out_.str()).at_pointer("/runs/0/figures").as_object();
    }

    std::ostringstream out_;
    std::ostringstream err_;
};

TEST_F(ScalePrometheus, SimulatesWhatARealOneHasSeen) {
    for (const int sessions : {20, 30, 40})
        add_exporter(fmt::format("sessions {}\ncapacity 50\n", sessions));
    const test::PrometheusServer server(test::PrometheusServer::Settings{.targets = targets()});
    const auto shows = [&](const std::string& metric, int size) {
        return test::eventually(60s, [&] {
            if (simulate(server.url(), metric) != Exit::ok) return false;
            const boost::json::object all = figures();
            return all.at("unknown_seconds").as_int64() == 0 &&
                   all.at("largest").as_int64() == size && all.at("smallest").as_int64() == size;
        });
    };
    EXPECT_TRUE(shows("{name: sessions, query: sessions, target: {average: 10}}", 9))
        << out_.str() << err_.str();
    EXPECT_TRUE(shows("{name: total, query: sum(sessions), target: {total_average: 30}}", 3))
        << out_.str() << err_.str();
    // 90 of 150 are 60 % of 3 instances: 6 at 30 %.
    EXPECT_TRUE(
        shows("{name: used, query: sessions, capacity_query: capacity, "
              "target: {utilization: 30}}",
              6))
        << out_.str() << err_.str();
}

TEST_F(ScalePrometheus, AsksForTheGuardsToo) {
    add_exporter("sessions 30\n");
    const test::PrometheusServer server(test::PrometheusServer::Settings{.targets = targets()});
    const std::string metric = "{name: total, query: sum(sessions), target: {total_average: 10}}";
    const std::string fast = "    in: {window: 0s, budgets: []}\n";
    const auto smallest = [&](const std::string& guard) {
        if (simulate(server.url(), metric, "now", fast + guard, 9) != Exit::ok) return -1;
        const boost::json::object all = figures();
        return all.at("unknown_seconds").as_int64() > 0
                   ? -1
                   : static_cast<int>(all.at("smallest").as_int64());
    };
    ASSERT_TRUE(test::eventually(60s, [&] { return smallest("") == 3; })) << err_.str();
    // It rises all the time, and is above what it was by however little.
    EXPECT_EQ(smallest("    errors: {query: vector(time()), rise: 0}\n"), 9) << err_.str();
    EXPECT_EQ(smallest("    latency: {query: vector(time()), rise: 0}\n"), 9) << err_.str();
    EXPECT_EQ(smallest("    errors: {query: vector(7)}\n"), 3) << err_.str();
    EXPECT_EQ(err_.str(), "");
    EXPECT_EQ(smallest("    errors: {query: of_nobody}\n"), 3);
    EXPECT_THAT(err_.str(), HasSubstr("new.yaml: there is no history of its guard errors"));
    EXPECT_EQ(smallest("    errors: {query: 'sum(a{b=~\"(\"})'}\n"), -1);
    EXPECT_THAT(err_.str(), HasSubstr("error: guard sum("));
}

TEST_F(ScalePrometheus, SaysWhichQueryWasRefusedAndWhoDoesNotAnswer) {
    const test::PrometheusServer server;
    EXPECT_EQ(simulate(server.url(),
                       "{name: odd, query: 'sum(a{b=~\"(\"})', target: {total_average: 1}}"),
              Exit::failed);
    EXPECT_THAT(err_.str(), HasSubstr("error: metric odd: "));
    EXPECT_THAT(err_.str(), HasSubstr("(refused_query)"));
    const std::string plain = "{name: total, query: sum(a), target: {total_average: 1}}";
    EXPECT_EQ(simulate(fmt::format("http://127.0.0.1:{}", test::free_port()), plain), Exit::failed);
    EXPECT_THAT(err_.str(), HasSubstr("(no_reply)"));
    EXPECT_EQ(simulate(server.url(), plain), Exit::failed);
    EXPECT_THAT(err_.str(), HasSubstr("metric total: there is no history of it"));
    EXPECT_EQ(simulate(server.url(), plain, "-1h"), Exit::failed);
    EXPECT_THAT(err_.str(), HasSubstr("are 0 values"));
}

}  // namespace
}  // namespace muster::ctl
