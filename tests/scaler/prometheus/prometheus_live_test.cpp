// What a real Prometheus answers, of exporters that come, go and lie.
#include "scaler/decide.hpp"
#include "tests/scaler/prometheus/prometheus_fixture.hpp"

#include <gmock/gmock.h>

namespace muster::scaler::prometheus {
namespace {

using test::PrometheusServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

class Prometheus : public PrometheusFixture {
 protected:
    static MetricQuery of_instances(std::string query) {
        return {.name = "load", .query = std::move(query), .scope = Scope::instances};
    }
    static MetricQuery of_fleet(std::string query,
                                config::Reducer reducer = config::Reducer::none) {
        return {.name = "load", .query = std::move(query), .reducer = reducer};
    }
    /// As many exporters of `load 20` as instances, each of which Prometheus knows in the end:
    /// values and their ages are asked for one after the other, so a query just before may miss one
    /// that has an age.
    void start(int size) {
        expect_instances(size);
        for (int i = 0; i < size; ++i) add_exporter("load 20\nrequests_total 1000\n");
        server_ =
            std::make_unique<PrometheusServer>(PrometheusServer::Settings{.targets = targets()});
        client_ = std::make_unique<PrometheusClient>(
            clock_, PrometheusSettings{.endpoints = {server_->url()}});
        ASSERT_TRUE(until(of_instances("load"), is_whole)) << record_.found.detail;
    }
    bool until(const MetricQuery& metric,
               const std::function<bool(const MetricSample&)>& condition) {
        return PrometheusFixture::until(*client_, metric, condition);
    }
    MetricSample collect_now(const MetricQuery& metric) {
        return PrometheusFixture::collect_now(*client_, metric);
    }
    /// With a target of 20 for each instance.
    int size_by(const Sample& sample) {
        const Policy policy{
            .max = 50,
            .metrics = {{.name = "load", .rule = TargetPolicy{.target = whole(20)}}},
            .in = {}};
        Observations observed;
        observed.samples.emplace("load", sample);
        return decide(policy, {.last = clock_.wall() - 15s}, observed, membership_, clock_.wall())
            .size;
    }
    std::vector<QueryProblem> problems_of(const MetricQuery& metric) {
        return run(client_->check(metric, clock_.wall(), within(5s)));
    }
    void expect_refused(const MetricQuery& metric,
                        const std::string& field,
                        const std::string& what) {
        const std::vector<QueryProblem> found = problems_of(metric);
        ASSERT_FALSE(found.empty()) << metric.query;
        EXPECT_TRUE(found.front().refuses) << found.front().what;
        EXPECT_EQ(found.front().field, field);
        EXPECT_THAT(found.front().what, HasSubstr(what));
    }

