#include "scaler/decide.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <ranges>

// What holds of every decision, of fleets, policies and loads drawn from a seed.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start{std::chrono::hours{500'000}};

class Draw {
 public:
    explicit Draw(std::uint64_t seed) : engine_(seed) {}
    int up_to(int most) { return std::uniform_int_distribution<int>(0, most)(engine_); }
    int between(int least, int most) { return least + up_to(most - least); }
    bool one_in(int many) { return up_to(many - 1) == 0; }

 private:
    std::mt19937_64 engine_;
};

Behaviour behaviour(Draw& draw) {
    Behaviour drawn{.tolerance_ppm = draw.up_to(200'000), .window = seconds{draw.up_to(3) * 30}};
    if (draw.one_in(3)) drawn.tolerance_instances = draw.up_to(3);
    for (int i = draw.up_to(2); i > 0; --i) {
        Budget budget{.window = seconds{draw.between(1, 8) * 15}};
        if (draw.one_in(2)) budget.percent = draw.up_to(90);
        if (!budget.percent || draw.one_in(2)) budget.count = draw.up_to(6);
        drawn.budgets.push_back(budget);
    }
    if (draw.one_in(3)) drawn.max_unavailable = draw.up_to(50);
    if (draw.one_in(3)) drawn.cooldown = seconds{draw.up_to(60)};
    drawn.warm_up = seconds{draw.up_to(60)};
    return drawn;
}

MetricPolicy metric(Draw& draw, int number) {
    const std::string name = "m" + std::to_string(number);
    const auto measure = static_cast<Measure>(draw.up_to(3));
    return {.name = name,
            .rule = TargetPolicy{.measure = measure, .target = whole(draw.between(1, 90))}};
}

Policy policy(Draw& draw) {
    Policy drawn{.min = draw.up_to(5), .out = behaviour(draw), .in = behaviour(draw)};
    drawn.max = drawn.min + draw.between(1, 30);
    for (int i = draw.between(1, 3); i > 0; --i) drawn.metrics.push_back(metric(draw, i));
    return drawn;
}

std::vector<Instance> instances(Draw& draw, int size, WallTime now) {
    std::vector<Instance> all;
    for (int i = 0; i < size; ++i) {
        const bool young = draw.one_in(60);
        all.push_back({.id = "lb-" + std::to_string(i),
                       .phase = young ? Phase::warming : Phase::serving,
                       .since = now - seconds{draw.up_to(90)},
                       .healthy = !draw.one_in(15),
                       .warmed = !young});
    }
    return all;
}

Measure measure_of(const MetricPolicy& metric) {
    return std::get<TargetPolicy>(metric.rule).measure;
}
bool of_instances(const MetricPolicy& metric) {
    return measure_of(metric) == Measure::utilization ||
           measure_of(metric) == Measure::average_of_instances;
}

int one_value(Draw& draw) {
    return draw.one_in(2) ? 1500 : 60;
}

/// All of it: a reading of each instance.
Observations complete(Draw& draw, const Policy& policy, const Membership& membership) {
    Observations all;
    for (const MetricPolicy& metric : policy.metrics) {
        std::vector<Reading> readings;
        for (const Instance& instance : membership.instances)
            readings.push_back({.instance = instance.id,
                                .value = whole(draw.up_to(150)),
                                .capacity = whole(draw.between(1, 200))});
        all.samples[metric.name] = of_instances(metric)
                                       ? sample_of(std::move(readings))
                                       : sample_of(whole(draw.up_to(one_value(draw))));
    }
    return all;
}

/// Takes something away that was there. True: an instance's reading, for which Kubernetes fills in
/// what an instance at its target would report.
bool lose_something(Draw& draw, const Policy& policy, Observations& observed) {
    const MetricPolicy& metric =
        policy.metrics[static_cast<std::size_t>(draw.up_to(int(policy.metrics.size()) - 1))];
    Sample& sample = observed.samples[metric.name];
    if (of_instances(metric) && !sample.readings.empty() && draw.one_in(2)) {
        sample.readings.erase(sample.readings.begin() +
                              draw.up_to(int(sample.readings.size()) - 1));
        return true;
    }
    if (!of_instances(metric) && draw.one_in(2)) {
        const int missing = draw.between(1, 5);
        sample.coverage = Coverage{.seen = draw.between(1, 5)};
        sample.coverage->expected = sample.coverage->seen + missing;
    } else if (draw.one_in(3)) {
        observed.samples.erase(metric.name);
    } else {
        sample.quality = draw.one_in(2) ? Quality::absent : Quality::bad;
        sample.flaw = static_cast<Flaw>(draw.between(1, 11));
    }
    return false;
}

struct Case {
    Policy policy;
    History history;
    Observations observed;
    Membership membership;
};

History history(Draw& draw, int size) {
    History drawn{.last = start - 15s};
    if (draw.one_in(3)) drawn.peaks = {{.at = start - seconds{draw.up_to(90)}, .size = size + 2}};
    for (int i = draw.up_to(3); i > 0; --i)
        drawn.events.push_back(
            {.at = start - seconds{i * 20}, .added = draw.up_to(2), .removed = draw.up_to(2)});
    return drawn;
}

Case drawn_case(Draw& draw) {
    Case one{.policy = policy(draw)};
    one.membership.size = draw.between(0, 36);
    one.membership.instances = instances(draw, one.membership.size, start);
    one.history = history(draw, one.membership.size);
    one.observed = complete(draw, one.policy, one.membership);
    return one;
}

Decision decided(const Case& one) {
    return decide(one.policy, one.history, one.observed, one.membership, start);
}

TEST(ScalerProperties, NeverGoesBelowMinNorRaisesAboveMax) {
    Draw draw(1);
    int lowered = 0;
    int raised = 0;
    for (int round = 0; round < 5'000; ++round) {
        Case one = drawn_case(draw);
        one.policy.mode = draw.one_in(2) ? Mode::hpa : Mode::muster;
        if (draw.one_in(4)) lose_something(draw, one.policy, one.observed);
        const Decision decision = decided(one);
        const bool off = one.policy.mode == Mode::hpa && one.membership.size == 0;
        if (!off) EXPECT_GE(decision.size, one.policy.min) << round;
        EXPECT_LE(decision.size, std::max(one.policy.max, one.membership.size)) << round;
        if (one.policy.mode == Mode::hpa && decision.clamps.empty())
            EXPECT_LE(decision.size, one.policy.max) << round;
        lowered += decision.size < decision.was;
        raised += decision.size > decision.was;
    }
    EXPECT_GT(lowered, 300);
    EXPECT_GT(raised, 300);
}

void expect_no_lowering(std::uint64_t seed, Mode mode) {
    Draw draw(seed);
    int would_have = 0;
    for (int round = 0; round < 5'000; ++round) {
        Case one = drawn_case(draw);
        one.policy.mode = mode;
        one.membership.size = std::min(one.membership.size, one.policy.max);
        one.membership.instances = instances(draw, one.membership.size, start);
        for (Instance& instance : one.membership.instances) instance.phase = Phase::serving;
        one.observed = complete(draw, one.policy, one.membership);
        const bool lowers = decided(one).size < one.membership.size;
        const bool filled_in = lose_something(draw, one.policy, one.observed);
        if (filled_in && mode == Mode::hpa) continue;
        would_have += lowers;
        EXPECT_GE(decided(one).size, one.membership.size) << round;
    }
    EXPECT_GT(would_have, 150);
}

TEST(ScalerProperties, NeverLowersWithAnySampleMissing) {
    expect_no_lowering(2, Mode::muster);
}

TEST(ScalerProperties, NeverLowersInModeHpaWithWhatKubernetesDoesNotFillIn) {
    expect_no_lowering(7, Mode::hpa);
}

TEST(ScalerProperties, AsksForNoLessWhenThereIsMoreLoad) {
    Draw draw(3);
    int more = 0;
    for (int round = 0; round < 5'000; ++round) {
        Case one = drawn_case(draw);
        const int before = decided(one).size;
        for (auto& [name, sample] : one.observed.samples) {
            sample.value.count += draw.up_to(300'000'000);
            for (Reading& reading : sample.readings)
                reading.value.count += draw.one_in(2) ? draw.up_to(100'000'000) : 0;
        }
        const int after = decided(one).size;
        EXPECT_GE(after, before) << round;
        more += after > before;
    }
    EXPECT_GT(more, 150);
}

struct Tick {
    WallTime at;
    int was;
    int size;
    bool forced;  ///< below min: raised at once, whatever the budget
};

/// `ticks` of 15 s; each decision is carried out, and its history handed on.
std::vector<Tick> run(Draw& draw, const Policy& policy, int ticks) {
    std::vector<Tick> all;
    History history;
    Membership membership{.size = draw.between(policy.min, policy.max)};
    WallTime now = start;
    for (int tick = 0; tick < ticks; ++tick, now += 15s) {
        membership.instances = instances(draw, membership.size, now);
        Observations observed = complete(draw, policy, membership);
        if (draw.one_in(10)) lose_something(draw, policy, observed);
        const Decision decision = decide(policy, history, observed, membership, now);
        all.push_back({.at = now,
                       .was = decision.was,
                       .size = decision.size,
                       .forced = decision.was < policy.min});
        history = decision.next;
        membership.size = decision.size;
    }
    return all;
}

/// Of the window that ends with tick `last`.
void expect_within(const Budget& budget,
                   const std::vector<Tick>& ticks,
                   std::size_t last,
                   bool removals) {
    int changed = 0;
    int at_start = ticks[last].was;
    for (std::size_t i = last + 1; i-- > 0 && ticks[last].at - ticks[i].at < budget.window;) {
        const int change = removals ? ticks[i].was - ticks[i].size : ticks[i].size - ticks[i].was;
        changed += std::max(0, change);
        at_start = ticks[i].was;
    }
    const bool moved = ticks[last].was != ticks[last].size;
    if (!moved) return;
    int allowed = budget.count.value_or(0);
    if (budget.percent && *budget.percent > 0)
        allowed = std::max({allowed, 1, at_start * *budget.percent / 100});
    const bool this_way = removals == (ticks[last].size < ticks[last].was);
    if (this_way && !ticks[last].forced) EXPECT_LE(changed, allowed) << last;
}

TEST(ScalerProperties, KeepsItsBudgetsOverAnyWindow) {
    Draw draw(4);
    int changes = 0;
    for (int round = 0; round < 150; ++round) {
        const Policy drawn = policy(draw);
        const std::vector<Tick> ticks = run(draw, drawn, 120);
        for (std::size_t last = 0; last < ticks.size(); ++last) {
            changes += ticks[last].was != ticks[last].size;
            for (const Budget& budget : drawn.in.budgets) expect_within(budget, ticks, last, true);
            for (const Budget& budget : drawn.out.budgets)
                expect_within(budget, ticks, last, false);
        }
    }
    EXPECT_GT(changes, 500);
}

TEST(ScalerProperties, RemovesNoMoreThanItsCountInAnyWindowWhereverItBegins) {
    Draw draw(5);
    int removed_at_all = 0;
    for (int round = 0; round < 100; ++round) {
        Policy drawn = policy(draw);
        const Budget budget{.count = draw.between(1, 3), .window = seconds{draw.between(1, 300)}};
        drawn.in.budgets = {budget};
        const std::vector<Tick> ticks = run(draw, drawn, 120);
        for (WallTime begin = start - 300s; begin < ticks.back().at; begin += 5s) {
            int removed = 0;
            for (const Tick& tick : ticks)
                if (tick.at >= begin && tick.at < begin + budget.window)
                    removed += std::max(0, tick.was - tick.size);
            EXPECT_LE(removed, *budget.count) << round;
            removed_at_all += removed;
        }
    }
    EXPECT_GT(removed_at_all, 1000);
}

}  // namespace
}  // namespace muster::scaler
