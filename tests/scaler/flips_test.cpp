#include "scaler/flips.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr WallTime now{std::chrono::hours{500'000}};

struct Fleet {
    Policy policy{.min = 1, .max = 20, .out = {}, .in = {}};
    History history{.last = now - 15s};
    Observations observed;
    Membership membership;

    explicit Fleet(int size) : membership{.size = size} {
        for (int i = 0; i < size; ++i)
            membership.instances.push_back({.id = "lb-" + std::to_string(i)});
    }
    void add(const std::string& name, Measure measure, Micros target, Sample sample) {
        policy.metrics.push_back(
            {.name = name, .rule = TargetPolicy{.measure = measure, .target = target}});
        observed.samples[name] = std::move(sample);
    }
    [[nodiscard]] std::vector<Flip> flipping() const {
        return flips(policy, history, observed, membership, now);
    }
    [[nodiscard]] int size() const {
        return decide(policy, history, observed, membership, now).size;
    }
    [[nodiscard]] int size_with(const std::string& name, std::int64_t value) const {
        Fleet other = *this;
        other.observed.samples[name].value.count = value;
        for (Reading& reading : other.observed.samples[name].readings) reading.value.count = value;
        return other.size();
    }
};

TEST(Flips, SayFromWhichValueTheSizeWouldBeAnother) {
    Fleet fleet(4);
    fleet.add("rps", Measure::average_of_total, whole(100), sample_of(whole(400)));
    EXPECT_THAT(fleet.flipping(),
                ElementsAre(Flip{.metric = "rps",
                                 .raises_from = Micros{440'000'001},
                                 .lowers_to = Micros{300'000'000}}));
}

TEST(Flips, AreOfEachInstanceWhereTheMetricIs) {
    Fleet fleet(3);
    fleet.add("cpu",
              Measure::utilization,
              whole(50),
              sample_of({{.instance = "lb-0", .value = whole(50), .capacity = whole(100)},
                         {.instance = "lb-1", .value = whole(40), .capacity = whole(100)},
                         {.instance = "lb-2", .value = whole(60), .capacity = whole(100)}}));
    // Larger above 1.1 * 50; smaller at 2 instances' worth, 100 / 3.
    EXPECT_THAT(
        fleet.flipping(),
        ElementsAre(Flip{
            .metric = "cpu", .raises_from = Micros{55'000'001}, .lowers_to = Micros{33'333'333}}));
}

TEST(Flips, HaveNoValueWhereTheMetricCannotChangeTheSize) {
    Fleet fleet(4);
    fleet.add("rps", Measure::average_of_total, whole(100), sample_of(whole(400)));
    fleet.policy.metrics.push_back({.name = "floor", .rule = FixedPolicy{.size = 4}});
    EXPECT_THAT(fleet.flipping(),
                ElementsAre(Flip{.metric = "rps", .raises_from = Micros{440'000'001}}));
    fleet.observed.pause = Pause::all;
    EXPECT_THAT(fleet.flipping(), ElementsAre(Flip{.metric = "rps"}));
    fleet.observed.samples.clear();
    EXPECT_THAT(fleet.flipping(), IsEmpty());
}

TEST(Flips, FlipTheDecisionAtExactlyTheirValue) {
    std::mt19937_64 seeded(7);
    const auto up_to = [&](int most) {
        return std::uniform_int_distribution<int>(0, most)(seeded);
    };
    int raised = 0;
    int lowered = 0;
    for (int round = 0; round < 60; ++round) {
        Fleet fleet(2 + up_to(12));
        fleet.policy.out.tolerance_ppm = up_to(200'000);
        if (up_to(1) == 0) fleet.policy.in.budgets = {{.count = 1 + up_to(2), .window = 60s}};
        fleet.add("rps",
                  up_to(1) == 0 ? Measure::average_of_total : Measure::value,
                  whole(1 + up_to(99)),
                  sample_of(whole(up_to(400))));
        std::vector<Reading> readings;
        for (const Instance& instance : fleet.membership.instances)
            readings.push_back({.instance = instance.id,
                                .value = whole(up_to(60)),
                                .capacity = whole(1 + up_to(90))});
        fleet.add("cpu", Measure::utilization, whole(60), sample_of(readings));
        const int size = fleet.size();
        for (const Flip& flip : fleet.flipping()) {
            if (flip.raises_from) {
                ++raised;
                EXPECT_GT(fleet.size_with(flip.metric, flip.raises_from->count), size) << round;
                EXPECT_LE(fleet.size_with(flip.metric, flip.raises_from->count - 1), size) << round;
            }
            if (flip.lowers_to) {
                ++lowered;
                EXPECT_LT(fleet.size_with(flip.metric, flip.lowers_to->count), size) << round;
                EXPECT_GE(fleet.size_with(flip.metric, flip.lowers_to->count + 1), size) << round;
            }
        }
    }
    EXPECT_GT(raised, 40);
    EXPECT_GT(lowered, 10);
}

}  // namespace
}  // namespace muster::scaler