    std::unique_ptr<PrometheusServer> server_;
    std::unique_ptr<PrometheusClient> client_;
};

TEST_F(Prometheus, TellsTheValueOfEachInstance) {
    start(3);
    const MetricSample& found = record_.found;
    ASSERT_THAT(found.sample.readings, SizeIs(3));
    EXPECT_EQ(found.sample.readings[2],
              (Reading{.instance = "web-1-3", .value = whole(20), .capacity = whole(100)}));
    EXPECT_LE(found.sample.age, 5s);
    EXPECT_EQ(found.detail, "");
    EXPECT_EQ(record_.endpoint, server_->url());
    EXPECT_THAT(record_.passed_over, IsEmpty());
    ASSERT_THAT(record_.asked, SizeIs(2));
    EXPECT_EQ(record_.asked[0].text, "load");
    EXPECT_THAT(record_.asked[1].text, HasSubstr("timestamp(load"));
    EXPECT_THAT(record_.asked[0].digest, SizeIs(16));
    EXPECT_GT(record_.asked[0].bytes, 100U);
}

TEST_F(Prometheus, TellsCapacitiesOfEachOrOfAll) {
    start(2);
    *texts_[0] = "load 20\nworkers 40\n";
    *texts_[1] = "load 20\nworkers 80\n";
    MetricQuery metric = of_instances("load");
    metric.capacity_query = "workers";
    ASSERT_TRUE(until(metric, is_whole)) << record_.found.detail;
    EXPECT_EQ(record_.found.sample.readings[0].capacity, whole(40));
    EXPECT_EQ(record_.found.sample.readings[1].capacity, whole(80));
    metric.capacity_query = "max(workers)";
    EXPECT_EQ(collect_now(metric).sample.readings.at(0).capacity, whole(80));
    metric.capacity_query = "scalar(max(workers)) / 2";
    EXPECT_EQ(collect_now(metric).sample.readings.at(0).capacity, whole(40));
}

TEST_F(Prometheus, SumsSeriesOfOurInstancesAlone) {
    start(3);
    membership_.instances.pop_back();
    roster_ = roster_of(membership_);
    const auto with_a_stranger = [](const MetricSample& found) {
        return is_whole(found) && found.strangers == 1;
    };
    ASSERT_TRUE(until(of_fleet("load", config::Reducer::sum), with_a_stranger))
        << record_.found.detail;
    EXPECT_EQ(record_.found.sample.value, whole(40));
    EXPECT_EQ(collect_now(of_fleet("load", config::Reducer::max)).sample.value, whole(20));
    EXPECT_EQ(collect_now(of_fleet("load")).sample.flaw, Flaw::many_series);
}

TEST_F(Prometheus, LeavesOutAnInstanceThatSendsNaN) {
    start(3);
    *texts_[1] = "load NaN\n";
    ASSERT_TRUE(until(of_instances("load"), [](const MetricSample& found) {
        return found.sample.readings.size() == 2 && found.sample.flaw == Flaw::not_a_number;
    })) << record_.found.detail;
    EXPECT_THAT(record_.found.left_out, ElementsAre(Pair("web-1-2", Flaw::not_a_number)));
    EXPECT_EQ(record_.found.sample.coverage, (Coverage{.seen = 2, .expected = 3}));
    EXPECT_EQ(collect_now(of_fleet("sum(load)")).sample.flaw, Flaw::not_a_number);
    EXPECT_EQ(collect_now(of_fleet("0 / sum(load * 0)")).sample.flaw, Flaw::not_a_number);
}

TEST_F(Prometheus, ShowsACrashedInstanceAsMissingNotAsLessLoad) {
    start(3);
    const MetricQuery sum = of_fleet("sum(load)");
    ASSERT_TRUE(until(sum, is_whole)) << record_.found.detail;
    EXPECT_EQ(record_.found.sample.value, whole(60));
    EXPECT_EQ(size_by(record_.found.sample), 3);
    const MetricQuery rate = of_fleet("sum(rate(requests_total[1m]))");
    ASSERT_TRUE(until(rate, is_whole)) << record_.found.detail;
    stop(*exporters_[2]);
    ASSERT_TRUE(
        until(sum, [](const MetricSample& found) { return found.sample.value == whole(40); }));
    EXPECT_EQ(record_.found.sample.coverage, (Coverage{.seen = 2, .expected = 3}));
    EXPECT_THAT(record_.found.missing, ElementsAre("web-1-3"));
    EXPECT_EQ(size_by(record_.found.sample), 3) << "a sum of 40 alone would ask for 2";
    EXPECT_EQ(size_by(scaler::sample_of(whole(40))), 2);
    // Here the value says nothing of it for a minute, but the ages do.
    EXPECT_EQ(collect_now(rate).sample.coverage, (Coverage{.seen = 2, .expected = 3}));
    EXPECT_EQ(collect_now(of_instances("load")).sample.readings.size(), 2U);
}

TEST_F(Prometheus, ForgetsATargetThatLeavesDiscovery) {
    start(2);
    server_->set_targets({targets()[0]});
    ASSERT_TRUE(until(of_instances("load"),
                      [](const MetricSample& found) { return found.sample.readings.size() == 1; }));
    EXPECT_EQ(record_.found.sample.coverage, (Coverage{.seen = 1, .expected = 2}));
}

TEST_F(Prometheus, KnowsTheTrueAgeOfWhatItStampsAsNew) {
    start(2);
    // An exporter may say itself of when its numbers are.
    const std::string old =
        fmt::format("old 20 {}\nload 20\n", (clock_.wall() - 100s).time_since_epoch().count());
    *texts_[0] = old;
    *texts_[1] = old;
    // Values and their times are asked for one after the other: a series that appears in between
    // has no age yet.
    ASSERT_TRUE(until(of_instances("old"), [](const MetricSample& found) {
        return found.left_out.size() == 2 && found.sample.flaw == Flaw::stale;
    })) << record_.found.detail;
    EXPECT_EQ(record_.found.sample.quality, Quality::bad);
    EXPECT_EQ(collect_now(of_fleet("sum(old)")).sample.flaw, Flaw::stale);
    MetricQuery patient = of_fleet("sum(old)");
    patient.max_age = 200s;
    EXPECT_EQ(collect_now(patient).sample.flaw, Flaw::none);
    EXPECT_GE(record_.found.sample.age, 100s);
}

TEST_F(Prometheus, DoesNotTakeAnAbsentMetricForAnIdleOne) {
    start(2);
    EXPECT_EQ(collect_now(of_fleet("sum(gone)")).sample.flaw, Flaw::empty);
    const MetricSample idle = collect_now(of_fleet("sum(gone) or vector(0)"));
    EXPECT_EQ(idle.sample.flaw, Flaw::unknown_age);
    EXPECT_THAT(idle.detail, HasSubstr("no series of gone"));
    EXPECT_EQ(size_by(idle.sample), 2);
    // Where absence means none, the operator says by what it is known that all report.
    MetricQuery errors = of_fleet("sum(gone) or vector(0)");
    errors.freshness = "load";
    EXPECT_TRUE(is_whole(collect_now(errors))) << record_.found.detail;
    EXPECT_EQ(record_.found.sample.value, whole(0));
}

TEST_F(Prometheus, CountsWhatIsNotOfOurInstancesByItsAgeAlone) {
    start(1);
    MetricQuery queue = of_fleet("sum(load)");
    queue.instance_label.clear();
    roster_ = {.members = {"other-1"}, .expected = {"other-1"}};
    ASSERT_TRUE(until(queue, [](const MetricSample& found) {
        return found.sample.flaw == Flaw::none;
    })) << record_.found.detail;
    EXPECT_EQ(record_.found.sample.value, whole(20));
    EXPECT_EQ(record_.found.sample.coverage, std::nullopt);
    EXPECT_EQ(collect_now(of_fleet("sum(load)")).sample.flaw, Flaw::strangers);
}

TEST_F(Prometheus, AnswersManyMetricsOfOneTick) {
    start(2);
    std::vector<MetricQuery> metrics;
    for (int i = 0; i < 12; ++i) {
        metrics.push_back(of_fleet(fmt::format("sum(load) * {}", i)));
        metrics.back().name = fmt::format("m{}", i);
    }
    metrics[7].query = "sum(load)) * 7";
    const Collected all = run(collect(*client_, metrics, roster_, clock_.wall(), within(10s)));
    ASSERT_THAT(all.samples, SizeIs(12));
    ASSERT_THAT(all.records, SizeIs(12));
    for (int i = 0; i < 12; ++i) {
        const Sample& sample = all.samples.at(fmt::format("m{}", i));
        EXPECT_EQ(all.records[static_cast<std::size_t>(i)].name, fmt::format("m{}", i));
        if (i == 7) {
            EXPECT_EQ(sample.flaw, Flaw::refused_query);
        } else {
            EXPECT_EQ(sample.value, whole(40 * i)) << i;
        }
    }
    EXPECT_THAT(all.records[7].found.detail, HasSubstr("unexpected right parenthesis"));
}

TEST_F(Prometheus, SaysWhatItRefuses) {
    start(2);
    EXPECT_THAT(problems_of(of_instances("load")), IsEmpty());
    EXPECT_THAT(problems_of(of_fleet("sum(load)")), IsEmpty());
    expect_refused(of_fleet("sum(load"), "query", "parse error: unclosed left parenthesis");
    expect_refused(of_fleet("summ(load)"), "query", "unknown function with name \"summ\"");
    expect_refused(of_fleet("rate(load)"), "query", "expected type range vector");
    expect_refused(of_fleet("load[5m]"), "query", "a range of times");
    expect_refused(of_fleet("load * on (job) load"), "query", "many-to-many");
    expect_refused(of_fleet("vector(5)"), "query", "no series is read");
    MetricQuery metric = of_instances("load");
    metric.capacity_query = "max(";
    expect_refused(metric, "capacity_query", "parse error");
    metric = of_fleet("sum(load)");
    metric.freshness = "{__name__=~\"load|requests_total\"}";
    expect_refused(metric, "freshness", "same labelset");
    const auto warned = problems_of(of_fleet("sum(nothing)"));
    ASSERT_THAT(warned, SizeIs(2));
    EXPECT_FALSE(warned[0].refuses);
    EXPECT_THAT(warned[0].what, HasSubstr("no series now"));
    EXPECT_THAT(problems_of(of_fleet("load")).at(0).what, HasSubstr("name a reducer"));
    server_->kill();
    const auto unknown = problems_of(of_instances("load"));
    ASSERT_FALSE(unknown.empty());
    EXPECT_FALSE(unknown.front().refuses) << "nobody has refused it";
    EXPECT_THAT(unknown.front().what, HasSubstr("could not be checked"));
}

TEST_F(Prometheus, TellsHistories) {
    start(2);
    const WallTime end = std::chrono::ceil<std::chrono::seconds>(clock_.wall());
    // Longer than one query may be, most of it before there was anything.
    const RangeWindow window{.start = end - 25'000s, .end = end, .step = 1s};
    ASSERT_TRUE(
        until(of_instances("load"), [&](const MetricSample&) { return clock_.wall() > end + 1s; }));
    const auto sums =
        run(client_->ask_range(of_fleet("load", config::Reducer::sum), window, within(20s)));
    ASSERT_TRUE(sums) << sums.error().detail;
    ASSERT_THAT(sums->series, SizeIs(1));
    ASSERT_FALSE(sums->series[0].points.empty());
    EXPECT_EQ(sums->series[0].points.back(),
              (RangePoint{.at = end, .value = whole(40), .series = 2}));
    const auto each = run(client_->ask_range(of_instances("load"), window, within(20s)));
    ASSERT_TRUE(each) << each.error().detail;
    ASSERT_THAT(each->series, SizeIs(2));
    EXPECT_EQ(each->series[1].instance, "web-1-2");
    EXPECT_EQ(each->series[1].points.back().value, whole(20));
    const auto refused = run(client_->ask_range(of_fleet("sum("), window, within(5s)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().flaw, Flaw::refused_query);
    const RangeWindow endless{.start = WallTime{1s}, .end = end, .step = 1s};
    const auto large = run(client_->ask_range(of_fleet("load"), endless, within(5s)));
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().flaw, Flaw::too_large);
}

}  // namespace
}  // namespace muster::scaler::prometheus
