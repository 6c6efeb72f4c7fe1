// What ejections of outliers do to the set that gets traffic.
#include "common/znodes/rotation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace muster::znodes {
namespace {

using namespace std::chrono_literals;
using config::Admin;
using enum RotationReason;

const WallTime now = WallTime(1'700'000'000'000ms);

Ejection ejection(std::chrono::milliseconds ago = 10s, std::chrono::milliseconds left = 20s) {
    return {.since = now - ago, .until = now + left, .lbs = 2, .of = 3};
}

/// b0.. with these letters; those in small letters are ejected, the first for longest.
std::vector<BackendView> group(std::string_view letters) {
    std::vector<BackendView> backends;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        const char c = letters[i];
        const char big = c == '!' ? '?' : static_cast<char>(std::toupper(c));
        BackendView view{.id = BackendId("b" + std::to_string(i)),
                         .verdict = static_cast<Letter>(big),
                         .since = now - 1h};
        if (c != big) view.ejection = ejection(100s - std::chrono::seconds(i));
        backends.push_back(view);
    }
    return backends;
}

RotationPolicy policy(int percent, int max_eject = 100, int enter = 0, int exit = 0) {
    return {.max_eject_percent = max_eject,
            .panic_enter_percent = enter,
            .panic_exit_percent = exit,
            .max_ejection_percent = percent,
            .max_ejection_time = 5min};
}

/// '+' in, '-' out, 'o' out as an outlier, 'c' in although one, 'p' in for panic.
std::string shape(const Rotation& rotation) {
    std::string shape;
    for (const RotationEntry& entry : rotation.entries) {
        char c = entry.in ? '+' : '-';
        if (entry.reason == outlier) c = entry.in ? 'X' : 'o';
        if (entry.reason == outlier_capped) c = entry.in ? 'c' : 'X';
        if (entry.reason == panic) c = entry.in ? 'p' : 'X';
        shape += c;
    }
    return shape;
}

struct Row {
    const char* name;
    const char* letters;
    RotationPolicy policy;
    const char* expected;
};

