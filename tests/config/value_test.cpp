#include "common/config/value.hpp"

#include <gtest/gtest.h>

namespace muster::config {
namespace {

const std::vector<std::string_view> fields = {"interval", "fast_interval", "timeout", "rise", "lb"};

TEST(Nearest, FindsTheWordThatWasMeant) {
    EXPECT_EQ(nearest("intervall", fields), "interval");
    EXPECT_EQ(nearest("timeuot", fields), "timeout") << "neighbours swapped";
    EXPECT_EQ(nearest("fastInterval", fields), "fast_interval") << "camel case";
    EXPECT_EQ(nearest("FAST-INTERVAL", fields), "fast_interval");
    EXPECT_EQ(nearest("ris", fields), "rise");
    EXPECT_EQ(nearest("bl", fields), "lb");
}

TEST(Nearest, FindsNothingForAnotherWord) {
    EXPECT_EQ(nearest("owner", fields), std::nullopt);
    EXPECT_EQ(nearest("x", {}), std::nullopt);
    EXPECT_EQ(nearest(std::string(10'000, 'i'), fields), std::nullopt);
}

TEST(ProblemList, IsSortedByPlaceAndBounded) {
    ProblemList problems;
    for (int i = 0; i < 250; ++i) problems.add("a", {.line = 1000 - i, .column = 1}, "is wrong");
    const std::vector<Problem> taken = problems.take();
    ASSERT_EQ(taken.size(), ProblemList::max_problems + 1);
    EXPECT_LT(taken[0].line, taken[1].line);
    EXPECT_EQ(taken.back().what, "and 150 more problems, not listed");
}

}  // namespace
}  // namespace muster::config
