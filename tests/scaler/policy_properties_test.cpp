#include "scaler/decide.hpp"
#include "scaler/flips.hpp"
#include "scaler/history_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

// What holds of decisions with schedules, forecasts and all guards, drawn from a seed. Those of
// targets alone: properties_test.cpp.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start{std::chrono::sys_days{std::chrono::year{2026} / 3 / 29}};

class Draw {
 public:
    explicit Draw(std::uint64_t seed) : engine_(seed) {}
    int up_to(int most) { return std::uniform_int_distribution<int>(0, most)(engine_); }
    int between(int least, int most) { return least + up_to(most - least); }
    bool one_in(int many) { return up_to(many - 1) == 0; }

 private:
    std::mt19937_64 engine_;
};

SchedulePolicy schedule(Draw& draw) {
    const char* const crons[] = {
        "*/7 * * * *", "0 * * * *", "30 2 * * *", "0 0-3 * * sun", "5 1 29 * 1"};
    const char* const zones[] = {"UTC", "Europe/Berlin", "Australia/Lord_Howe"};
    SchedulePolicy drawn{.time_zone = zones[draw.up_to(2)]};
    for (int i = draw.between(1, 2); i > 0; --i)
        drawn.entries.push_back({.start = parse_cron(crons[draw.up_to(4)]).value(),
                                 .length = seconds{60 * draw.between(1, 200)},
                                 .size = draw.up_to(25)});
    return drawn;
}

Policy policy(Draw& draw) {
    Policy drawn{.min = draw.up_to(4),
                 .metrics = {{.name = "rps", .rule = TargetPolicy{.target = whole(100)}}},
                 .out = {.budgets = {{.count = draw.between(1, 6), .window = 60s}}},
                 .in = {.window = seconds{draw.up_to(3) * 60},
                        .budgets = {{.count = draw.between(1, 3), .window = 90s}},
                        .warm_up = 60s}};
    drawn.max = drawn.min + draw.between(1, 25);
    if (draw.one_in(2)) {
        const auto measure = draw.one_in(2) ? Measure::value : Measure::average_of_instances;
        drawn.metrics.push_back(
            {.name = "other", .rule = TargetPolicy{.measure = measure, .target = whole(50)}});
    }
    if (draw.one_in(2)) drawn.metrics.push_back({.name = "hours", .rule = schedule(draw)});
    if (draw.one_in(2))
        drawn.metrics.push_back({.name = "week",
                                 .rule = ForecastPolicy{.target = whole(100),
                                                        .season = 1h,
                                                        .seasons = 4,
                                                        .ahead = seconds{60 * draw.between(1, 9)},
                                                        .observe_only = draw.one_in(4)}});
    if (draw.one_in(2)) drawn.watch.errors = TrendPolicy{.floor = whole(2), .window = 300s};
    if (draw.one_in(2)) drawn.watch.unhealthy = TrendPolicy{.floor = whole(20), .window = 300s};
    if (draw.one_in(2))
        drawn.effectiveness =
            EffectivenessPolicy{.after = draw.between(1, 3), .hold = seconds{60 * draw.up_to(10)}};
    return drawn;
}

/// A fleet over time; what is decided is carried out, and serves a minute later.
struct World {
    Draw draw;
    Policy policy;
    Membership membership;
    Observations observed;
    Series week{.last = start, .step = 60s};
    WallTime now = start;
    int next_id = 0;
    int load = 500;

