#include "orchestrator/shift_duty.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using dnsupdate::DnsName;
using dnsupdate::MemberId;

const char* const api = "api.muster.test";

struct Seen {
    dnsupdate::DesiredRecords wanted;
    dnsupdate::Round round;
    dnsupdate::UpdaterStatus store{.provider = "etcd",
                                   .stage = dnsupdate::Stage::publishing,
                                   .servers = {{.address = "10.0.0.9:53", .asked = true}}};
};

std::string unseen(const std::function<void(Seen&)>& change) {
    Seen seen;
    const dnsupdate::Member member{.address = "10.0.0.1", .port = 443, .weight = 95};
    seen.wanted.desired.sets[DnsName(api)].records.members[MemberId("blue-lb")] = member;
    seen.round.observed.sets[DnsName(api)].members[MemberId("blue-lb")] = {.member = member};
    change(seen);
    DnsRow row;
    seen.store.round = std::make_shared<const dnsupdate::Round>(seen.round);
    row.stores = {seen.store};
    return what_is_unseen(api, {{"etcd", seen.wanted}}, row);
}

TEST(ShiftDuty, KnowsWhatTheServersDoNotShowYet) {
    EXPECT_EQ(unseen([](Seen&) {}), "");
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.trouble = "no answer"; }), "etcd: no answer");
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.stage = dnsupdate::Stage::claiming; }),
              "etcd is not read yet");
    EXPECT_EQ(
        unseen([](Seen& seen) {
            seen.round.observed.sets[DnsName(api)].members[MemberId("blue-lb")].member.weight = 100;
        }),
        "etcd does not hold the wanted records yet");
    EXPECT_EQ(unseen([](Seen& seen) { seen.round.observed.sets.clear(); }),
              "etcd does not hold the wanted records yet");
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.servers[0].unseen[DnsName(api)] = {}; }),
              "the DNS server 10.0.0.9:53 does not show them yet");
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.servers[0].asked = false; }),
              "the DNS server 10.0.0.9:53 does not show them yet");
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.servers[0].unseen[DnsName(api)] = "SERVFAIL"; }),
              "the DNS server 10.0.0.9:53: SERVFAIL");
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.servers[0].silent = "no answer"; }),
              "the DNS server 10.0.0.9:53: no answer");
    EXPECT_EQ(unseen([](Seen& seen) {
                  dnsupdate::ServerState& server = seen.store.servers[0];
                  server.wrong = "SERVFAIL";
                  server.waiting = 2;
                  server.unseen = {{DnsName("db.muster.test"), "SERVFAIL"},
                                   {DnsName("www.muster.test"), ""}};
              }),
              "")
        << "of other names";
    EXPECT_EQ(unseen([](Seen& seen) {
                  seen.store.trouble = "no answer";
                  seen.wanted.desired.sets.clear();
              }),
              "")
        << "of a name that this store does not hold";
    EXPECT_EQ(what_is_unseen(api, {}, {}), "no store of records is written yet");
}

TEST(ShiftDuty, LooksAroundOnceAndNotForWhatIsDone) {
    znodes::TrafficShift done{.id = "1",
                              .from = {{"blue", 100}},
                              .to = {{"green", 100}},
                              .now = {{"green", 100}},
                              .phase = znodes::ShiftPhase::done};
    znodes::TrafficShifts shifts{.names = {{"a.muster.test", done}, {"b.muster.test", done}}};
    int looks = 0;
    const auto look_around = [&] {
        ++looks;
        return ShiftSurroundings{};
    };
    const znodes::TrafficShifts before = shifts;
    EXPECT_TRUE(advance_all(shifts, {}, look_around, {}, {}).empty());
    EXPECT_EQ(shifts, before);
    EXPECT_EQ(looks, 0);
    done.phase = znodes::ShiftPhase::stepping;
    shifts.names = {{"a.muster.test", done}, {"b.muster.test", done}};
    EXPECT_EQ(advance_all(shifts, {}, look_around, {}, {}).size(), 2U);
    EXPECT_EQ(looks, 1);
}

TEST(ShiftDuty, EndsOnlyTheShiftThatNobodyCouldRead) {
    const znodes::TrafficShift stepping{.id = "1",
                                        .from = {{"blue", 100}},
                                        .to = {{"blue", 50}, {"green", 50}},
                                        .now = {{"blue", 90}, {"green", 10}},
                                        .step = 1,
                                        .steps = 5,
                                        .phase = znodes::ShiftPhase::stepping};
    znodes::TrafficShift asked = stepping;
    asked.from = asked.now = {};
    asked.step = asked.steps = 0;
    asked.phase = znodes::ShiftPhase::asked;
    const znodes::TrafficShifts before{
        .stamp = {.cluster = "c", .writer = "n"},
        .names = {{"a.muster.test", asked}, {"b.muster.test", stepping}, {api, stepping}}};
    znodes::TrafficShifts after = before;
    after.names[api].step = 2;
    EXPECT_TRUE(end_unreadable(before, after, {}).empty());
    const znodes::TrafficShift good = after.names[api];

    after.names["a.muster.test"].from = {{"", 50}, {"blue", 50}};
    after.names["b.muster.test"].why = "\xff";
    EXPECT_EQ(end_unreadable(before, after, {}),
              (std::vector<std::string>{"a.muster.test", "b.muster.test"}));
    EXPECT_EQ(after.names[api], good);
    EXPECT_EQ(after.names["a.muster.test"].phase, znodes::ShiftPhase::rolled_back);
    EXPECT_TRUE(after.names["a.muster.test"].now.empty()) << "as it was";
    EXPECT_EQ(after.names["b.muster.test"].now, stepping.from);
    const auto read = znodes::decode<znodes::TrafficShifts>(encode(after), "c");
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(*read, after);
}

}  // namespace
}  // namespace muster::orchestrator
