#include "agent/outlier_detector.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using znodes::LbEvidence;
using znodes::Outlier;
using znodes::OutlierSign;

const BackendId one("b1");

/// A group seen by an LB, second by second.
class Detector {
 public:
    explicit Detector(config::OutlierSpec spec = {}) : outlier(std::move(spec)) {}

    /// So many answers came, of which so many were 5xx, and so many failed altogether.
    void add(const BackendId& backend,
             std::uint64_t answers,
             std::uint64_t errors,
             std::uint64_t failures = 0) {
        ServerCounters& counters = counted[backend];
        counters.answers += answers;
        counters.errors += errors;
        counters.failures += failures;
    }
    void look(std::chrono::nanoseconds after = 1s) {
        now += after;
        state = observe(std::move(state), outlier, epoch, counted, now);
    }
    /// Of b1: answers, 5xx, failures in a second.
    void second(std::uint64_t answers, std::uint64_t errors, std::uint64_t failures = 0) {
        add(one, answers, errors, failures);
        look();
    }
    [[nodiscard]] std::optional<LbEvidence> told() const {
        return evidence_of(state, outlier, {.stamp = {.cluster = "c"}}, now);
    }
    /// "b1 consecutive_5xx 5/5 #1", one after the other.
    [[nodiscard]] std::string text() const {
        const auto evidence = told();
        if (!evidence) return "";
        std::string text;
        for (const Outlier& o : evidence->outliers) {
            text += (text.empty() ? "" : "; ") + o.backend.str() + " " +
                    std::string(to_string(o.sign)) + " " + std::to_string(o.failed) + "/" +
                    std::to_string(o.answers) + " #" + std::to_string(o.finding);
        }
        return text;
    }

    config::OutlierSpec outlier;
    std::string epoch = "pid 1";
    GroupCounters counted{{one, {}}};
    OutlierState state;
    SteadyTime now{1h};
};

/// Ready to tell: the first look is where counting begins.
Detector begun(config::OutlierSpec spec = {}) {
    Detector detector(std::move(spec));
    detector.look();
    return detector;
}

TEST(OutlierDetector, FindsARowOfErrors) {
    // The header's timeline.
    Detector detector = begun();
    detector.second(10, 0);
    detector.second(4, 4);
    EXPECT_EQ(detector.text(), "");
    detector.second(0, 0);
    EXPECT_EQ(detector.text(), "") << "nothing came: nothing is said";
    detector.second(1, 1);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #1");
    detector.second(3, 3);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #1") << "it stands as it was found";
    detector.second(2, 2);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #2");
    detector.second(7, 6);
    EXPECT_EQ(detector.text(), "");
}

TEST(OutlierDetector, TakesAWindowWithBothForNoRow) {
    Detector detector = begun();
    for (int i = 0; i < 20; ++i) detector.second(5, 4);
    EXPECT_EQ(detector.text(), "");
    detector.second(4, 4);
    detector.second(1, 0);
    detector.second(4, 4);
    EXPECT_EQ(detector.text(), "") << "4 and 4 with a good one in between";
}

TEST(OutlierDetector, TellsFailuresFromErrors) {
    Detector detector = begun();
    detector.second(5, 0, 5);
    EXPECT_EQ(detector.text(), "b1 consecutive_gateway_failure 5/5 #1");
    detector = begun();
    detector.second(5, 2, 3);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #1") << "3 failures, 2 answers";
    detector = begun({.consecutive_5xx = 0});
    detector.second(50, 50);
    EXPECT_EQ(detector.text(), "") << "not counted";
    detector.second(5, 0, 5);
    EXPECT_EQ(detector.text(), "b1 consecutive_gateway_failure 5/5 #1");
    detector = begun({.consecutive_gateway_failure = 0});
    detector.second(5, 0, 5);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #1") << "no answer is no good one";
    detector = begun({.consecutive_5xx = 0, .consecutive_gateway_failure = 3});
    detector.second(2, 0, 2);
    detector.second(1, 1, 0);
    detector.second(2, 0, 2);
    EXPECT_EQ(detector.text(), "") << "an error is an answer";
}

TEST(OutlierDetector, EndsAnErrorRowByAnAnswerAndAGatewayRowByAnyAnswer) {
    Detector detector = begun();
    detector.second(9, 0, 9);
    ASSERT_EQ(detector.text(), "b1 consecutive_gateway_failure 9/9 #1");
    detector.second(1, 1);
    EXPECT_EQ(detector.text(), "") << "connected, and answered";
    detector.second(4, 4);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #2") << "the row of errors went on";
}

TEST(OutlierDetector, ForgetsWhatGotNothingForAnInterval) {
    Detector detector = begun({.interval = 10s});
    detector.second(5, 5);
    for (int i = 0; i < 10; ++i) {
        ASSERT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #1") << i;
        detector.second(0, 0);
    }
    detector.second(0, 0);
    EXPECT_EQ(detector.text(), "");
    detector.second(4, 4);
    EXPECT_EQ(detector.text(), "");
    detector.second(1, 1);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #2");
}

