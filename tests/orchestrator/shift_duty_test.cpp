#include "orchestrator/shift_duty.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

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
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.servers[0].waiting = 1; }),
              "the DNS server 10.0.0.9:53 does not show them yet");
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.servers[0].asked = false; }),
              "the DNS server 10.0.0.9:53 does not show them yet");
    EXPECT_EQ(unseen([](Seen& seen) { seen.store.servers[0].wrong = "SERVFAIL"; }),
              "the DNS server 10.0.0.9:53: SERVFAIL");
    EXPECT_EQ(unseen([](Seen& seen) {
                  seen.store.trouble = "no answer";
                  seen.wanted.desired.sets.clear();
              }),
              "")
        << "of a name that this store does not hold";
    EXPECT_EQ(what_is_unseen(api, {}, {}), "no store of records is written yet");
}

}  // namespace
}  // namespace muster::orchestrator
