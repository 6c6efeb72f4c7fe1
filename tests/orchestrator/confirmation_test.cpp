// What a worker does with backends that it finds DOWN: whom it asks about which of them, and what
// becomes of the rest.
#include "orchestrator/peer_messages.hpp"
#include "tests/orchestrator/one_worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

/// Peers that answer at once, as the test says of each slot.
class VotingPeers final : public Peers {
 public:
    asio::awaitable<Result<std::string>> ask(std::string /*address*/,
                                             std::string question,
                                             std::chrono::nanoseconds /*limit*/) override {
        const auto request = decode_vote_request(question);
        EXPECT_TRUE(request);
        asked.push_back(request->slots);
        VoteReply reply;
        for (std::size_t i = 0; i < request->slots.size(); ++i)
            reply.votes.push_back(vote(i, request->slots[i]));
        co_return encode(reply);
    }
    std::vector<std::vector<int>> asked;
    std::function<Vote(std::size_t place, int slot)> vote = [](std::size_t, int) {
        return Vote::agree;
    };
};

/// A worker, n1, with one shard of so many backends, all UP until the test says otherwise.
class ConfirmationTest : public testing::Test {
 protected:
    static constexpr int backends = 200;

    ConfirmationTest() {
        for (const checker::Check& check : one_.runner.put_checks) ids_.push_back(check.id);
        EXPECT_THAT(ids_, SizeIs(backends)) << "in the order of their slots";
        for (int slot = 0; slot < backends; ++slot) report(slot, checker::Verdict::up);
    }

    void report(int slot, checker::Verdict verdict) {
        const bool up = verdict == checker::Verdict::up;
        const checker::Reason reason = up ? checker::Reason::l7_ok : checker::Reason::l4_refused;
        one_.runner.report(
            {.id = ids_.at(static_cast<std::size_t>(slot)),
             .state = {.verdict = verdict, .since = one_.clock.wall(), .reason = reason},
             .transition = checker::Transition::changed,
             .outcome = {.result = up ? checker::Result::success : checker::Result::failure,
                         .reason = reason}});
    }
    /// These fall at the same time; what becomes of them is waited for.
    void fall(int first, int count) {
        for (int slot = first; slot < first + count; ++slot) report(slot, checker::Verdict::down);
        one_.clock.run_for(1s);
    }
    /// Which of them are DOWN now.
    [[nodiscard]] std::set<int> down() const {
        std::set<int> slots;
        for (int slot = 0; slot < backends; ++slot) {
            const auto told =
                one_.worker.confirmation(web_shard.group, BackendId(fmt::format("b{:03}", slot)));
            if (told && told->down) slots.insert(slot);
        }
        return slots;
    }

    VotingPeers peers_;
    OneWorker one_{backends, {}, &peers_};
    std::vector<checker::CheckId> ids_;
};

TEST_F(ConfirmationTest, UpTo64SuspectsAreAllAskedAboutAtOnce) {
    fall(10, 64);
    ASSERT_THAT(peers_.asked, SizeIs(1));
    EXPECT_THAT(peers_.asked[0], SizeIs(64));
    EXPECT_THAT(down(), SizeIs(64));
    EXPECT_EQ(one_.worker.counters().confirmed, 64U);
}

TEST_F(ConfirmationTest, OfMoreThan64SuspectsThirtyTwoAreAskedAboutAndTheOthersFollow) {
    fall(0, 65);
    ASSERT_THAT(peers_.asked, SizeIs(1));
    const std::set<int> asked(peers_.asked[0].begin(), peers_.asked[0].end());
    EXPECT_THAT(asked, SizeIs(32));
    EXPECT_LT(*asked.rbegin(), 65);
    EXPECT_THAT(down(), SizeIs(65));
    EXPECT_EQ(one_.worker.counters().questions, 1U);
    // Of those who were not asked about nobody has said a word.
    for (int slot = 0; slot < 65; ++slot) {
        const auto told =
            one_.worker.confirmation(web_shard.group, BackendId(fmt::format("b{:03}", slot)));
        EXPECT_THAT(told.value().votes, SizeIs(asked.contains(slot) ? 1 : 0));
    }
    // At random: others of the next ones.
    peers_.asked.clear();
    fall(65, 65);
    ASSERT_THAT(peers_.asked, SizeIs(1));
    std::set<int> same;
    for (const int slot : peers_.asked[0]) {
        if (asked.contains(slot - 65)) same.insert(slot);
    }
    EXPECT_LT(same.size(), 32U);
}

TEST_F(ConfirmationTest, TheOthersFollowNineInTen) {
    // 29 of 32 are more.
    peers_.vote = [](std::size_t place, int) { return place < 29 ? Vote::agree : Vote::disagree; };
    fall(0, 100);
    ASSERT_THAT(peers_.asked, SizeIs(1));
    std::set<int> refuted(peers_.asked[0].begin() + 29, peers_.asked[0].end());
    EXPECT_THAT(refuted, SizeIs(3));
    const std::set<int> fallen = down();
    EXPECT_THAT(fallen, SizeIs(97));
    for (const int slot : refuted) EXPECT_FALSE(fallen.contains(slot));
    EXPECT_EQ(one_.worker.counters().confirmed, 97U);
    EXPECT_EQ(one_.worker.counters().refused, 3U);
}

TEST_F(ConfirmationTest, TheOthersStayWithLessThanNineInTen) {
    peers_.vote = [](std::size_t place, int) { return place < 28 ? Vote::agree : Vote::disagree; };
    one_.runner.put_checks.clear();
    fall(0, 100);
    ASSERT_THAT(peers_.asked, SizeIs(1));
    EXPECT_EQ(down(), std::set<int>(peers_.asked[0].begin(), peers_.asked[0].begin() + 28));
    EXPECT_EQ(one_.worker.counters().refused, 72U);
    // Their next failure is suspicious again.
    ASSERT_THAT(one_.runner.put_checks, SizeIs(72));
    for (const checker::Check& check : one_.runner.put_checks) {
        EXPECT_TRUE(check.replace_state);
        EXPECT_EQ(check.start.verdict, checker::Verdict::up);
        EXPECT_EQ(check.start.failures, check.spec->fall - 1);
    }
}

TEST_F(ConfirmationTest, PeersThatAbstainAreAskedAgainBeforeTheOwnWordCounts) {
    peers_.vote = [](std::size_t, int) { return Vote::abstain; };
    fall(0, 1);
    EXPECT_THAT(down(), SizeIs(0)) << "after a second";
    EXPECT_GE(peers_.asked.size(), 4U) << "both of them, again and again";
    one_.clock.run_for(2s);
    EXPECT_THAT(down(), SizeIs(1));
}

}  // namespace
}  // namespace muster::orchestrator
