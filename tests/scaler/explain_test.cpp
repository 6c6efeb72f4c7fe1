#include "scaler/explain.hpp"

#include "scaler/decide.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

// What people are told of a decision.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr WallTime now{std::chrono::seconds(1'772'366'400)};  // 2026-03-01T12:00:00Z

struct Fleet {
    Policy policy{.min = 1,
                  .max = 20,
                  .metrics = {{.name = "connections",
                               .rule = TargetPolicy{.measure = Measure::average_of_total,
                                                    .target = whole(100)}}},
                  .out = {.budgets = {{.count = 4, .window = 15s}}},
                  .in = {}};
    History history{.last = now - 15s};
    Observations observed;
    Membership membership;

    explicit Fleet(int size, int connections) : membership{.size = size} {
        for (int i = 0; i < size; ++i)
            membership.instances.push_back({.id = "lb-" + std::to_string(i)});
        observed.samples["connections"] = sample_of(whole(connections));
    }
    [[nodiscard]] Explanation explained() const {
        return explain(policy,
                       history,
                       observed,
                       membership,
                       now,
                       decide(policy, history, observed, membership, now));
    }
    [[nodiscard]] std::string line() const { return explained().line; }
};

TEST(Explain, SaysInOneLineWhatAllowedTheChange) {
    EXPECT_EQ(Fleet(4, 520).line(),
              "4 -> 6: connections wants 6 (ceil(520 / 100)); out budget of 4 per 15 s allows it");
}

TEST(Explain, SaysInOneLineWhatHeldItBack) {
    Fleet fleet(4, 520);
    fleet.policy.out.budgets = {{.count = 1, .window = 60s}};
    EXPECT_EQ(fleet.line(),
              "4 -> 5: connections wants 6 (ceil(520 / 100)); budget makes it 5: 1 more may be "
              "added");
    fleet.observed.pause = Pause::all;
    EXPECT_EQ(fleet.line(),
              "stays 4: connections wants 6 (ceil(520 / 100)); budget makes it 5: 1 more may be "
              "added; paused makes it 4: paused by an operator");
}

TEST(Explain, SaysUntilWhenAWindowHolds) {
    Fleet fleet(4, 150);
    fleet.policy.in.window = 300s;
    fleet.history.peaks = {{.at = now - 100s, .size = 4}};
    const Explanation all = fleet.explained();
    EXPECT_EQ(all.line,
              "stays 4: connections wants 2 (ceil(150 / 100)); stabilization makes it 4 until "
              "2026-03-01T12:03:20Z: 4 was recommended in the window");
    EXPECT_THAT(to_lines(all),
                Contains("pinned: 4 was recommended at 2026-03-01T11:58:20Z, and counts until "
                         "2026-03-01T12:03:20Z"));
}

TEST(Explain, SaysThatNothingIsKnown) {
    Fleet fleet(4, 150);
    fleet.observed.samples.clear();
    EXPECT_EQ(fleet.line(), "stays 4: no data: no metric says anything");
    fleet.observed.samples["connections"] = {.quality = Quality::bad, .flaw = Flaw::infinite};
    EXPECT_EQ(fleet.explained().metrics.front().value, "can't be used: infinite");
}

TEST(Explain, SaysWhichLoadIsWithinTheTolerance) {
    EXPECT_EQ(Fleet(4, 420).line(),
              "stays 4: connections wants 4 (420 of 400: within the tolerance)");
}

TEST(Explain, TellsOfInstancesTheirNumberAndRange) {
    Fleet fleet(3, 0);
    fleet.policy.metrics = {
        {.name = "cpu",
         .rule = TargetPolicy{.measure = Measure::utilization, .target = whole(60)}}};
    fleet.observed.samples["cpu"] =
        sample_of({{.instance = "lb-0", .value = whole(55), .capacity = whole(100)},
                   {.instance = "lb-1", .value = whole(75), .capacity = whole(100)},
                   {.instance = "lb-2", .value = whole(80), .capacity = whole(100)}});
    EXPECT_EQ(fleet.explained().metrics,
              (std::vector<MetricExplanation>{{.name = "cpu",
                                               .rule = "60 % of each instance's capacity",
                                               .value = "3 instances, 55 to 80, 210 in all",
                                               .reckoned = "load of 3.50 instances",
                                               .wants = 4,
                                               .quality = Quality::value,
                                               .flaw = Flaw::none}}));
}