    explicit World(std::uint64_t seed) : draw(seed) {
        policy = scaler::policy(draw);
        membership.size = draw.between(policy.min, policy.max);
        for (int i = 0; i < 5 * 60; ++i) week.values.emplace_back(whole(draw.between(900, 1500)));
        follow();
    }
    /// Instances to the size, and their state now.
    void follow() {
        auto& all = membership.instances;
        while (static_cast<int>(all.size()) < membership.size)
            all.push_back({.id = "lb-" + std::to_string(next_id++), .since = now});
        all.resize(static_cast<std::size_t>(membership.size));
        for (Instance& one : all) {
            one.phase = now - one.since < 60s ? Phase::booting : Phase::serving;
            one.warmed = now - one.since >= 120s;
            one.healthy = !draw.one_in(40);
        }
    }
    /// All that can be known now.
    void observe() {
        load = std::clamp(load + draw.between(-200, 200), 0, 3000);
        observed = {};
        observed.samples["rps"] = sample_of(whole(load));
        const MetricPolicy* other = policy.metrics.size() > 1 && policy.metrics[1].name == "other"
                                        ? &policy.metrics[1]
                                        : nullptr;
        if (other != nullptr) {
            std::vector<Reading> readings;
            for (const Instance& one : membership.instances)
                readings.push_back({.instance = one.id, .value = whole(draw.up_to(70))});
            const bool of_instances =
                std::get<TargetPolicy>(other->rule).measure == Measure::average_of_instances;
            observed.samples["other"] =
                of_instances ? sample_of(readings) : sample_of(whole(draw.up_to(70)));
        }
        observed.errors = sample_of(whole(draw.one_in(25) ? 9 : 1));
        while (now - week.last >= week.step) {
            week.last += week.step;
            week.values.erase(week.values.begin());
            week.values.emplace_back(whole(load));
        }
        observed.series["week"] = week;
        if (draw.one_in(500)) membership.creates = after_failure(membership.creates, now);
    }
    /// Takes something away that was there, or makes it bad.
    void lose_something() {
        switch (draw.up_to(3)) {
            case 0:
                observed.samples.erase("rps");
                break;
            case 1:
                observed.samples["rps"] = {.quality = Quality::bad,
                                           .flaw = static_cast<Flaw>(draw.between(1, 10))};
                break;
            case 2:
                observed.samples["rps"].coverage = Coverage{.seen = 1, .expected = 2};
                break;
            case 3:
                observed.samples["rps"].value.count = -1;
                break;
        }
    }
    [[nodiscard]] Decision decided(const History& history) const {
        return decide(policy, history, observed, membership, now);
    }
    void carry_out(const Decision& decision) {
        membership.size = decision.size;
        now += 15s;
        follow();
    }
};

History restored(const History& history) {
    const auto text = boost::json::serialize(json_of(history));
    const auto read = read_history(boost::json::parse(text).as_object());
    EXPECT_TRUE(read.has_value()) << (read ? "" : read.error());
    return read.value_or(History{});
}

TEST(PolicyProperties, AFailoverAtAnyTickChangesNoDecision) {
    int changes = 0;
    int differences = 0;
    for (std::uint64_t seed = 0; seed < 80; ++seed) {
        World world(seed);
        History kept;
        History handed_over;
        for (int tick = 0; tick < 200; ++tick) {
            world.observe();
            if (world.draw.one_in(12)) world.lose_something();
            const Decision decision = world.decided(kept);
            const bool failover = world.draw.one_in(5);
            const Decision after = world.decided(failover ? restored(handed_over) : handed_over);
            differences += !(decision == after);
            changes += decision.size != decision.was;
            kept = decision.next;
            handed_over = after.next;
            world.carry_out(decision);
        }
    }
    EXPECT_EQ(differences, 0);
    EXPECT_GT(changes, 600);
}

TEST(PolicyProperties, EqualInputsGiveEqualDecisions) {
    for (std::uint64_t seed = 100; seed < 130; ++seed) {
        World world(seed);
        History history;
        for (int tick = 0; tick < 60; ++tick) {
            world.observe();
            const Decision decision = world.decided(history);
            EXPECT_EQ(decision, world.decided(history)) << seed;
            EXPECT_EQ(boost::json::serialize(json_of(decision.next)),
                      boost::json::serialize(json_of(world.decided(history).next)));
            history = decision.next;
            world.carry_out(decision);
        }
    }
}

TEST(PolicyProperties, MinMaxAndBudgetsHoldWhateverIsMixed) {
    int by_clock = 0;
    int held = 0;
    int forecasts = 0;
    for (std::uint64_t seed = 200; seed < 300; ++seed) {
        World world(seed);
        History history;
        std::vector<std::pair<WallTime, int>> changes;
        for (int tick = 0; tick < 200; ++tick) {
            world.observe();
            if (world.draw.one_in(12)) world.lose_something();
            const Decision decision = world.decided(history);
            EXPECT_GE(decision.size, world.policy.min) << seed;
            EXPECT_LE(decision.size, std::max(world.policy.max, decision.was)) << seed;
            const int change = decision.size - decision.was;
            changes.emplace_back(world.now, change);
            int added = 0;
            int removed = 0;
            for (const auto& [at, one] : changes) {
                if (world.now - at < world.policy.out.budgets[0].window) added += std::max(0, one);
                if (world.now - at < world.policy.in.budgets[0].window)
                    removed += std::max(0, -one);
            }
            if (change > 0) EXPECT_LE(added, *world.policy.out.budgets[0].count) << seed;
            if (change < 0) EXPECT_LE(removed, *world.policy.in.budgets[0].count) << seed;
            for (const Proposal& one : decision.proposals) {
                by_clock += one.metric == "hours" && one.size == decision.wanted && change > 0;
                forecasts += one.metric == "week" && one.size == decision.wanted && change > 0;
            }
            for (const Clamp& clamp : decision.clamps)
                held += clamp.cause == Cause::ineffective || clamp.cause == Cause::unproven ||
                        clamp.cause == Cause::failed_creates;
            history = decision.next;
            world.carry_out(decision);
        }
    }
    EXPECT_GT(by_clock, 30) << "the cases have schedules that raise,";
    EXPECT_GT(forecasts, 30) << "forecasts that raise,";
    EXPECT_GT(held, 100) << "and guards that hold";
}

