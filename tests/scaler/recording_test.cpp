#include "scaler/recording.hpp"

#include "scaler/decide.hpp"
#include "scaler/recording_codec.hpp"
#include "scaler/recording_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

// What is written is what is read, to the byte; what was changed is told with its place.
namespace muster::scaler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::StartsWith;

constexpr WallTime start{std::chrono::seconds(1'772'366'400)};

Policy policy() {
    return {
        .min = 2,
        .max = 12,
        .metrics = {{.name = "rps",
                     .rule =
                         TargetPolicy{.measure = Measure::average_of_total, .target = whole(100)}},
                    {.name = "cpu",
                     .rule = TargetPolicy{.measure = Measure::utilization, .target = whole(60)}},
                    {.name = "ahead",
                     .rule = ForecastPolicy{.target = whole(100),
                                            .season = 300s,
                                            .seasons = 3,
                                            .observe_only = false}}},
        .in = {.window = 60s, .budgets = {{.count = 1, .window = 30s}}},
        .watch = {.errors = TrendPolicy{.window = 60s}, .unhealthy = TrendPolicy{}},
        .effectiveness = EffectivenessPolicy{}};
}

/// A live fleet, with all that can happen to its observations.
std::string recorded(int ticks, std::uint64_t seed, RecordingWriter& writer) {
    std::mt19937_64 engine(seed);
    const auto up_to = [&](int most) {
        return std::uniform_int_distribution<int>(0, most)(engine);
    };
    std::string text =
        writer.header({.fleet = "edge", .period = 1s, .policy = "kind: \"fleet\"\n"});
    History history;
    Membership membership{.size = 3};
    Series series{.last = start, .step = 10s};
    int made = 0;
    for (int i = 0; i < ticks; ++i) {
        const WallTime now = start + i * 1s;
        while (static_cast<int>(membership.instances.size()) < membership.size)
            membership.instances.push_back({.id = "edge-1-" + std::to_string(made++),
                                            .phase = static_cast<Phase>(up_to(8)),
                                            .since = now - 90s,
                                            .healthy = up_to(9) != 0,
                                            .warmed = up_to(9) != 0});
        while (static_cast<int>(membership.instances.size()) > membership.size)
            membership.instances.pop_back();
        if (up_to(99) == 0) membership.creates = {.failures = 1 + up_to(3), .last = now};
        Observations observed;
        observed.samples["rps"] = sample_of(Micros{.count = up_to(1'000'000'000)});
        observed.samples["rps"].age = seconds{up_to(9)};
        if (up_to(5) == 0) observed.samples["rps"].coverage = Coverage{.seen = 2, .expected = 3};
        if (up_to(9) == 0)
            observed.samples["rps"] = {.quality = Quality::bad, .flaw = Flaw::infinite};
        std::vector<Reading> readings;
        for (const Instance& one : membership.instances)
            readings.push_back({.instance = one.id,
                                .value = Micros{.count = up_to(90'000'000)},
                                .capacity = whole(1 + up_to(200))});
        observed.samples["cpu"] = sample_of(readings);
        observed.trends.latency = static_cast<Trend>(up_to(3));
        observed.errors = sample_of(whole(up_to(20)));
        if (i % 10 == 0) {
            series.last = now;
            series.values.push_back(up_to(9) == 0 ? std::nullopt
                                                  : std::optional(whole(up_to(1000))));
            if (series.values.size() > 100) series.values.erase(series.values.begin());
        }
        if (up_to(49) != 0) observed.series["ahead"] = series;
        if (up_to(19) == 0) observed.pause = static_cast<Pause>(up_to(3));
        Decision decision = decide(policy(), history, observed, membership, now);
        text += writer.tick(now, history, observed, membership, decision).value();
        if (up_to(3) == 0) {  // not carried out
            if (decision.size != decision.was) decision.next.events.pop_back();
        } else {
            membership.size = decision.size;
        }
        history = decision.next;
    }
    return text;
}

TEST(Recording, ReplaysToTheByte) {
    RecordingWriter writer;
    const std::string text = recorded(1800, 1, writer);
    const auto recording = read_recording(text, "edge.rec");
    ASSERT_TRUE(recording) << recording.error();
    ASSERT_EQ(recording->parts.size(), 1U);
    EXPECT_EQ(recording->parts[0].header,
              (RecordingHeader{.fleet = "edge", .period = 1s, .policy = "kind: \"fleet\"\n"}));
    const Replay replayed = replay(recording->parts[0], policy());
    EXPECT_EQ(replayed.ticks, 1800U);
    EXPECT_EQ(replayed.differences, 0U) << replayed.first->where << " " << replayed.first->line;
    for (const char* part : {"\"forecasts\":", "\"trends\":", "\"creates\":", "\"growth\":"})
        EXPECT_NE(text.find(part), std::string::npos) << part;
}

TEST(Recording, FindsTheTickOfATime) {
    RecordingWriter writer;
    std::string text = recorded(60, 3, writer);
    const auto find = [&](WallTime at) {
        const auto found = find_tick(text, "edge.rec", at);
        EXPECT_TRUE(found) << found.error();
        return found ? *found : std::nullopt;
    };
    EXPECT_FALSE(find(start - 1ms));
    for (const auto at : {0ms, 17'000ms, 17'999ms, 59'000ms, 86'400'000ms}) {
        const auto found = find(start + at);
        ASSERT_TRUE(found);
        const auto tick = std::min(start + std::chrono::floor<seconds>(at), start + 59s);
        EXPECT_EQ(found->tick.at, WallTime(tick));
        EXPECT_EQ(found->header.fleet, "edge");
        // With its series, which the lines before have brought.
        EXPECT_EQ(canonical(decide(policy(),
                                   found->tick.history,
                                   found->tick.observed,
                                   *found->tick.membership,
                                   found->tick.at)),
                  found->tick.decision);
    }
    // What comes after it is of no matter; what comes before it is.
    const std::size_t middle = text.find("\n", text.size() / 2);
    text[middle - 40] ^= 1;
    EXPECT_EQ(find(start + 2s)->tick.at, start + 2s);
    EXPECT_FALSE(find_tick(text, "edge.rec", start + 59s));
    EXPECT_FALSE(*find_tick("", "edge.rec", start));
    EXPECT_FALSE(*find_tick(text.substr(0, 30), "edge.rec", start));
    EXPECT_FALSE(find_tick("{\"time\":\"2026-03-01T12:00:00Z\"}\n", "edge.rec", start));
}

TEST(Recording, TellsTheFirstDifferenceOfAnotherPolicy) {
    RecordingWriter writer;
    const auto recording = read_recording(recorded(50, 2, writer), "edge.rec");
    ASSERT_TRUE(recording) << recording.error();
    Policy other = policy();
    other.min = 9;
    const Replay replayed = replay(recording->parts[0], other);
    EXPECT_GT(replayed.differences, 10U);
    ASSERT_TRUE(replayed.first);
    EXPECT_EQ(replayed.first->line, 2);
    EXPECT_EQ(replayed.first->where, "size");
    EXPECT_EQ(replayed.first->replayed, "9");
}

TEST(Recording, EveryChangedByteIsToldWithItsLine) {
    RecordingWriter writer;
    const std::string text = recorded(30, 3, writer);
    std::mt19937_64 engine(3);
    for (int round = 0; round < 400; ++round) {
        std::string changed = text;
        const std::size_t at = engine() % changed.size();
        const char was = changed[at];
        if (was == '\n') continue;
        while (changed[at] == was || changed[at] == '\n')
            changed[at] = static_cast<char>(engine() % 256);
        const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n');
        const auto recording = read_recording(changed, "edge.rec");
        ASSERT_FALSE(recording) << "byte " << at;
        EXPECT_THAT(recording.error(), StartsWith("edge.rec:" + std::to_string(line) + ": "))
            << "byte " << at;
    }
}

TEST(Recording, ALineLessIsToldToo) {
    RecordingWriter writer;
    const std::string text = recorded(5, 4, writer);
    const std::size_t second = text.find('\n') + 1;
    const std::size_t third = text.find('\n', second) + 1;
    const auto recording = read_recording(text.substr(0, second) + text.substr(third), "edge.rec");
    ASSERT_FALSE(recording);
    EXPECT_THAT(recording.error(), StartsWith("edge.rec:2: the hash isn't"));
}

TEST(Recording, ALineThatACrashCutShortIsToldAndNoError) {
    RecordingWriter writer;
    const std::string whole = recorded(5, 5, writer);
    const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
    for (std::size_t cut = last + 1; cut < whole.size() - 1; cut += 37) {
        const auto recording = read_recording(whole.substr(0, cut), "edge.rec");
        ASSERT_TRUE(recording) << recording.error();
        EXPECT_EQ(recording->parts[0].ticks.size(), 4U);
        EXPECT_THAT(recording->torn, ElementsAre(6));
    }
    RecordingWriter after;
    const std::string more = after.header({.fleet = "edge"}, Tail::torn);
    const auto recording = read_recording(whole.substr(0, last + 40) + more, "edge.rec");
    ASSERT_TRUE(recording) << recording.error();
    EXPECT_EQ(recording->parts.size(), 2U);
    EXPECT_THAT(recording->torn, ElementsAre(6));
    // Without a header that says so it is no crash.
    const auto changed =
        read_recording(whole.substr(0, last + 40) + "\n" + after.header({}), "edge.rec");
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error(), "edge.rec:6: the line doesn't end with its hash");
}

TEST(Recording, RefusesALineThatIsTooLong) {
    RecordingWriter writer;
    static_cast<void>(writer.header({.fleet = "edge"}));
    Observations observed;
    observed.samples["cpu"] =
        sample_of(std::vector<Reading>(60'000, {.instance = std::string(150, 'i'), .value = {}}));
    EXPECT_FALSE(writer.tick(start, {}, observed, {}, {}));
    const auto read = read_recording("{" + std::string(longest_recorded_line, ' '), "edge.rec");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error(), "edge.rec:1: the line is longer than 8388608 bytes");
}

/// A line as a writer with other ideas would have sealed it.
std::string sealed(std::string object, std::string& chain) {
    object.pop_back();
    chain = short_hash(chain + object);
    return object + ",\"hash\":\"" + chain + "\"}\n";
}

TEST(Recording, RefusesWhatIsSealedAndWrong) {
    const auto header_with = [](const std::string& rest) {
        return R"({"format":"muster scaling recording",)" + rest + "}";
    };
    const std::string header = header_with(R"("version":1,"fleet":"f","period_s":15,"policy":"")");
    const std::string history = R"("history":{"peaks":[],"troughs":[],"events":[]})";
    const std::string members = R"("membership":{"size":1,"instances":[]})";
    const std::string decision =
        R"("decision":{"was":1,"size":1,"next":{"peaks":[],"troughs":[],"events":[]}})";
    const std::string rest = members + "," + history + "," + decision;
    struct Case {
        std::vector<std::string> lines;
        std::string error;
    };
    const auto raw = [&](const std::string& tick, const std::string& error) {
        return Case{.lines = {header, "{" + tick + "}"}, .error = ":2: " + error};
    };
    const std::string time = R"("time":"2026-03-01T12:00:00Z",)";
    const std::string begin = time + R"("samples":{},)";
    const auto with_sample = [&](const std::string& sample) {
        return raw(time + R"("samples":{"m":)" + sample + "}," + rest, "samples.m");
    };
    const auto with_next = [&](const std::string& next) {
        return raw(begin + members + "," + history + R"(,"decision":{"was":1,"size":1,"next":)" +
                       next + "}",
                   "decision.next");
    };
    const std::string rings = R"("peaks":[],"troughs":[],"events":[])";
    const std::vector<Case> cases = {
        {{R"({"format":"other","version":1,"fleet":"f","period_s":15,"policy":""})"}, ":1: format"},
        {{header_with(R"("version":2,"fleet":"f","period_s":15,"policy":"")")},
         ":1: version: must"},
        {{header_with(R"("version":1,"fleet":"f","period_s":0,"policy":"")")}, ":1: period_s"},
        {{header_with(R"("version":1,"period_s":15,"policy":"")")}, ":1: fleet: is missing"},
        {{header_with(R"("version":1,"fleet":"f","period_s":15,"policy":"","x":1)")},
         ":1: x: is unknown here"},
        {{"{" + begin + rest + "}"}, ":1: a recording begins with a header"},
        {{header, "{]}"}, ":2: isn't JSON"},
        raw(R"("samples":{},)" + rest, "time: is missing"),
        raw(R"("time":5,"samples":{},)" + rest, "time: must be a time"),
        raw(R"("time":"2026-02-30T12:00:00Z","samples":{},)" + rest, "time"),
        raw(time + rest, "samples: is missing"),
        raw(time + R"("samples":[],)" + rest, "samples: must be an object"),
        raw(begin + history + "," + decision, "membership: is missing"),
        raw(begin + members + "," + decision, "history: is missing"),
        raw(begin + members + "," + history, "decision: is missing"),
        raw(begin + R"("pause":"often",)" + rest, "pause"),
        raw(begin + R"("trends":{"errors":"up"},)" + rest, "trends.errors"),
        raw(begin + R"("errors":5,)" + rest, "errors: must be an object"),
        raw(begin + R"("series":[],)" + rest, "series: must be an object"),
        raw(begin + R"("series":{"a":{"dropped":-1,"last":"x"}},)" + rest, "series.a.dropped"),
        raw(begin +
                R"("series":{"a":{"dropped":0,"last":"2026-03-01T12:00:00Z","step_s":1,"values":[1]}},)" +
                rest,
            "series.a.values"),
        raw(begin + R"("more":1,)" + rest, "more: is unknown here"),
        raw(begin + R"("membership":{"size":10001,"instances":[]},)" + history + "," + decision,
            "membership.size"),
        raw(begin + R"("membership":{"size":1,"instances":[{"id":"a"}]},)" + history + "," +
                decision,
            "membership.instances[0].phase"),
        with_sample("5"),
        with_sample(R"({"value":5})"),
        with_sample(R"({"value":"NaN"})"),
        with_sample(R"({"value":"1e300"})"),
        with_sample(R"({"value":"5","quality":"good"})"),
        with_sample(R"({"value":"5","flaw":"unknown value"})"),
        with_sample(R"({"readings":[["a"]]})"),
        with_sample(R"({"readings":[["a","1","2","3"]]})"),
        with_sample(R"({"value":"5","age_s":1.5})"),
        with_sample(R"({"value":"5","coverage":[1,-1]})"),
        with_next("[]"),
        with_next(R"({"peaks":[["2026-03-01T12:00:00Z"]],"troughs":[],"events":[]})"),
        with_next(R"({"peaks":[],"troughs":[["x",1]],"events":[]})"),
        with_next(R"({"peaks":[],"troughs":[],"events":[["2026-03-01T12:00:00Z",-1,0]]})"),
        with_next("{" + rings + R"(,"last":1})"),
        with_next("{" + rings + R"(,"growth":{"fruitless":-1}})"),
        with_next("{" + rings + R"(,"trends":{"errors":{"points":[]}}})"),
        with_next("{" + rings + R"(,"forecasts":{"a":{}}})"),
    };
    for (const Case& one : cases) {
        std::string text;
        std::string chain;
        for (const std::string& line : one.lines) text += sealed(line, chain);
        const auto recording = read_recording(text, "x");
        ASSERT_FALSE(recording) << text;
        EXPECT_THAT(recording.error(), StartsWith("x" + one.error)) << text;
    }
    EXPECT_EQ(read_recording("", "x").error(),
              "x:1: there is nothing in it: a recording begins with a header");
    std::string chain;
    std::string well = sealed(header, chain);
    well += sealed("{" + begin + rest + "}", chain);
    EXPECT_TRUE(read_recording(well, "x"));
}

TEST(RecordingText, WritesNumbersAndTimesExactly) {
    for (const std::int64_t count : {std::int64_t{0},
                                     std::int64_t{1},
                                     std::int64_t{-1},
                                     std::int64_t{2'500'000},
                                     std::int64_t{-3'000'001},
                                     std::numeric_limits<std::int64_t>::max()}) {
        const auto read = read_quantity(decimal({.count = count}));
        ASSERT_TRUE(read) << count;
        EXPECT_EQ(read->count, count);
    }
    EXPECT_EQ(decimal({.count = 250'000}), "0.25");
    EXPECT_EQ(time_text(start), "2026-03-01T12:00:00Z");
    EXPECT_EQ(time_text(start + 250ms), "2026-03-01T12:00:00.250Z");
    EXPECT_EQ(read_time("2026-03-01T12:00:00.250Z"), start + 250ms);
    EXPECT_EQ(read_time("2026-03-01T12:00:00.25Z"), start + 250ms);
    for (const char* bad : {"",
                            "2026-03-01T12:00:00",
                            "2026-03-01 12:00:00Z",
                            "2026-13-01T12:00:00Z",
                            "2026-03-01T24:00:00Z",
                            "2026-03-01T12:00:00.Z",
                            "2026-03-01T12:00:00.0000Z",
                            "2026-03-01T12:00:+1Z",
                            "1969-03-01T12:00:00Z"})
        EXPECT_EQ(read_time(bad), std::nullopt) << bad;
}

TEST(RecordingText, HasAWordForEachValue) {
    EXPECT_EQ(from_word<Cause>("paused"), Cause::paused);
    EXPECT_EQ(from_word<Cause>("failed_creates"), Cause::failed_creates);
    EXPECT_EQ(from_word<Phase>("failed"), Phase::failed);
    EXPECT_EQ(from_word<Flaw>("no_target"), Flaw::no_target);
    EXPECT_EQ(from_word<Pause>("never"), std::nullopt);
    EXPECT_EQ(from_word<Trend>(no_word), std::nullopt);
}

}  // namespace
}  // namespace muster::scaler
