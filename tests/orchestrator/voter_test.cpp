// What a node answers to a peer that suspects backends.
#include "orchestrator/voter.hpp"

#include "tests/orchestrator/one_shard.hpp"
#include "tests/orchestrator/recorded_runner.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

checker::ProbeOutcome outcome(checker::Result result) {
    return {.result = result};
}

class VoterTest : public testing::Test {
 protected:
    static VoteRequest question(std::vector<int> slots) {
        return {.cluster = "uuid",
                .asks = NodeId("n1"),
                .shard = web_shard,
                .group_uid = "uid",
                .layout = 2,
                .generation = 7,
                .slots = std::move(slots)};
    }
    std::string answer(std::string question) {
        std::string said;
        const auto ask = [&]() -> asio::awaitable<void> {
            said = co_await voter_.answer(std::move(question));
        };
        asio::co_spawn(context_, ask, test::rethrow);
        clock_.run_ready();
        return said;
    }
    std::vector<Vote> votes(const VoteRequest& request) {
        const auto reply = decode_vote_reply(answer(encode(request)), request.slots.size());
        EXPECT_TRUE(reply);
        return reply ? reply->votes : std::vector<Vote>{};
    }
    std::vector<std::string> probed() const {
        std::vector<std::string> hosts;
        for (const auto& request : runner_.probed) hosts.push_back(request->host);
        return hosts;
    }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    follow::ClusterView view_ = view_of_one_shard(70);
    RecordedRunner runner_;
    bool fit_ = true;
    Voter voter_{clock_, view_, runner_, [this] { return fit_; }};
};

TEST_F(VoterTest, ProbesWhatIsAskedAboutAndSaysWhatItSaw) {
    runner_.outcome_of = [](const checker::ProbeRequest& request) {
        return outcome(request.host == "10.0.0.1"   ? checker::Result::failure
                       : request.host == "10.0.0.2" ? checker::Result::success
                       : request.host == "10.0.0.3" ? checker::Result::degraded
                                                    : checker::Result::inconclusive);
    };
    EXPECT_THAT(votes(question({3, 2, 1, 0})),
                ElementsAre(Vote::abstain, Vote::disagree, Vote::disagree, Vote::agree));
    EXPECT_THAT(probed(), ElementsAre("10.0.0.4", "10.0.0.3", "10.0.0.2", "10.0.0.1"));
    EXPECT_EQ(voter_.votes(), 4U);
}

TEST_F(VoterTest, ProbesAsTheConfigurationSays) {
    config::GroupSpec spec = *view_.groups.at(web_shard.group).spec;
    spec.check = {.probe = config::TcpCheck{}, .timeout = 700ms};
    spec.check.timeouts.connect = 200ms;
    spec.backends[1].check = config::BackendCheck{
        .check = {.probe = config::HttpCheck{}, .timeout = 900ms, .port = std::uint16_t{8080}}};
    view_.groups.at(web_shard.group).spec = std::make_shared<config::GroupSpec>(spec);
    (void)votes(question({0, 1}));
    ASSERT_EQ(runner_.probed.size(), 2U);
    EXPECT_EQ(*runner_.probed[0],
              (checker::ProbeRequest{.host = "10.0.0.1",
                                     .port = 80,
                                     .probe = spec.check.probe,
                                     .timeout = 700ms,
                                     .timeouts = checker::shared(spec.check.timeouts)}));
    EXPECT_EQ(*runner_.probed[1],
              (checker::ProbeRequest{.host = "10.0.0.2",
                                     .port = 8080,
                                     .probe = config::ProbeSpec(config::HttpCheck{}),
                                     .timeout = 900ms}));
}

TEST_F(VoterTest, AbstainsFromWhatItKnowsOtherwise) {
    const auto expect_abstention = [&](const char* what, const VoteRequest& request) {
        EXPECT_THAT(votes(request), ElementsAre(Vote::abstain, Vote::abstain)) << what;
        EXPECT_THAT(runner_.probed, IsEmpty()) << what;
    };
    const VoteRequest right = question({0, 1});
    VoteRequest other = right;
    other.cluster = "another";
    expect_abstention("cluster", other);
    other = right;
    other.shard.group = GroupName("db");
    expect_abstention("group", other);
    other = right;
    other.shard.number = 4;
    expect_abstention("shard", other);
    other = right;
    other.group_uid = "of an earlier life";
    expect_abstention("life of the group", other);
    other = right;
    other.layout = 3;
    expect_abstention("layout", other);
    for (const std::int64_t generation : {6, 8}) {
        other = right;
        other.generation = generation;
        expect_abstention("generation", other);
    }
    follow::GroupView& group = view_.groups.at(web_shard.group);
    group.head->value.deleted = true;
    expect_abstention("a deleted group", right);
    group.head->value.deleted = false;
    group.shards.at(3).members->value.group_uid = "of an earlier life";
    expect_abstention("slots of an earlier life", right);
    group.shards.at(3).members->value.group_uid = "uid";
    const auto spec = std::exchange(group.spec, nullptr);
    expect_abstention("a configuration that is not here", right);
    group.spec = spec;
    group.shards.at(3).members.reset();
    expect_abstention("slots that are not here", right);
}