TEST(RotationOfOutliers, HasTheseBounds) {
    const Row rows[] = {
        {"one of ten", "uUUUUUUUUU", policy(10), "o+++++++++"},
        {"two of ten, room for one: the one held for longer",
         "UuuUUUUUUU",
         policy(10),
         "+oc+++++++"},
        {"two of ten, room for two", "UuuUUUUUUU", policy(20), "+oo+++++++"},
        {"less than one is one", "uUU", policy(10), "o++"},
        {"none is none", "uUUUUUUUUU", policy(0), "++++++++++"},
        {"all may go, but the last", "uuu", policy(100), "ooc"},
        {"the only one", "u", policy(100), "c"},
        {"the last that is not DOWN", "uDD", policy(100), "c--"},
        {"beside one that is not DOWN", "uUD", policy(100), "o+-"},
        {"beside an unknown one", "u?", policy(100), "o+"},
        {"unknown itself", "!UU", policy(100), "o++"},
        {"degraded itself", "gUU", policy(100), "o++"},
        {"DOWN is DOWN", "dUU", policy(100), "-++"},
        {"DOWN has the room of max_eject first", "uDUUUUUUUU", policy(100, 10), "c-++++++++"},
        {"what DOWN leaves of max_eject", "uuDUUUUUUU", policy(100, 20), "oc-+++++++"},
        {"max_eject 0 holds for all", "uDUUUUUUUU", policy(100, 0), "c+++++++++"},
        {"ten of twenty, 25 %", "uuuuuuuuuuUUUUUUUUUU", policy(25), "oooooccccc++++++++++"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(shape(rotation(group(row.letters), row.policy, false, now)), row.expected);
    }
}

TEST(RotationOfOutliers, GivesPeopleAndBackendsTheFirstWord) {
    const auto reason_of = [](BackendView view) {
        std::vector<BackendView> backends = group("UUU");
        view.id = BackendId("x");
        view.ejection = ejection();
        backends.push_back(view);
        const RotationEntry entry = rotation(backends, policy(100), false, now).entries.back();
        EXPECT_FALSE(entry.in);
        return entry.reason;
    };
    const auto says = [](Intent intent) {
        return SharedValue<Intents>(Intents{.reply = LeasedIntent{intent, now + 1h}});
    };
    EXPECT_EQ(reason_of({.verdict = Letter::up}), outlier);
    EXPECT_EQ(reason_of({.admin = Admin::drain, .verdict = Letter::up}), drain);
    EXPECT_EQ(reason_of({.admin = Admin::maintenance, .verdict = Letter::up}), maintenance);
    EXPECT_EQ(reason_of({.weight = 0, .verdict = Letter::up}), zero_weight);
    EXPECT_EQ(reason_of({.verdict = Letter::down}), down);
    EXPECT_EQ(
        reason_of({.verdict = Letter::up, .intents = says({.serving = Intent::Serving::down})}),
        own_down);
    EXPECT_EQ(reason_of({.verdict = Letter::up, .intents = says({.wish = Intent::Wish::drain})}),
              own_drain);
    EXPECT_EQ(reason_of({.verdict = Letter::up, .intents = says({.weight_percent = 0})}),
              own_weight);
    EXPECT_EQ(reason_of({.verdict = Letter::up, .intents = says({.weight_percent = 50})}), outlier);
}

TEST(RotationOfOutliers, EndsByTheReadersClockWhoeverIsGone) {
    const auto at = [](WallTime time) {
        std::vector<BackendView> backends = group("UUU");
        backends[0].ejection = ejection(10s, 20s);
        return shape(rotation(backends, policy(10), false, time));
    };
    EXPECT_EQ(at(now), "o++");
    EXPECT_EQ(at(now + 19'999ms), "o++");
    EXPECT_EQ(at(now + 20s), "+++");
    EXPECT_EQ(at(now + 24h), "+++");
    EXPECT_EQ(at(now - 11s), "o++") << "a clock that is a second behind";
    EXPECT_EQ(at(now - 4min - 45s), "o++") << "all of max_ejection_time and 5 s left";
    EXPECT_EQ(at(now - 4min - 46s), "+++") << "no ejection is that long: a clock is wrong";
}

TEST(RotationOfOutliers, PanicPutsThemIn) {
    struct Case {
        const char* name;
        const char* letters;
        bool was;
        const char* expected;
    };
    // enter 50, exit 60; all may be ejected.
    const Case cases[] = {
        {"5 of 10 out: no panic", "uuuuuUUUUU", false, "ooooo+++++"},
        {"6 of 10 out", "uuuuuuUUUU", false, "pppppp++++"},
        {"ejected and DOWN count together", "uuuDDDUUUU", false, "pppppp++++"},
        {"it goes on below 60 %", "uuuuuUUUUU", true, "ppppp+++++"},
        {"and ends at 60 %", "uuuuUUUUUU", true, "oooo++++++"},
        {"an unknown one isn't healthy", "!uuUUUUU??", true, "ppp+++++++"},
        {"nor does it begin a panic", "!uuUUU????", false, "ooo+++++++"},
    };
    for (const Case& row : cases) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(shape(rotation(group(row.letters), policy(100, 100, 50, 60), row.was, now)),
                  row.expected);
    }
}

TEST(RotationOfOutliers, KeepWhatTheySayOfHealth) {
    const Rotation result = rotation(group("uUD?"), policy(100), false, now);
    EXPECT_EQ(result.healthy_percent, 50) << "a verdict is a verdict";
    EXPECT_EQ(result.down_percent, 25);
}

TEST(RotationOfOutliers, HoldTheseWhateverThereIs) {
    std::mt19937 random(4711);
    const auto number = [&](int least, int most) {
        return std::uniform_int_distribution(least, most)(random);
    };
    int held_out = 0;
    for (int round = 0; round < 5'000; ++round) {
        std::vector<BackendView> backends;
        for (int n = number(0, 20); n > 0; --n) {
            BackendView view{.id = BackendId("b" + std::to_string(n)),
                             .admin = static_cast<Admin>(std::max(0, number(-8, 2))),
                             .weight = number(0, 9) == 0 ? 0 : 100,
                             .verdict = static_cast<Letter>("UUUD?G"[number(0, 5)]),
                             .since = now - std::chrono::seconds(number(0, 100))};
            if (number(0, 1) == 0)
                view.ejection = ejection(std::chrono::seconds(number(0, 50)),
                                         std::chrono::seconds(number(-10, 400)));
            backends.push_back(view);
        }
        const RotationPolicy some =
            policy(number(0, 100), number(0, 100), number(0, 1) * number(0, 100), number(0, 100));
        const bool was = number(0, 1) == 0;
        const Rotation result = rotation(backends, some, was, now);

        // Without ejections: what differs is what they did.
        std::vector<BackendView> without = backends;
        for (BackendView& view : without) view.ejection = {};
        const Rotation plain = rotation(without, some, was, now);
        int enabled = 0;
        int out = 0;
        int left = 0;
        int out_as_down = 0;
        for (std::size_t i = 0; i < backends.size(); ++i) {
            const bool is_enabled = backends[i].admin == Admin::active && backends[i].weight > 0;
            enabled += is_enabled ? 1 : 0;
            const RotationEntry& entry = result.entries[i];
            out += entry.reason == outlier ? 1 : 0;
            out_as_down += is_enabled && entry.reason == down ? 1 : 0;
            left += entry.in && backends[i].verdict != Letter::down ? 1 : 0;
            if (!is_enabled || backends[i].verdict == Letter::down) {
                EXPECT_NE(entry.reason, outlier);
                EXPECT_NE(entry.reason, outlier_capped);
            }
            if (entry.reason == outlier) {
                EXPECT_FALSE(entry.in);
                EXPECT_TRUE(holds(backends[i].ejection, 5min, now));
                EXPECT_FALSE(result.panic);
            } else if (!result.panic && !plain.panic) {
                EXPECT_EQ(entry.in, plain.entries[i].in) << "nobody else pays for it";
            }
        }
        held_out += out;
        if (result.panic) EXPECT_EQ(out, 0);
        EXPECT_LE(out,
                  some.max_ejection_percent == 0
                      ? 0
                      : std::max(1, enabled * some.max_ejection_percent / 100));
        EXPECT_LE(out + out_as_down, enabled * some.max_eject_percent / 100);
        if (out > 0) EXPECT_GE(left, 1) << "never the last one";
    }
    EXPECT_GT(held_out, 2'000) << "or this tells nothing";
}

TEST(Ejections, GrowAndFade) {
    const config::OutlierSpec outlier{};  // 30 s, 5 min at most, one less each 10 s
    SharedValue<Ejection> last;
    std::vector<int> seconds;
    WallTime time = now;
    for (int i = 0; i < 12; ++i) {
        const Ejection next = next_ejection(last, outlier, time);
        seconds.push_back(static_cast<int>((next.until - next.since) / 1s));
        EXPECT_EQ(next.times, i + 1);
        time = next.until;
        last = next;
    }
    EXPECT_EQ(seconds, (std::vector<int>{30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300}));
    EXPECT_EQ(times_left(*last, 10s, time), 12);
    EXPECT_EQ(times_left(*last, 10s, time + 9'999ms), 12);
    EXPECT_EQ(times_left(*last, 10s, time + 10s), 11);
    EXPECT_EQ(times_left(*last, 10s, time + 119s), 1);
    EXPECT_EQ(times_left(*last, 10s, time + 120s), 0);
    EXPECT_EQ(times_left(*last, 10s, time + 24h * 365), 0);
    EXPECT_EQ(times_left(*last, 10s, time - 1h), 12) << "a clock that ran backwards";
    EXPECT_EQ(next_ejection(last, outlier, time + 110s).times, 2);
    EXPECT_EQ(next_ejection(last, outlier, time + 120s).times, 1);
}

TEST(Ejections, HoldUntilTheirTime) {
    const SharedValue<Ejection> some = ejection(0s, 30s);
    EXPECT_FALSE(holds({}, 5min, now));
    EXPECT_TRUE(holds(some, 5min, now));
    EXPECT_TRUE(holds(some, 5min, now + 29'999ms));
    EXPECT_FALSE(holds(some, 5min, now + 30s));
    EXPECT_TRUE(holds(some, 30s, now - 5s));
    EXPECT_FALSE(holds(some, 30s, now - 5'001ms));
    for (const auto& end : {253'402'300'799'999ms, 18'446'744'073'710ms, 9'223'372'036'855ms}) {
        const SharedValue<Ejection> endless = Ejection{.since = now, .until = WallTime(end)};
        EXPECT_FALSE(holds(endless, 24h, now)) << end.count();
        EXPECT_EQ(times_left(*endless, 1h, now), 1);
    }
}

TEST(OutlierSigns, AreWrittenAndRead) {
    for (const OutlierSign sign : {OutlierSign::consecutive_5xx,
                                   OutlierSign::consecutive_gateway_failure,
                                   OutlierSign::success_rate,
                                   OutlierSign::failure_percentage})
        EXPECT_EQ(outlier_sign(to_string(sign)), sign);
    EXPECT_EQ(outlier_sign("consecutive"), std::nullopt);
    EXPECT_EQ(outlier_sign(""), std::nullopt);
}

}  // namespace
}  // namespace muster::znodes
