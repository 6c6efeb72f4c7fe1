// What becomes of a backend that one worker finds DOWN.

#include "orchestrator/suspicion.hpp"

#include "orchestrator/doubt.hpp"
#include "orchestrator/peer_messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<PeerVote> votes(std::string_view letters) {
    std::vector<PeerVote> all;
    for (const char letter : letters)
        all.push_back({.vote = letter == 'a'   ? Vote::agree
                               : letter == 'd' ? Vote::disagree
                                               : Vote::abstain});
    return all;
}

TEST(Ruling, FollowsTheVotes) {
    struct Row {
        const char* votes;
        int need;
        bool more;
        bool doubt;
        Ruling ruling;
    };
    for (const Row& row : {Row{"", 0, true, false, Ruling::down},
                           Row{"", 1, true, false, Ruling::ask},
                           Row{"a", 1, true, false, Ruling::down},
                           Row{"d", 1, true, false, Ruling::stays},
                           Row{"-", 1, true, false, Ruling::ask},
                           Row{"--", 1, false, false, Ruling::down},
                           Row{"", 1, false, false, Ruling::down},
                           Row{"--", 1, false, true, Ruling::stays},
                           Row{"", 1, false, true, Ruling::stays},
                           Row{"a", 1, false, true, Ruling::down},
                           Row{"a", 2, true, false, Ruling::ask},
                           Row{"aa", 2, true, false, Ruling::down},
                           Row{"ad", 2, true, false, Ruling::stays},
                           Row{"aad", 2, true, false, Ruling::stays},
                           Row{"a-", 2, false, false, Ruling::down},
                           Row{"a-", 2, false, true, Ruling::down},
                           Row{"d", 0, true, false, Ruling::stays}}) {
        EXPECT_EQ(rule_on(votes(row.votes), row.need, row.more, row.doubt), row.ruling)
            << row.votes << " of " << row.need;
    }
}

TEST(Ruling, WaitsForVotersWhoCannotTellYet) {
    EXPECT_EQ(rule_on(votes("--"), 1, false, false, true), Ruling::ask);
    EXPECT_EQ(rule_on(votes(""), 1, false, true, true), Ruling::ask);
    EXPECT_EQ(rule_on(votes("a-"), 2, false, false, true), Ruling::down);
    EXPECT_EQ(rule_on(votes("d-"), 1, false, false, true), Ruling::stays);
    EXPECT_EQ(rule_on(votes(""), 0, false, false, true), Ruling::down) << "nobody is needed";
}

TEST(Ruling, NeedsOneVoteOfThreeWorkersByDefaultAndAlwaysInDoubt) {
    EXPECT_EQ(votes_needed(std::nullopt, 1, false), 0);
    EXPECT_EQ(votes_needed(std::nullopt, 2, false), 0);
    EXPECT_EQ(votes_needed(std::nullopt, 3, false), 1);
    EXPECT_EQ(votes_needed(0, 9, false), 0);
    EXPECT_EQ(votes_needed(2, 2, false), 2);
    EXPECT_EQ(votes_needed(0, 9, true), 1);
    EXPECT_EQ(votes_needed(std::nullopt, 1, true), 1);
}

follow::ClusterView cluster(const std::vector<znodes::Member>& members) {
    follow::ClusterView view;
    for (const znodes::Member& member : members) view.members[member.node].value = member;
    return view;
}
znodes::Member member(const std::string& name, const std::string& zone) {
    return {.node = NodeId(name), .peer_address = "127.0.0.1:1", .zone = zone, .probes = {"http"}};
}

TEST(Voters, AreOfOtherZonesFirstAndAbleToVote) {
    znodes::Member doubts = member("doubts", "b");
    doubts.doubt = true;
    znodes::Member leaves = member("leaves", "b");
    leaves.drain = true;
    znodes::Member silent = member("silent", "b");
    silent.peer_address.clear();
    znodes::Member other = member("other", "b");
    other.probes = {"tcp"};
    const follow::ClusterView view = cluster({member("self", "a"),
                                              member("near", "a"),
                                              member("far", "b"),
                                              doubts,
                                              leaves,
                                              silent,
                                              other});
    EXPECT_THAT(choose_voters(view, NodeId("self"), {"http"}, 1),
                ElementsAre(NodeId("far"), NodeId("near"), NodeId("leaves")));
    EXPECT_THAT(choose_voters(view, NodeId("self"), {"http", "command/x"}, 1), IsEmpty());
}