TEST(Explain, EveryCounterfactualFlipsTheDecisionWhenItIsFedBack) {
    int checked = 0;
    for (const int load : {0, 90, 320, 399, 400, 441, 700, 1300}) {
        const Fleet fleet(4, load);
        const Explanation all = fleet.explained();
        const auto size_with = [&](std::int64_t count) {
            Fleet other = fleet;
            other.observed.samples["connections"].value.count = count;
            return other.explained().size;
        };
        for (const Flip& flip : all.flips) {
            if (flip.raises_from) {
                ++checked;
                EXPECT_GT(size_with(flip.raises_from->count), all.size) << load;
                EXPECT_LE(size_with(flip.raises_from->count - 1), all.size) << load;
            }
            if (flip.lowers_to) {
                ++checked;
                EXPECT_LT(size_with(flip.lowers_to->count), all.size) << load;
                EXPECT_GE(size_with(flip.lowers_to->count + 1), all.size) << load;
            }
        }
    }
    EXPECT_GE(checked, 12);
}

TEST(Explain, TextForPeopleHasEverything) {
    Fleet fleet(4, 150);
    fleet.policy.in.budgets = {{.count = 1, .percent = 10, .window = 60s}};
    fleet.observed.trends.errors = Trend::rising;
    EXPECT_THAT(
        to_lines(fleet.explained()),
        ElementsAre(
            "stays 4: connections wants 2 (ceil(150 / 100)); errors rising makes it 4: the "
            "share of errors rises",
            "at 2026-03-01T12:00:00Z: 2 wanted, 1 to 20 allowed, 4 serve",
            "metrics:",
            "  connections wants 2: ceil(150 / 100); to hold: 100 for each instance, of the "
            "total; it is 150",
            "held back:",
            "  2 -> 4 by errors_rising: the share of errors rises",
            "against scale-in:",
            "  errors_rising: the share of errors rises",
            "would be another size:",
            "  connections: from 440.000001 on larger",
            testing::StartsWith("decision ")));
}

TEST(Explain, JsonHasAFixedOrderAndBounds) {
    EXPECT_EQ(boost::json::serialize(to_json(Explanation{.was = 1, .size = 1, .line = "stays 1"})),
              R"({"at":"1970-01-01T00:00:00Z","was":1,"wanted":0,"size":1,"min":0,"max":0,)"
              R"("serving":0,"line":"stays 1","metrics":[],"clamps":[],"vetoes":[],"brakes":[],)"
              R"("pin":null,"flips":[],"digest":"","text":["stays 1",)"
              R"("at 1970-01-01T00:00:00Z: 0 wanted, 0 to 0 allowed, 0 serve","decision "]})");
    Explanation large{.line = std::string(100'000, 'x')};
    large.metrics.resize(500, {.name = std::string(50'000, 'y')});
    large.vetoes.resize(10'000, {.why = std::string(396, 'a') + "\xc3\xa9\xc3\xa9\xc3\xa9"});
    const std::string text = boost::json::serialize(to_json(large));
    EXPECT_LT(text.size(), 300'000U);
    EXPECT_THAT(text, HasSubstr("a...\""));
}

TEST(Explain, DigestsTellDecisionsApart) {
    const Fleet one(4, 520);
    EXPECT_THAT(one.explained().digest, SizeIs(16));
    EXPECT_EQ(one.explained().digest, Fleet(4, 520).explained().digest);
    EXPECT_NE(one.explained().digest, Fleet(4, 620).explained().digest);
}

TEST(Explain, SpellsBudgets) {
    EXPECT_EQ(to_text(Budget{.count = 4, .percent = 100, .window = 15s}), "4 or 100 % per 15 s");
    EXPECT_EQ(to_text(Budget{.percent = 10, .window = 300s}), "10 % per 5 min");
}

}  // namespace
}  // namespace muster::scaler
