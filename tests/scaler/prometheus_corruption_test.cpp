#include "scaler/samples.hpp"
#include "tests/scaler/corrupted_replies.hpp"
#include "tests/scaler/reply_mutations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

// Whatever a Prometheus answers, it never makes a fleet smaller than it is, nor smaller than clean
// data would, in both modes. But where clean data would enlarge it: then what nothing is known of
// leaves it as it is (least_size() says what holds exactly).
namespace muster::scaler::prometheus::test {
namespace {

struct Load {
    int percent;
    int size;  ///< of the clean data, by hand: 4 * percent / 50
};
constexpr Load loads[] = {{20, 2}, {50, 4}, {80, 7}};

std::string shown(Kind kind, Part part, const std::string& name) {
    return "kind " + std::to_string(static_cast<int>(kind)) + ", part " +
           std::to_string(static_cast<int>(part)) + ", " + name;
}

TEST(CorruptedReplies, AreMadeOfCleanOnes) {
    for (const Kind kind : kinds)
        for (const Load load : loads) {
            const MetricSample clean = sample_of(kind, clean_replies(kind), load.percent);
            EXPECT_EQ(clean.sample.flaw, Flaw::none) << clean.detail;
            EXPECT_EQ(clean.sample.coverage, (Coverage{.seen = 4, .expected = 4}));
            EXPECT_EQ(clean.sample.age, 5s);
            for (const Mode mode : modes) EXPECT_EQ(size_by(kind, clean.sample, mode), load.size);
        }
}

/// Counts the cases.
int expect_reason(Kind kind, Part part, const Corruption& row) {
    Replies replies = clean_replies(kind);
    row.edit(replies[part]);
    for (const Load load : loads) {
        const MetricSample found = sample_of(kind, replies, load.percent);
        EXPECT_EQ(name_of(found.sample.flaw), name_of(row.flaw))
            << shown(kind, part, row.name) << ": " << found.detail;
        EXPECT_FALSE(found.detail.empty()) << shown(kind, part, row.name);
        EXPECT_LE(found.detail.size(), longest_detail);
        for (const Mode mode : modes) {
            const int size = size_by(kind, found.sample, mode);
            EXPECT_GE(size, std::max(4, least_size(found.sample, load.size, mode)))
                << shown(kind, part, row.name) << " at " << load.percent;
            if (found.sample.quality != Quality::value) EXPECT_EQ(size, 4) << row.name;
        }
    }
    return 1;
}

TEST(CorruptedReplies, EachHasItsReasonAndNoneMakesTheFleetSmaller) {
    int cases = 0;
    for (const Kind kind : kinds) {
        for (const Part part : {Part::value, Part::age, Part::capacity}) {
            if (part == Part::capacity && kind != Kind::instances) continue;
            for (const Corruption& row : envelope_corruptions())
                cases += expect_reason(kind, part, row);
        }
    }
    for (const Kind kind : kinds)
        for (const Corruption& row : number_corruptions())
            cases += expect_reason(kind, Part::value, row);
    EXPECT_GE(envelope_corruptions().size() + number_corruptions().size(), 120U);
    EXPECT_GE(cases, 700);
    RecordProperty("cases", cases);
}

struct Special {
    Kind kind;
    Part part;
    Corruption row;
};

const std::string lb1 = R"("instance_id":"lb-1")";

std::vector<Special> of_every_kind(Kind kind) {
    const std::string scraped = "1795325280.25";
    const std::string first_age =
        "{\"metric\":{" + lb1 +
        R"(,"muster_selector":"0"},"value":[1795325284.500,"1795325280.25"]})";
    const auto aged = [&](std::string name, std::string text, Flaw flaw) {
        return Special{kind, Part::age, {std::move(name), swapped(scraped, std::move(text)), flaw}};
    };
    const auto all_aged = [&](std::string name, std::string text, Flaw flaw) {
        return Special{
            kind, Part::age, {std::move(name), all_swapped(scraped, std::move(text)), flaw}};
    };
    const auto warned = [&](Part part, std::string name) {
        return Special{kind,
                       part,
                       {std::move(name),
                        swapped(R"("data")", R"("warnings":["store s3 is gone"],"data")"),
                        Flaw::partial}};
    };
    return {
        {kind, Part::value, {"no series", body(data("vector", "[]")), Flaw::empty}},
        {kind, Part::age, {"no ages", body(data("vector", "[]")), Flaw::unknown_age}},
        aged("one is old", "1795325220.25", Flaw::stale),
        all_aged("all are old", "1795325220.25", Flaw::stale),
        all_aged("all are of 1970", "1", Flaw::stale),
        aged("one is of tomorrow", "1795411680.25", Flaw::future),
        all_aged("all are of tomorrow", "1795411680", Flaw::future),
        aged("an age is NaN", "NaN", Flaw::unknown_age),
        aged("an age is 0", "0", Flaw::unknown_age),
        aged("an age is negative", "-1", Flaw::unknown_age),
        aged("an age is no number", "now", Flaw::unknown_age),
        aged("an age in milliseconds", "1795325280250", Flaw::future),
        {kind,
         Part::age,
         {"ages of another selector",
          swapped(R"(_selector":"0")", R"(_selector":"7")"),
          Flaw::wrong_shape}},
        {kind,
         Part::age,
         {"ages of no selector", swapped(R"(,"muster_selector":"0")", ""), Flaw::wrong_shape}},
        {kind,
         Part::age,
         {"the ages of one twice",
          swapped(first_age, first_age + "," + first_age),
          Flaw::duplicate}},
        {kind,
         Part::age,
         {"a scalar of ages",
          body(data("scalar", R"([1795325284.5,"1795325280"])")),
          Flaw::wrong_type}},
        warned(Part::age, "ages with warnings"),
        warned(Part::value, "warnings"),
        {kind,
         Part::age,
         {"ages of strangers only",
          all_swapped("lb-", "other-"),
          kind == Kind::aggregated ? Flaw::strangers : Flaw::unknown_age}},
    };
}

std::vector<Special> of_named_series(Kind kind) {
    const std::string first =
        R"({"metric":{"__name__":"load",)" + lb1 + R"(},"value":[1795325284.500,"@V@"]})";
    const std::string first_age =
        "{\"metric\":{" + lb1 +
        R"(,"muster_selector":"0"},"value":[1795325284.500,"1795325280.25"]},)";
    return {
        {kind, Part::value, {"strangers only", all_swapped("lb-", "other-"), Flaw::strangers}},
        {kind, Part::value, {"a series of nobody", swapped("," + lb1, ""), Flaw::no_instance}},
        {kind,
         Part::value,
         {"an empty instance", swapped(lb1, R"("instance_id":"")"), Flaw::no_instance}},
        {kind,
         Part::value,
         {"a series twice", swapped(first, first + "," + first), Flaw::duplicate}},
        {kind, Part::age, {"no age of one", swapped(first_age, ""), Flaw::unknown_age}},
    };
}

std::vector<Special> of_one_kind() {
    const auto capacity = [](std::string name, Edit edit, Flaw flaw) {
        return Special{Kind::instances, Part::capacity, {std::move(name), std::move(edit), flaw}};
    };
    const auto number = [&](std::string text, Flaw flaw) {
        return capacity("a capacity of " + text, swapped("\"100\"", "\"" + text + "\""), flaw);
    };
    return {
        {Kind::instances,
         Part::value,
         {"two series of one instance", swapped("lb-2", "lb-1\",\"core\":\"2"), Flaw::many_series}},
        capacity("no capacities", body(data("vector", "[]")), Flaw::empty),
        capacity("no capacity of one", swapped("lb-1", "other-1"), Flaw::no_capacity),
        number("0", Flaw::no_capacity),
        number("-1", Flaw::negative),
        number("NaN", Flaw::not_a_number),
        number("+Inf", Flaw::infinite),
        number("many", Flaw::malformed),
        capacity("two capacities of one", swapped("lb-2", "lb-1\",\"a\":\"2"), Flaw::many_series),
        capacity("a capacity of nobody", swapped(lb1, "\"a\":\"1\""), Flaw::no_instance),
        capacity(
            "one for all, of 0", body(data("scalar", R"([1795325284.5,"0"])")), Flaw::no_capacity),
        {Kind::aggregated,
         Part::value,
         {"two series without a reducer",
          swapped("[{", R"([{"metric":{"a":"b"},"value":[1795325284.5,"1"]},{)"),
          Flaw::many_series}},
        {Kind::aggregated,
         Part::value,
         {"of a stranger",
          swapped("\"metric\":{", R"("metric":{"instance_id":"other-1")"),
          Flaw::strangers}},
    };
}

TEST(CorruptedReplies, OfOneKindHaveTheirReasonToo) {
    int cases = 0;
    const auto expect_all = [&cases](const std::vector<Special>& specials) {
        for (const Special& special : specials)
            cases += expect_reason(special.kind, special.part, special.row);
    };
    for (const Kind kind : kinds) expect_all(of_every_kind(kind));
    for (const Kind kind : {Kind::instances, Kind::reduced}) expect_all(of_named_series(kind));
    expect_all(of_one_kind());
    EXPECT_GE(cases, 80);
    RecordProperty("cases", cases);
}

/// Of the last `missing` of four there is no series, which is no flaw of the others.
Replies without(Kind kind, int missing) {
    Replies replies = clean_replies(kind);
    for (const Part part : {Part::value, Part::age})
        for (int i = 4; i > 4 - missing; --i)
            for (std::string& text = replies[part].body;;) {
                const std::size_t at = text.find(named(i));
                if (at == std::string::npos) break;
                const std::size_t begin = text.rfind(",{\"metric\"", at);
                text.erase(begin, text.find("]}", at) + 2 - begin);
            }
    return replies;
}

TEST(CorruptedReplies, SeriesThatAreSimplyAbsentLowerNothing) {
    for (const Kind kind : kinds)
        for (int missing = 1; missing < 4; ++missing)
            for (const Load load : loads) {
                // What the query sums up is less by those that it doesn't find.
                const int found_load =
                    kind == Kind::aggregated ? load.percent * (4 - missing) / 4 : load.percent;
                const Sample found = sample_of(kind, without(kind, missing), found_load).sample;
                EXPECT_EQ(found.flaw, Flaw::none);
                ASSERT_EQ(found.coverage, (Coverage{.seen = 4 - missing, .expected = 4}));
                EXPECT_GE(size_by(kind, found, Mode::muster), std::max(4, load.size));
                EXPECT_GE(size_by(kind, found, Mode::hpa), 4)
                    << shown(kind, Part::value, std::to_string(missing)) << " missing";
            }
}

TEST(CorruptedReplies, TooManySeriesAreRefused) {
    const std::string series = R"({"metric":{},"value":[1795325284.5,"1"]})";
    std::string many = "[" + series;
    for (int i = 0; i < 20'000; ++i) many += "," + series;
    HttpReply reply{.status = 200, .content_type = json_type, .body = data("vector", many + "]")};
    const Read read = read_answer(reply);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().flaw, Flaw::too_large);
    const Read values = read_answer(reply, {.values = 10});
    ASSERT_FALSE(values);
    EXPECT_EQ(values.error().flaw, Flaw::too_large);
}

/// Thousands of damaged replies of a part.
void expect_no_smaller(Part part, int rounds, std::uint64_t seed) {
    std::mt19937_64 engine(seed);
    const Chance chance = [&engine](std::size_t most) {
        return std::uniform_int_distribution<std::size_t>(0, most)(engine);
    };
    int refused = 0;
    int limited = 0;
    for (int round = 0; round < rounds; ++round) {
        const Kind kind = part == Part::capacity ? Kind::instances : kinds[chance(2)];
        const Load load = loads[chance(2)];
        Replies replies = clean_replies(kind);
        std::string& text = replies[part].body;
        const std::string_view number = part == Part::value      ? load_mark
                                        : part == Part::capacity ? std::string_view("100")
                                                                 : std::string_view();
        for (std::size_t i = chance(2); i < 3; ++i) text = mutated(std::move(text), number, chance);
        const MetricSample found = sample_of(kind, replies, load.percent);
        for (const Mode mode : modes)
            EXPECT_GE(size_by(kind, found.sample, mode), least_size(found.sample, load.size, mode))
                << "seed " << seed << ", round " << round << ": " << text;
        refused += found.sample.quality != Quality::value;
        limited += found.sample.quality == Quality::value &&
                   (found.sample.flaw != Flaw::none || found.sample.coverage->seen < 4);
    }
    EXPECT_GT(refused, rounds / 2) << "the damage does nothing";
    EXPECT_GT(limited, 0);
}

TEST(MutatedReplies, OfValuesNeverMakeTheFleetSmaller) {
    expect_no_smaller(Part::value, 4'000, 1);
}
TEST(MutatedReplies, OfAgesNeverMakeTheFleetSmaller) {
    expect_no_smaller(Part::age, 4'000, 2);
}
TEST(MutatedReplies, OfCapacitiesNeverMakeTheFleetSmaller) {
    expect_no_smaller(Part::capacity, 4'000, 3);
}

}  // namespace
}  // namespace muster::scaler::prometheus::test