TEST(Voters, ShareTheWork) {
    std::vector<znodes::Member> members;
    for (int i = 0; i < 5; ++i) members.push_back(member("n" + std::to_string(i), ""));
    const follow::ClusterView view = cluster(members);
    std::map<NodeId, int> first;
    for (std::uint64_t seed = 0; seed < 400; ++seed)
        ++first[choose_voters(view, NodeId("n0"), {}, seed).front()];
    EXPECT_EQ(first.size(), 4U);
    for (const auto& [node, times] : first) EXPECT_GT(times, 50);
}

TEST(Sample, IsTakenOfMoreThan64) {
    std::vector<int> slots;
    for (int i = 0; i < 64; ++i) slots.push_back(i);
    EXPECT_EQ(sample_of(slots, 1), slots);
    for (int i = 64; i < 1000; ++i) slots.push_back(i);
    const std::vector<int> sample = sample_of(slots, 1);
    EXPECT_EQ(sample.size(), 32U);
    EXPECT_NE(sample, sample_of(slots, 2));
    EXPECT_TRUE(others_follow(29, 32));
    EXPECT_FALSE(others_follow(28, 32));
    EXPECT_FALSE(others_follow(0, 0));
}

TEST(Doubt, BeginsWhenMostFailsInSeveralGroups) {
    struct Row {
        const char* name;
        std::vector<GroupSight> groups;
        bool doubts;
    };
    for (const Row& row :
         {Row{"all is well", {{10, 10, 0}, {10, 10, 0}}, false},
          Row{"one group fails", {{10, 10, 10}, {2, 2, 0}}, false},
          Row{"most of two", {{10, 10, 6}, {10, 10, 6}}, true},
          Row{"half of two", {{10, 10, 5}, {10, 10, 5}}, false},
          Row{"a big one and one of another", {{100, 100, 100}, {10, 10, 1}}, true},
          Row{"too few to say", {{1, 1, 1}, {2, 2, 2}}, false},
          Row{"four", {{2, 2, 2}, {2, 2, 2}}, true},
          Row{"peers see a tenth of it", {{40, 40, 4, 4}}, false},
          Row{"peers see more than a tenth", {{39, 39, 4, 4}}, true},
          Row{"peers see three that it doesn't", {{3, 3, 3, 3}}, false},
          Row{"nothing to watch", {}, false}}) {
        DoubtMeter meter;
        EXPECT_EQ(meter.look(row.groups, SteadyTime(1s)), row.doubts) << row.name;
    }
}

TEST(Doubt, LastsWhileMostCanariesFail) {
    DoubtMeter meter;
    meter.note_canaries(2, 1);
    EXPECT_FALSE(meter.doubts());
    meter.note_canaries(3, 2);
    EXPECT_TRUE(meter.doubts());
    EXPECT_TRUE(meter.look({{10, 10, 0}, {10, 10, 0}}, SteadyTime(1s))) << "whatever else is seen";
    meter.note_canaries(3, 1);
    EXPECT_FALSE(meter.doubts());
}

TEST(Doubt, EndsWhenLittleFailsOrAfterAWhileWithNothingToWatch) {
    DoubtMeter meter;
    EXPECT_TRUE(meter.look({{10, 10, 10}, {10, 10, 10}}, SteadyTime(1s)));
    EXPECT_TRUE(meter.look({{10, 10, 3}, {10, 10, 3}}, SteadyTime(2s))) << "not at half already";
    EXPECT_FALSE(meter.look({{10, 10, 3}, {10, 10, 2}}, SteadyTime(3s)));
    EXPECT_TRUE(meter.look({{10, 10, 10}, {10, 10, 10}}, SteadyTime(4s)));
    EXPECT_TRUE(meter.look({}, SteadyTime(123s))) << "twice as long, for it came back";
    EXPECT_FALSE(meter.look({}, SteadyTime(124s)));
}

TEST(Doubt, DoesNotEndBecauseWhatFailsHasBeenTakenAway) {
    DoubtMeter meter;
    EXPECT_TRUE(meter.look({{100, 100, 33, 33}}, SteadyTime(1s)));
    EXPECT_TRUE(meter.look({{49, 49, 0, 0}}, SteadyTime(2s)));
    EXPECT_TRUE(meter.look({{49, 49, 0, 0}}, SteadyTime(60s)));
    EXPECT_FALSE(meter.look({{49, 49, 0, 0}}, SteadyTime(61s)));
    EXPECT_TRUE(meter.look({{100, 100, 33, 33}}, SteadyTime(62s)));
    EXPECT_FALSE(meter.look({{50, 50, 0, 0}}, SteadyTime(63s))) << "half of it is seen to serve";
}

TEST(Doubt, EndsWhenAllThatFailedIsDown) {
    DoubtMeter meter;
    EXPECT_TRUE(meter.look({{10, 10, 10}, {10, 10, 10}}, SteadyTime(1s)));
    EXPECT_FALSE(meter.look({{10, 0, 0}, {10, 0, 0}}, SteadyTime(2s)));
}

