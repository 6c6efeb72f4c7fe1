#include "checker/outcome.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace muster::checker {
namespace {

TEST(Outcome, EveryReasonHasItsOwnCodeThatReadsBack) {
    std::set<std::string_view> codes;
    for (int i = 0; i <= static_cast<int>(Reason::prober_stopped); ++i) {
        const auto reason = static_cast<Reason>(i);
        EXPECT_TRUE(codes.insert(to_string(reason)).second) << to_string(reason);
        EXPECT_EQ(reason_from(to_string(reason)), reason);
    }
}

TEST(Outcome, RefusesCodesThatItDoesNotKnow) {
    EXPECT_EQ(reason_from(""), std::nullopt);
    EXPECT_EQ(reason_from("L7"), std::nullopt);
    EXPECT_EQ(reason_from("l7ok"), std::nullopt);
}

TEST(Outcome, NamesResults) {
    EXPECT_EQ(to_string(Result::success), "success");
    EXPECT_EQ(to_string(Result::degraded), "degraded");
    EXPECT_EQ(to_string(Result::failure), "failure");
    EXPECT_EQ(to_string(Result::inconclusive), "inconclusive");
}

}  // namespace
}  // namespace muster::checker