TEST(OutlierDetector, BeginsWhereItIsTold) {
    Detector detector;
    detector.second(1'000, 1'000);
    EXPECT_EQ(detector.text(), "") << "from before it looked";
    detector.second(4, 4);
    EXPECT_EQ(detector.text(), "");
    detector.second(1, 1);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #1");
}

TEST(OutlierDetector, BeginsAnewWithAnotherProcess) {
    Detector detector = begun();
    detector.second(100, 0);
    // It counts from 0 on, and is beyond where it was: 100 good ones and 10 errors, say.
    detector.epoch = "pid 2";
    detector.counted[one] = {.answers = 110, .errors = 10};
    detector.look();
    EXPECT_EQ(detector.text(), "") << "these are not the 10 that came after 100";
    detector.second(5, 5);
    EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #1");
}

TEST(OutlierDetector, TakesCountersThatRunBackwardsForNew) {
    for (const ServerCounters& less :
         {ServerCounters{.answers = 9, .errors = 20, .failures = 20},
          ServerCounters{.answers = 99, .errors = 0, .failures = 20},
          ServerCounters{.answers = 99, .errors = 20, .failures = 0}}) {
        Detector detector = begun();
        detector.second(20, 10, 10);
        detector = begun();
        detector.counted[one] = {.answers = 30, .errors = 10, .failures = 10};
        detector.look();
        detector.state.tracks[one].standing.reset();
        detector.state.tracks[one].failed = 0;
        detector.counted[one] = less;
        detector.look();
        EXPECT_EQ(detector.text(), "");
        detector.second(5, 5);
        EXPECT_EQ(detector.text(), "b1 consecutive_5xx 5/5 #1");
    }
}

TEST(OutlierDetector, ForgetsWhatTheLbHasNoMore) {
    Detector detector = begun();
    detector.second(5, 5);
    detector.counted.clear();
    detector.look();
    EXPECT_EQ(detector.text(), "");
    EXPECT_TRUE(detector.state.tracks.empty());
}

TEST(OutlierDetector, CountsThoseThatItHasSeen) {
    Detector detector = begun();
    const BackendId two("b2");
    const BackendId three("b3");
    detector.counted[two] = {};
    detector.counted[three] = {};
    detector.look();
    detector.add(two, 1, 0);
    detector.second(5, 5);
    ASSERT_TRUE(detector.told());
    EXPECT_EQ(detector.told()->seen, 2);
    EXPECT_EQ(detector.told()->found, 1);
    for (int i = 0; i < 11; ++i) detector.second(5, 5);
    EXPECT_EQ(detector.told()->seen, 1) << "b2 had its last one 11 s ago";
}

/// b1.. each with so many errors of 100 answers, in one interval.
std::string shares(const config::OutlierSpec& spec,
                   const std::vector<int>& errors,
                   int answers = 100) {
    Detector detector(spec);
    detector.counted.clear();
    for (std::size_t i = 1; i <= errors.size(); ++i)
        detector.counted[BackendId("b" + std::to_string(i))] = {};
    detector.look();
    for (std::size_t i = 1; i <= errors.size(); ++i)
        detector.add(BackendId("b" + std::to_string(i)),
                     static_cast<std::uint64_t>(answers),
                     static_cast<std::uint64_t>(errors[i - 1]));
    detector.look(5s);
    EXPECT_EQ(detector.text(), "") << "before the interval is over";
    detector.look(5s);
    return detector.text();
}

const config::OutlierSpec by_rate{.consecutive_5xx = 0,
                                  .success_rate = config::SuccessRateOutlier{}};
const config::OutlierSpec by_share{.consecutive_5xx = 0,
                                   .failure_percentage = config::FailurePercentageOutlier{}};

TEST(OutlierDetector, ComparesShares) {
    // 100, 100, 100, 100, 50: mean 90, deviation 20; below 90 - 1.9 x 20 = 52.
    EXPECT_EQ(shares(by_rate, {0, 0, 0, 0, 50}), "b5 success_rate 50/100 #1");
    EXPECT_EQ(shares(by_rate, {0, 0, 0, 50}), "") << "too few";
    EXPECT_EQ(shares(by_rate, {0, 0, 0, 0, 50}, 99), "") << "too few answers";
    EXPECT_EQ(shares(by_rate, {0, 0, 0, 50, 50}), "") << "too many to be an exception";
    EXPECT_EQ(shares(by_rate, {50, 50, 50, 50, 50}), "") << "all alike";
    EXPECT_EQ(shares(by_rate, {100, 100, 100, 100, 100}), "");
    config::OutlierSpec strict = by_rate;
    strict.success_rate->stdev_factor = 1'000;  // 100, 100, 100, 50, 50: 80 - 24.5
    EXPECT_EQ(shares(strict, {0, 0, 0, 50, 50}),
              "b4 success_rate 50/100 #1; b5 success_rate 50/100 #2");
}