/// An HPA has targets and watches alone.
void bring_to_hpa(World& world) {
    world.policy.mode = Mode::hpa;
    world.policy.effectiveness.reset();
    std::erase_if(world.policy.metrics, [](const MetricPolicy& one) {
        return !std::holds_alternative<TargetPolicy>(one.rule);
    });
}

void expect_no_lowering(Mode mode) {
    int would_have = 0;
    for (std::uint64_t seed = 300; seed < 400; ++seed) {
        World world(seed);
        if (mode == Mode::hpa) bring_to_hpa(world);
        History history;
        for (int tick = 0; tick < 120; ++tick) {
            world.observe();
            const Decision clean = world.decided(history);
            World spoiled = world;
            spoiled.lose_something();
            const int size = spoiled.decided(history).size;
            const bool above_max = world.membership.size > world.policy.max;
            if (!above_max) EXPECT_GE(size, world.membership.size) << seed;
            would_have += clean.size < clean.was;
            history = clean.next;
            world.carry_out(clean);
        }
    }
    EXPECT_GT(would_have, 300);
}

TEST(PolicyProperties, MissingOrBadDataNeverLowersWhateverIsMixed) {
    expect_no_lowering(Mode::muster);
}

TEST(PolicyProperties, MissingOrBadDataNeverLowersInModeHpaEither) {
    expect_no_lowering(Mode::hpa);
}

TEST(PolicyProperties, WithoutItsPastAForecastThatActsLowersNothing) {
    int would_have = 0;
    for (std::uint64_t seed = 400; seed < 460; ++seed) {
        World world(seed);
        std::erase_if(world.policy.metrics,
                      [](const MetricPolicy& one) { return one.name == "week"; });
        world.policy.metrics.push_back(
            {.name = "week",
             .rule = ForecastPolicy{
                 .target = whole(100), .season = 1h, .seasons = 4, .observe_only = false}});
        History history;
        for (int tick = 0; tick < 120; ++tick) {
            world.observe();
            const Decision clean = world.decided(history);
            World spoiled = world;
            spoiled.observed.series.clear();
            if (history.forecasts["week"].active && history.forecasts["week"].made) {
                EXPECT_GE(spoiled.decided(history).size, world.membership.size) << seed;
                would_have += clean.size < clean.was;
            }
            history = clean.next;
            world.carry_out(clean);
        }
    }
    EXPECT_GT(would_have, 50);
}

TEST(PolicyProperties, MoreLoadNeverGivesLessAndFlipsFlip) {
    int raised = 0;
    for (std::uint64_t seed = 500; seed < 560; ++seed) {
        World world(seed);
        History history;
        for (int tick = 0; tick < 80; ++tick) {
            world.observe();
            const Decision decision = world.decided(history);
            World busier = world;
            busier.observed.samples["rps"].value.count += world.draw.up_to(400) * 1'000'000;
            EXPECT_GE(busier.decided(history).size, decision.size) << seed;
            if (tick % 20 == 19) {
                for (const Flip& flip :
                     flips(world.policy, history, world.observed, world.membership, world.now)) {
                    if (flip.metric != "rps" || !flip.raises_from) continue;
                    ++raised;
                    busier.observed.samples["rps"].value = *flip.raises_from;
                    EXPECT_GT(busier.decided(history).size, decision.size) << seed;
                    --busier.observed.samples["rps"].value.count;
                    EXPECT_LE(busier.decided(history).size, decision.size) << seed;
                }
            }
            history = decision.next;
            world.carry_out(decision);
        }
    }
    EXPECT_GT(raised, 30);
}

TEST(PolicyProperties, WhatIsRememberedStaysSmall) {
    std::size_t largest = 0;
    for (std::uint64_t seed = 600; seed < 612; ++seed) {
        World world(seed);
        History history;
        for (int tick = 0; tick < 500; ++tick) {
            world.observe();
            const Decision decision = world.decided(history);
            history = decision.next;
            world.carry_out(decision);
        }
        largest = std::max(largest, boost::json::serialize(json_of(history)).size());
    }
    EXPECT_LT(largest, 32u * 1024);
}

}  // namespace
}  // namespace muster::scaler
