#include "scaler/promql_selectors.hpp"

#include <gmock/gmock.h>

namespace muster::scaler::prometheus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> of(std::string_view query) {
    const auto found = selectors_of(query);
    EXPECT_TRUE(found) << query << ": " << found.error();
    return found.value_or(std::vector<std::string>{});
}

TEST(PromqlSelectors, AreWhatAnExpressionReads) {
    EXPECT_THAT(of("rps"), ElementsAre("rps"));
    EXPECT_THAT(of(" rps {a=\"b\"} "), ElementsAre("rps {a=\"b\"}"));
    EXPECT_THAT(of("{__name__=\"rps\"}"), ElementsAre("{__name__=\"rps\"}"));
    EXPECT_THAT(of("job:rps:sum"), ElementsAre("job:rps:sum"));
    EXPECT_THAT(of("sum by (job) (rate(http_requests_total{code=\"200\"}[1m] offset 1m)) / "
                   "scalar(limit)"),
                ElementsAre("http_requests_total{code=\"200\"}", "limit"));
    EXPECT_THAT(of("sum(a) without (x, y) + max by(z)(b)"), ElementsAre("a", "b"));
    EXPECT_THAT(of("a / on(x) group_left(y) b"), ElementsAre("a", "b"));
    EXPECT_THAT(of("a * ignoring (x) group_right b"), ElementsAre("a", "b"));
    EXPECT_THAT(of("a and b or c unless d"), ElementsAre("a", "b", "c", "d"));
    EXPECT_THAT(of("a > bool 5"), ElementsAre("a"));
    EXPECT_THAT(of("A AND sum BY (x) (B)"), ElementsAre("A", "B"));
    EXPECT_THAT(of("histogram_quantile(0.99, sum by (le) (rate(lat_bucket[5m])))"),
                ElementsAre("lat_bucket"));
    EXPECT_THAT(of("max_over_time(rate(x[1m])[10m:15s])"), ElementsAre("x"));
    EXPECT_THAT(of("x @ 1609746000 + y @ end() + z offset -5m"), ElementsAre("x", "y", "z"));
    EXPECT_THAT(of("label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")"), ElementsAre("up"));
    EXPECT_THAT(of("count_values(\"x\", y)"), ElementsAre("y"));
    EXPECT_THAT(of("x + x"), ElementsAre("x"));
    EXPECT_THAT(of("rate(x[1m]) or vector(0)"), ElementsAre("x"));
    EXPECT_THAT(of("x + 1e3 - 0x1f * .5 ^ Inf % NaN"), ElementsAre("x"));
    EXPECT_THAT(of("sum # of \"all\n(x) # y"), ElementsAre("x"));
    EXPECT_THAT(of("x{a='}', b=`\\`, c=\"\\\"}\"}"), ElementsAre("x{a='}', b=`\\`, c=\"\\\"}\"}"));
    EXPECT_THAT(of("topk(3, x)"), ElementsAre("x"));
}

TEST(PromqlSelectors, AreRefusedWhereTheyCannotBeFollowed) {
    const auto why = [](std::string_view query) {
        const auto found = selectors_of(query);
        EXPECT_FALSE(found) << query;
        return found ? std::string() : found.error();
    };
    EXPECT_THAT(why(""), HasSubstr("no series"));
    EXPECT_THAT(why("vector(0)"), HasSubstr("no series"));
    EXPECT_THAT(why("time() - 5"), HasSubstr("no series"));
    EXPECT_THAT(why("# x"), HasSubstr("no series"));
    EXPECT_THAT(why("x{a=\"b\""), HasSubstr("not closed"));
    EXPECT_THAT(why("x[5m"), HasSubstr("not closed"));
    EXPECT_THAT(why("\"x"), HasSubstr("not closed"));
    EXPECT_THAT(why("x{a=\"\\"), HasSubstr("not closed"));
    EXPECT_THAT(why("a+b+c+d+e+f+g+h+i"), HasSubstr("9 selectors"));
    EXPECT_THAT(why(std::string(longest_query + 1, 'x')), HasSubstr("longer"));
}

TEST(PromqlSelectors, AgesAreAskedByInstanceAndSelector) {
    EXPECT_EQ(age_query({"a", "b{x=\"y\"} # z"}, "instance_id"),
              "min by (instance_id, muster_selector) (label_replace(timestamp(a\n"
              "),\"muster_selector\",\"0\",\"\",\"\") or label_replace(timestamp(b{x=\"y\"} # z\n"
              "),\"muster_selector\",\"1\",\"\",\"\"))");
    EXPECT_THAT(age_query({"a"}, ""), HasSubstr("min by (muster_selector) ("));
}

TEST(PromqlSelectors, KnowsNamesOfLabels) {
    EXPECT_TRUE(is_label_name("instance_id"));
    EXPECT_FALSE(is_label_name(""));
    EXPECT_FALSE(is_label_name("a:b"));
    EXPECT_FALSE(is_label_name("1a"));
    EXPECT_FALSE(is_label_name("a) or vector(0"));
}

}  // namespace
}  // namespace muster::scaler::prometheus