TEST_F(VoterTest, AbstainsFromSlotsThatHoldNobodyAndVotesOnTheOthers) {
    auto& slots = view_.groups.at(web_shard.group).shards.at(3).members->value.slots;
    slots[1].tombstone = true;
    slots[2].backend = BackendId("gone");
    EXPECT_THAT(
        votes(question({0, 1, 2, 70, 2'000'000'000, 4})),
        ElementsAre(
            Vote::agree, Vote::abstain, Vote::abstain, Vote::abstain, Vote::abstain, Vote::agree));
    EXPECT_THAT(probed(), ElementsAre("10.0.0.1", "10.0.0.5"));
    EXPECT_EQ(voter_.votes(), 2U);
}

TEST_F(VoterTest, AbstainsWhileItsOwnEyesAreNotToBeTrusted) {
    fit_ = false;
    EXPECT_THAT(votes(question({0, 1})), Each(Vote::abstain));
    EXPECT_THAT(runner_.probed, IsEmpty());
    fit_ = true;
    runner_.while_probing = [this] { fit_ = false; };
    EXPECT_THAT(votes(question({0, 1})), Each(Vote::abstain)) << "lost its footing meanwhile";
    EXPECT_EQ(runner_.probed.size(), 2U);
    EXPECT_EQ(voter_.votes(), 0U);
}

TEST_F(VoterTest, GivesNoVotesToWhatIsNoQuestion) {
    std::vector<int> too_many(65);
    std::iota(too_many.begin(), too_many.end(), 0);
    for (const std::string& text : {std::string(), std::string("{}"), encode(question(too_many))}) {
        EXPECT_EQ(answer(text), encode(VoteReply{})) << text;
    }
    EXPECT_THAT(runner_.probed, IsEmpty());
}

TEST_F(VoterTest, ProbesOnceWhatIsAskedTwice) {
    EXPECT_THAT(votes(question(std::vector<int>(64, 5))), Each(Vote::agree));
    EXPECT_THAT(probed(), ElementsAre("10.0.0.6"));
    // Two backends on one endpoint, too.
    config::GroupSpec spec = *view_.groups.at(web_shard.group).spec;
    spec.backends[1].address = spec.backends[0].address;
    view_.groups.at(web_shard.group).spec = std::make_shared<config::GroupSpec>(spec);
    runner_.probed.clear();
    EXPECT_THAT(votes(question({0, 1, 2})), ElementsAre(Vote::agree, Vote::agree, Vote::agree));
    EXPECT_THAT(probed(), ElementsAre("10.0.0.1", "10.0.0.3"));
}

TEST_F(VoterTest, MakesNoMoreThanAThousandProbesASecondForOthers) {
    std::vector<int> most(64);
    std::iota(most.begin(), most.end(), 0);
    // A tenth of a second's worth at once, by whole questions.
    EXPECT_THAT(votes(question(most)), Each(Vote::agree));
    EXPECT_THAT(votes(question(most)), Each(Vote::agree));
    EXPECT_THAT(votes(question(most)), Each(Vote::abstain)) << "at once, not later";
    EXPECT_EQ(runner_.probed.size(), 128U);
    clock_.run_for(27ms);
    EXPECT_THAT(votes(question(most)), Each(Vote::abstain));
    clock_.run_for(1ms);
    EXPECT_THAT(votes(question(most)), Each(Vote::agree));

    runner_.probed.clear();
    int abstained = 0;
    for (int i = 0; i < 5'000; ++i) {
        clock_.run_for(1ms);
        abstained += votes(question(most))[0] == Vote::abstain ? 1 : 0;
    }
    EXPECT_LE(runner_.probed.size(), 5'064U);
    EXPECT_GE(runner_.probed.size(), 4'900U);
    EXPECT_EQ(static_cast<std::size_t>(5'000 - abstained) * 64, runner_.probed.size());
}

TEST_F(VoterTest, SpendsNothingOfItsPaceOnWhatItDoesNotProbe) {
    fit_ = false;
    for (int i = 0; i < 100; ++i) (void)votes(question(std::vector<int>(64, 0)));
    fit_ = true;
    VoteRequest other = question({0});
    other.layout = 1;
    for (int i = 0; i < 1'000; ++i) (void)votes(other);
    EXPECT_THAT(votes(question({0})), ElementsAre(Vote::agree));
}

}  // namespace
}  // namespace muster::orchestrator