TEST(OutlierDetector, LooksAtSharesByThemselves) {
    EXPECT_EQ(shares(by_share, {85, 84, 0, 0, 0}), "b1 failure_percentage 85/100 #1");
    EXPECT_EQ(shares(by_share, {85, 84, 0, 0}), "") << "too few";
    EXPECT_EQ(shares(by_share, {45, 0, 0, 0, 0}, 50), "b1 failure_percentage 45/50 #1");
    EXPECT_EQ(shares(by_share, {45, 0, 0, 0, 0}, 49), "") << "too few answers";
    EXPECT_EQ(shares({}, {85, 84, 0, 0, 0}), "") << "nobody asked";
}

TEST(OutlierDetector, LetsSharesStandForAnInterval) {
    Detector detector(by_share);
    for (int i = 2; i <= 5; ++i) detector.counted[BackendId("b" + std::to_string(i))] = {};
    detector.look();
    const auto interval = [&](std::uint64_t errors) {
        for (int second = 0; second < 10; ++second) {
            for (auto& [id, counters] : detector.counted) counters.answers += 100;
            detector.counted[one].errors += errors;
            detector.look();
        }
    };
    interval(90);
    EXPECT_EQ(detector.text(), "b1 failure_percentage 900/1000 #1");
    interval(95);
    EXPECT_EQ(detector.text(), "b1 failure_percentage 950/1000 #2");
    interval(10);
    EXPECT_EQ(detector.text(), "");
}

TEST(OutlierDetector, TellsTheWorstWhenThereAreTooMany) {
    Detector detector;
    detector.counted.clear();
    const auto name = [](int i) { return BackendId("b" + std::to_string(1'000 + i)); };
    for (int i = 0; i < 200; ++i) detector.counted[name(i)] = {};
    detector.look();
    for (int i = 0; i < 200; ++i) {
        const auto count = static_cast<std::uint64_t>(5 + i);
        detector.add(name(i), count, count);
    }
    detector.look();
    const auto evidence = detector.told();
    ASSERT_TRUE(evidence);
    EXPECT_EQ(evidence->found, 200);
    EXPECT_EQ(evidence->seen, 200);
    ASSERT_EQ(evidence->outliers.size(), 64U);
    EXPECT_EQ(evidence->outliers.front().backend, name(136)) << "sorted, those with the most";
    EXPECT_EQ(evidence->outliers.back().backend, name(199));
    EXPECT_TRUE(znodes::decode<LbEvidence>(encode([&] {
                                               LbEvidence named = *evidence;
                                               named.fleet = FleetName("edge");
                                               named.instance = InstanceId("lb1");
                                               return named;
                                           }()),
                                           "c"));
}

TEST(OutlierDetector, FitsIntoItsPlaceWhateverTheNames) {
    Detector detector;
    detector.counted.clear();
    for (int i = 0; i < 64; ++i)
        detector.counted[BackendId(std::string(500, '"') + std::to_string(i))] = {};
    detector.look();
    for (auto& [id, counters] : detector.counted) counters = {.answers = 5, .errors = 5};
    detector.look();
    const auto evidence = detector.told();
    ASSERT_TRUE(evidence);
    EXPECT_EQ(evidence->found, 64);
    EXPECT_LE(encode(*evidence).size(), znodes::max_evidence_bytes);
    EXPECT_GE(evidence->outliers.size(), 10U);
}

TEST(OutlierDetector, StandsWhateverTheCountersDo) {
    std::mt19937_64 random(7);
    Detector detector({.consecutive_5xx = 3,
                       .interval = 3s,
                       .success_rate =
                           config::SuccessRateOutlier{
                               .minimum_hosts = 2, .request_volume = 1, .stdev_factor = 100},
                       .failure_percentage = config::FailurePercentageOutlier{
                           .threshold = 10, .minimum_hosts = 2, .request_volume = 1}});
    int told = 0;
    for (int round = 0; round < 20'000; ++round) {
        const BackendId id("b" + std::to_string(random() % 6));
        switch (random() % 8) {
            case 0:
                detector.counted.erase(id);
                break;
            case 1:
                detector.counted[id] = {
                    .answers = random(), .errors = random(), .failures = random()};
                break;
            case 2:
                detector.epoch = std::to_string(random() % 3);
                break;
            default:
                detector.add(id, random() % 5, random() % 5, random() % 5);
        }
        detector.look(std::chrono::milliseconds(random() % 2'000));
        const auto evidence = detector.told();
        if (!evidence) continue;
        ++told;
        for (const Outlier& outlier : evidence->outliers) {
            EXPECT_GE(outlier.finding, 1);
            EXPECT_GT(outlier.failed, 0);
            EXPECT_LE(outlier.failed, outlier.answers);
            EXPECT_TRUE(detector.counted.contains(outlier.backend));
        }
    }
    EXPECT_GT(told, 1'000);
}

}  // namespace
}  // namespace muster::agent
