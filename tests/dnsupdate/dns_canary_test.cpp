#include "dnsupdate/dns_canary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Health = CanaryState::Health;

const CanarySettings settings{
    .name = DnsName("_muster-canary.muster.test"), .text = "muster/C-1", .fall = 2};

DnsAnswer text_answer(std::string text, std::uint32_t ttl = 5) {
    return {.code = "NOERROR",
            .records = {{.owner = settings.name.str(),
                         .type = "TXT",
                         .ttl = ttl,
                         .data = '"' + std::move(text) + '"'}}};
}

CanaryState after(CanaryState was, const Result<DnsAnswer>& answer, int at) {
    return observe_canary(was, settings, answer, 3ms, WallTime(std::chrono::seconds(at)));
}

TEST(DnsCanary, IsUpWithOneRightAnswerAndDownAfterTwoWrongOnes) {
    const Result<DnsAnswer> silence = fail(DnsErrc::no_answer, "192.0.2.53:53");
    CanaryState state = after({}, text_answer("muster/c-1"), 1);
    EXPECT_EQ(state, (CanaryState{.health = Health::up, .since = WallTime(1s), .took = 3ms}));
    state = after(state, silence, 2);
    EXPECT_EQ(state.health, Health::up) << "one datagram may be lost";
    EXPECT_EQ(after(state, text_answer("muster/c-1"), 3).failures, 0);
    state = after(state, silence, 3);
    EXPECT_EQ(state.health, Health::down);
    EXPECT_EQ(state.since, WallTime(3s));
    EXPECT_THAT(state.wrong, HasSubstr("no answer in time"));
    for (int i = 4; i < 10; ++i) state = after(state, silence, i);
    EXPECT_EQ(state.since, WallTime(3s)) << "since it changed, not since the last answer";
    state = after(state, text_answer("muster/c-1"), 10);
    EXPECT_EQ(state.health, Health::up);
    EXPECT_EQ(state.since, WallTime(10s));
    EXPECT_EQ(state.wrong, "");
}

TEST(DnsCanary, IsUnknownBeforeThereWasEnoughOfEither) {
    const CanaryState state = after({}, fail(DnsErrc::no_answer, "192.0.2.53:53"), 1);
    EXPECT_EQ(state.health, Health::unknown);
    EXPECT_EQ(state.since, WallTime{});
}

TEST(DnsCanary, IsWrongWithAnyOtherAnswer) {
    struct Row {
        const char* what;
        DnsAnswer answer;
        const char* said;
    };
    DnsAnswer two = text_answer("muster/c-1");
    two.records.push_back(text_answer("another").records.front());
    for (const Row& row : {Row{"no such name", {.code = "NXDOMAIN"}, "NXDOMAIN"},
                           Row{"no store", {.code = "SERVFAIL"}, "SERVFAIL"},
                           Row{"no record", {.code = "NOERROR"}, "does not answer"},
                           Row{"another cluster's", text_answer("muster/c-2"), "still answers"},
                           Row{"one more", two, "still answers"},
                           Row{"a longer TTL", text_answer("muster/c-1", 300), "a TTL of 300"}})
        EXPECT_THAT(after({}, row.answer, 1).wrong, HasSubstr(row.said)) << row.what;
}

TEST(DnsCanary, HasNoAddress) {
    const DesiredSet set = canary_set("muster/c-1");
    ASSERT_EQ(set.records.members.size(), 1U);
    EXPECT_EQ(set.records.members.begin()->second.address, "");
    EXPECT_THAT(types_of(set.records), testing::ElementsAre(RecordType::txt));
}

}  // namespace
}  // namespace muster::dnsupdate
