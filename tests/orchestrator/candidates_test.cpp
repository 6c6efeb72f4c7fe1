#include "orchestrator/candidates.hpp"

#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

TEST(Candidates, SequenceAloneDecidesNotTheGuid) {
    const Standing place = standing({"a-n-0000000009", "z-n-0000000002", "m-n-0000000005"}, "a");
    EXPECT_EQ(place.own->sequence, 9);
    EXPECT_EQ(place.predecessor->name, "m-n-0000000005");
}

TEST(Candidates, TheOldestHasNoPredecessor) {
    const Standing place = standing({"a-n-0000000009", "z-n-0000000002"}, "z");
    EXPECT_TRUE(place.own);
    EXPECT_FALSE(place.predecessor);
}

TEST(Candidates, TheOrderSurvivesTheWrapOfTheCounter) {
    const Standing place = standing({"new-n--2147483648", "old-n-2147483647"}, "new");
    EXPECT_EQ(place.own->sequence, -2147483648LL);
    EXPECT_EQ(place.predecessor->guid, "old");
}

TEST(Candidates, LaterNodesWithOurGuidAreTwins) {
    const Standing place = standing({"a-n-0000000007", "a-n-0000000003", "b-n-0000000005"}, "a");
    EXPECT_EQ(place.own->sequence, 3);
    EXPECT_EQ(place.own_twins, std::vector<std::string>{"a-n-0000000007"});
    EXPECT_FALSE(place.predecessor);
}

TEST(Candidates, WhoIsNotInTheListHasNoPlace) {
    EXPECT_EQ(standing({"b-n-0000000005"}, "a"), Standing{});
    EXPECT_EQ(standing({}, "a"), Standing{});
}

TEST(Candidates, ForeignNamesAreNoCandidates) {
    for (const char* name : {"", "keep", "-n-0000000001", "a-n-", "a-n-12x", "a-0000000001"})
        EXPECT_FALSE(parse_candidate(name)) << name;
    const Standing place = standing({"keep", "a-n-0000000002", "x-n-y"}, "a");
    EXPECT_FALSE(place.predecessor);
}

TEST(Candidates, AGuidMayHoldTheSeparator) {
    EXPECT_EQ(parse_candidate("a-n-b-n-0000000004"),
              (Candidate{.name = "a-n-b-n-0000000004", .guid = "a-n-b", .sequence = 4}));
}

}  // namespace
}  // namespace muster::orchestrator
