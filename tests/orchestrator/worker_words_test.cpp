// What a worker publishes of a backend that speaks for itself in two ways: in the replies to its
// probe, and through its agent.
#include "checker/intent_words.hpp"
#include "common/znodes/rotation.hpp"
#include "tests/orchestrator/one_worker.hpp"

#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using znodes::RotationEntry;
using znodes::RotationReason;

class WordsTest : public testing::Test {
 protected:
    static config::CheckSpec listening() {
        config::CheckSpec check;
        check.intent = config::IntentSource{.header = "X-State", .agent_port = 9777, .ttl = 30s};
        return check;
    }

    WordsTest() {
        EXPECT_EQ(one_.runner.put_checks.size(), 2U) << "its probe, and its agent's";
        one_.runner.report({.id = one_.runner.put_checks.front().id,
                            .state = up_,
                            .transition = checker::Transition::changed,
                            .outcome = {.result = checker::Result::success}});
    }

    void reply(std::string_view words) { hear(one_.runner.put_checks.front(), words); }
    void agent(std::string_view words) { hear(one_.runner.put_checks.back(), words); }
    /// As published, a second later.
    RotationEntry placed() {
        one_.clock.run_for(1s);
        const znodes::ShardStatus status = one_.published();
        return znodes::rotation({{.id = BackendId("b000"),
                                  .verdict = status.letters.at(0),
                                  .intents = status.details.at(0).intents}},
                                {},
                                false,
                                one_.clock.wall())
            .entries.front();
    }
    static RotationEntry out(RotationReason reason) {
        return {.id = BackendId("b000"), .reason = reason};
    }
    static RotationEntry in(int weight, RotationReason reason) {
        return {.id = BackendId("b000"), .in = true, .weight = weight, .reason = reason};
    }

    OneWorker one_{1, listening()};

 private:
    void hear(const checker::Check& check, std::string_view words) {
        one_.runner.report({.id = check.id,
                            .state = up_,
                            .outcome = {.result = checker::Result::success,
                                        .intent = checker::parse_intent(words).value()}});
    }

    checker::HealthState up_{.verdict = checker::Verdict::up};
};

TEST_F(WordsTest, OfAnAgentThatDrainsOutlastThoseOfEveryReply) {
    agent("drain");
    EXPECT_EQ(placed(), out(RotationReason::own_drain));
    for (int second = 1; second < 29; ++second) {
        reply("up 75%");
        ASSERT_EQ(placed(), out(RotationReason::own_drain)) << second << " s after its only word";
    }
    reply("up 75%");
    EXPECT_EQ(placed(), in(75, RotationReason::own_weight)) << "30 s: the agent's are over";
    one_.clock.run_for(30s);
    EXPECT_EQ(placed(), in(100, RotationReason::healthy)) << "and the reply's";
}

TEST_F(WordsTest, OfAReplyThatDrainsOutlastThoseOfTheAgent) {
    reply("drain");
    EXPECT_EQ(placed(), out(RotationReason::own_drain));
    for (const char* words : {"75%", "ready", "up"}) {
        agent(words);
        EXPECT_EQ(placed(), out(RotationReason::own_drain)) << words;
    }
    reply("up");
    EXPECT_EQ(placed(), in(75, RotationReason::own_weight)) << "what the agent said holds still";
    reply("50%");
    EXPECT_EQ(placed(), in(50, RotationReason::own_weight)) << "the smaller of both";
    agent("25%");
    EXPECT_EQ(placed(), in(25, RotationReason::own_weight));
}

TEST_F(WordsTest, AreTakenBackByThoseWhoSaidThem) {
    agent("maint");
    reply("drain");
    EXPECT_EQ(placed(), out(RotationReason::own_maintenance));
    agent("ready");
    EXPECT_EQ(placed(), out(RotationReason::own_drain));
    reply("ready");
    EXPECT_EQ(placed(), in(100, RotationReason::healthy));
}

}  // namespace
}  // namespace muster::orchestrator