/// A second goes by, in which so many probes end.
class Probing {
 public:
    bool second(std::uint64_t finished, std::uint64_t shortages, bool watches = true) {
        sums_.finished += finished;
        sums_.shortages += shortages;
        now_ += 1s;
        meter.note_probes(sums_, now_);
        return meter.look(
            watches ? std::vector<GroupSight>{{10, 10, 0}} : std::vector<GroupSight>{}, now_);
    }
    /// How many seconds until it is so.
    int until(bool doubts, std::uint64_t finished, std::uint64_t shortages) {
        for (int seconds = 1; seconds < 10'000; ++seconds) {
            if (second(finished, shortages) == doubts) return seconds;
        }
        return -1;
    }
    DoubtMeter meter;

 private:
    ProbeSums sums_;
    SteadyTime now_{1s};
};

TEST(Doubt, BeginsWhenMostProbesOfSomeSecondsLackMeansOfTheNode) {
    Probing probing;
    for (int i = 0; i < 60; ++i) EXPECT_FALSE(probing.second(100, 50)) << "half of them";
    EXPECT_EQ(probing.until(true, 100, 100), 1) << "more than half";
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(probing.second(100, 26));
    EXPECT_EQ(probing.until(false, 100, 0), 1) << "a quarter of them";

    Probing sudden;
    for (int i = 0; i < 60; ++i) EXPECT_FALSE(sudden.second(100, 0));
    EXPECT_EQ(sudden.until(true, 100, 100), 3);
    EXPECT_EQ(sudden.until(false, 100, 0), 4);
}

TEST(Doubt, WaitsForFourProbes) {
    Probing probing;
    EXPECT_FALSE(probing.second(1, 1));
    for (int i = 0; i < 40; ++i) EXPECT_FALSE(probing.second(0, 0));
    EXPECT_FALSE(probing.second(1, 1));
    EXPECT_FALSE(probing.second(1, 1));
    EXPECT_FALSE(probing.second(1, 1));
    EXPECT_TRUE(probing.second(1, 1)) << "four after the first";
}

TEST(Doubt, LastsLongerEachTimeItComesBack) {
    Probing probing;
    std::vector<int> lasted;
    for (int i = 0; i < 6; ++i) {
        EXPECT_GT(probing.until(true, 100, 100), 0);
        lasted.push_back(probing.until(false, 0, 0));
    }
    EXPECT_EQ(lasted, (std::vector{64, 124, 244, 484, 904, 904})) << "and the window";
    for (int i = 0; i < 901; ++i) EXPECT_FALSE(probing.second(100, 0));
    EXPECT_GT(probing.until(true, 100, 100), 0);
    EXPECT_EQ(probing.until(false, 0, 0), 64) << "had been well for long";
}

VoteRequest request() {
    return {.cluster = "uuid",
            .asks = NodeId("n1"),
            .shard = {.group = GroupName("web"), .number = 3},
            .group_uid = "uid",
            .layout = 2,
            .generation = 7,
            .slots = {0, 5, 9}};
}

TEST(PeerMessages, AreReadAsTheyWereWritten) {
    EXPECT_EQ(decode_vote_request(encode(request())), request());
    const VoteReply reply{.votes = {Vote::agree, Vote::disagree, Vote::abstain}};
    EXPECT_EQ(decode_vote_reply(encode(reply), 3), reply);
}

TEST(PeerMessages, ThatAreNotAreRefused) {
    for (const char* wrong : {"",
                              "{",
                              "[]",
                              "null",
                              "{}",
                              R"({"votes":1})",
                              R"({"votes":"ad"})",
                              R"({"votes":"adda"})",
                              R"({"votes":"adx"})"}) {
        EXPECT_FALSE(decode_vote_reply(wrong, 3)) << wrong;
    }
    VoteRequest many = request();
    many.slots.assign(65, 1);
    EXPECT_FALSE(decode_vote_request(encode(many)));
    EXPECT_FALSE(decode_vote_request(std::string(70'000, ' ') + encode(request())));
    const std::string right = encode(request());
    EXPECT_FALSE(decode_vote_request("[" + right + "]"));
    // Every byte changed or cut off: refused, or another request; never a crash.
    std::mt19937_64 random(3);
    for (std::size_t i = 0; i < right.size(); ++i) {
        (void)decode_vote_request(right.substr(0, i));
        std::string changed = right;
        changed[i] = static_cast<char>(random());
        (void)decode_vote_request(changed);
    }
}

}  // namespace
}  // namespace muster::orchestrator
