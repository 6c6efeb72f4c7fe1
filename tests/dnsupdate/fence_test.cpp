#include "dnsupdate/fence.hpp"

#include <gtest/gtest.h>

namespace muster::dnsupdate {
namespace {

const Fence mine{.token = {.era = 1, .epoch = 42}, .nonce = "n-1"};

TEST(Fence, IsOfFixedWidthAndComesBack) {
    EXPECT_EQ(encode(mine), "00000001-000000000000002a-n-1");
    EXPECT_EQ(decode_fence(encode(mine)), mine);
}

TEST(Fence, IsNothingElse) {
    for (const char* other : {"",
                              "1-42-n",
                              "00000001-000000000000002a-",
                              "00000001-000000000000002a",
                              "00000001-000000000000002A-n",
                              "0000000x-000000000000002a-n",
                              "-0000001-000000000000002a-n",
                              "00000001-800000000000002a-n",
                              "00000001_000000000000002a-n",
                              "00000001-000000000000002a-n\n",
                              "{\"era\":1}"}) {
        EXPECT_FALSE(decode_fence(other)) << other;
    }
    EXPECT_FALSE(decode_fence(encode(mine) + std::string(100, 'x')));
}

TEST(Fence, IsJudgedByEraThenEpochThenNonce) {
    const auto judge = [](std::int64_t era, std::int64_t epoch, const char* nonce) {
        const Fence stored{.token = {.era = era, .epoch = epoch}, .nonce = nonce};
        return judge_fence(encode(stored), mine, true);
    };
    EXPECT_EQ(judge(1, 41, "other"), Claim::raise);
    EXPECT_EQ(judge(0, 99, "other"), Claim::raise);
    EXPECT_EQ(judge(1, 43, "n-1"), Claim::deposed);
    EXPECT_EQ(judge(2, 1, "n-1"), Claim::deposed);
    EXPECT_EQ(judge(1, 42, "n-1"), Claim::adopt);
    EXPECT_EQ(judge(1, 42, "other"), Claim::same_token);
}

TEST(Fence, ThatIsMissingIsCreatedOrWasLost) {
    EXPECT_EQ(judge_fence(std::nullopt, mine, false), Claim::create);
    EXPECT_EQ(judge_fence(std::nullopt, mine, true), Claim::lost);
    EXPECT_EQ(judge_fence("garbage", mine, false), Claim::unreadable);
}

TEST(Fence, IsWrittenWhereThereIsNoneOrASmallerOne) {
    for (const Claim claim : {Claim::create, Claim::raise, Claim::lost})
        EXPECT_TRUE(is_to_be_written(claim)) << to_string(claim);
    for (const Claim claim : {Claim::adopt, Claim::deposed, Claim::unreadable, Claim::same_token})
        EXPECT_FALSE(is_to_be_written(claim)) << to_string(claim);
}

}  // namespace
}  // namespace muster::dnsupdate
