// A deposed master's writes that come late, on a real etcd, judged by etcd's own history.
#include "tests/fencing/cluster_schedules.hpp"
#include "tests/fencing/schedules.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace muster::fencing {
namespace {

void expect_clean(const Tally& tally) {
    EXPECT_TRUE(tally.violations.empty()) << fmt::format("{}", fmt::join(tally.violations, "\n"));
    EXPECT_TRUE(tally.emptied.empty()) << fmt::format("{}", fmt::join(tally.emptied, "\n"));
    EXPECT_TRUE(tally.wrong.empty()) << fmt::format("{}", fmt::join(tally.wrong, "\n"));
}

TEST(LateWrites, OfADeposedMasterAreNeverAccepted) {
    const Tally tally = run_schedules({.first_seed = 1, .count = 120});
    expect_clean(tally);
    fmt::print(
        "{} schedules: {} done in time, {} attempted after the claim, {} restores, {} wipes, {} "
        "transactions\n",
        tally.schedules,
        tally.in_time,
        tally.attempted,
        tally.restores,
        tally.wipes,
        tally.transactions);
    EXPECT_GT(tally.in_time, 3U) << "or nothing was late at all";
    EXPECT_GT(tally.attempted, 120U);
    EXPECT_GT(tally.restores, 0U);
    EXPECT_GT(tally.wipes, 0U);
}

TEST(LateWrites, AreAcceptedAndCaughtOnceTheGuardsAreDropped) {
    const Tally tally = run_schedules({.first_seed = 1, .count = 10, .without_guards = true});
    bool seen_in_history = false;
    for (const std::string& one : tally.violations)
        seen_in_history = seen_in_history || one.starts_with("revision ");
    EXPECT_TRUE(seen_in_history);
}

TEST(LateWrites, OfRealMastersThatSleptAreNeverAccepted) {
    const Tally tally = run_cluster_schedules(3, 1);
    expect_clean(tally);
    EXPECT_GE(tally.attempted, 3U);
}

const Event claim_1{.revision = 2, .key = "/f", .value = "00000001-0000000000000001-a"};
const Event claim_2{.revision = 4, .key = "/f", .value = "00000001-0000000000000002-b"};
Event anchor(std::int64_t revision, const std::string& token) {
    return {.revision = revision, .key = "/s/x", .value = R"({"token":")" + token + R"("})"};
}
Event member(std::int64_t revision, const std::string& id, bool deleted = false) {
    return {.revision = revision,
            .key = "/s/x/" + id,
            .value = deleted ? "" : "{}",
            .deleted = deleted};
}

TEST(HistoryOracle, SeesAnOlderWriterAfterANewerClaim) {
    EXPECT_TRUE(judge({claim_1, anchor(3, "1-1"), claim_2, anchor(5, "1-2")}, "/s", "/f")
                    .violations.empty());
    EXPECT_EQ(
        judge({claim_1, anchor(3, "1-1"), claim_2, anchor(5, "1-1")}, "/s", "/f").violations.size(),
        1U);
    EXPECT_EQ(judge({claim_2, claim_1}, "/s", "/f").violations.size(), 1U) << "a fence that falls";
}

TEST(HistoryOracle, SeesANameThatIsEmptied) {
    const std::vector<Event> full{claim_1, anchor(3, "1-1"), member(3, "a"), member(3, "b")};
    std::vector<Event> events = full;
    events.insert(events.end(), {anchor(4, "1-1"), member(4, "a", true)});
    EXPECT_TRUE(judge(events, "/s", "/f").emptied.empty());
    events.insert(events.end(), {anchor(5, "1-1"), member(5, "b", true)});
    EXPECT_EQ(judge(events, "/s", "/f").emptied.size(), 1U);
}

}  // namespace
}  // namespace muster::fencing
