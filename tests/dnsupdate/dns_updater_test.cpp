#include "tests/dnsupdate/updater_fixture.hpp"

namespace muster::dnsupdate {
namespace {

class DnsUpdaterTest : public UpdaterFixture {};

TEST_F(DnsUpdaterTest, ClaimsThenPublishesAndKeepsTheMark) {
    want(records(1, 2));
    start();
    EXPECT_TRUE(converges(2, 1s));
    clock_.run_for(1s);
    EXPECT_EQ(store_.claims, 1);
    EXPECT_EQ(
        kept_,
        (StoreMark{
            .born = true, .revision = 2, .last_good = {{api, records(1, 2)}}, .longest_ttl = 30s}));
    const UpdaterStatus status = updater_->status();
    EXPECT_EQ(status.stage, Stage::publishing);
    EXPECT_EQ(status.claim, Claim::create);
    EXPECT_EQ(status.round->observed.sets.at(api).members.size(), 2U) << "what is there now";
    ASSERT_EQ(status.servers.size(), 1U);
    EXPECT_EQ(status.servers[0].wrong, "");
    EXPECT_TRUE(status.servers[0].shown.has_value());
}

TEST_F(DnsUpdaterTest, KeepsNoMarkInARoundWithoutAChange) {
    for (const bool has_age : {true, false}) {
        store_.has_age = has_age;
        want(records(1, 2));
        start({.born = true});
        clock_.run_for(30s);
        ASSERT_TRUE(kept_);
        const int keeps = keeps_;
        clock_.run_for(1min);
        EXPECT_EQ(keeps_, keeps) << "has_age " << has_age;
        want(records(1, 3));
        clock_.run_for(1min);
        EXPECT_GT(keeps_, keeps);
    }
}

TEST_F(DnsUpdaterTest, LooksEveryIntervalAndAtOnceWhenWhatIsWantedChanges) {
    want(records(1, 2));
    start();
    clock_.run_for(2s);
    const int before = store_.reads;
    clock_.run_for(20s);
    EXPECT_EQ(store_.reads - before, 4) << "every 5 s";
    updater_->look();
    clock_.run_for(200ms);
    EXPECT_EQ(store_.reads - before, 4) << "nothing else is wanted";
    want(records(1, 3));
    EXPECT_TRUE(converges(3, 200ms));
}

TEST_F(DnsUpdaterTest, RepairsDrift) {
    want(records(1, 2));
    start();
    EXPECT_TRUE(converges(2, 1s));
    store_.content.sets.clear();
    EXPECT_TRUE(converges(2, 6s));
}

TEST_F(DnsUpdaterTest, RemovesOneAfterTheOtherEachOnceTheServersShowTheLast) {
    want(records(1, 5));
    start();
    EXPECT_TRUE(converges(5, 1s));
    clock_.run_for(3s);
    want(records(1, 2));
    EXPECT_TRUE(converges(4, 300ms));
    clock_.run_for(800ms);
    EXPECT_EQ(there(), 4U) << "the next goes after a second";
    EXPECT_TRUE(converges(3, 500ms));
    frozen_ = store_.content;  // from here on the server has a cache
    want(records(1, 2));
    EXPECT_TRUE(converges(2, 2s));
    want(records(1, 1));
    clock_.run_for(5s);
    EXPECT_EQ(there(), 2U) << "the server does not show the last removal yet";
    EXPECT_THAT(updater_->status().holds_removals, HasSubstr("do not show"));
    frozen_.reset();
    EXPECT_TRUE(converges(1, 2s));
}

TEST_F(DnsUpdaterTest, AddsAtOnceWhileTheServersDoNotShowARemovalYet) {
    want(records(1, 3));
    start();
    clock_.run_for(3s);
    frozen_ = store_.content;
    want(records(1, 2));
    EXPECT_TRUE(converges(2, 300ms));
    RecordSet more = records(1, 2);
    more.members.merge(records(4, 9).members);
    want(more);
    EXPECT_TRUE(converges(8, 300ms));
}

TEST_F(DnsUpdaterTest, IsNotHeldUpForEverByAServerThatIsDead) {
    want(records(1, 4));
    start();
    clock_.run_for(3s);
    server_up_ = false;
    want(records(1, 1));
    EXPECT_TRUE(converges(1, 60s));
    EXPECT_GT(updater_->status().servers[0].given_up, 0U);
    EXPECT_THAT(updater_->status().servers[0].wrong, HasSubstr("127.0.0.1:53"));
}

/// As the turns of a rotation do, whose TTL is short.
TEST_F(DnsUpdaterTest, IsNotHeldUpByADeadServerWhileANameIsWrittenAgainAndAgain) {
    const DnsName www("www.muster.test");
    int turn = 0;
    const auto want_and_turn = [&](int last) {
        wanted_ = {
            .complete = true,
            .sets = {{api, {.records = records(1, last)}}, {www, {.records = records(9, 9)}}}};
        wanted_.sets[www].records.ttl = Ttl(30 + ++turn % 2);
        if (updater_) updater_->look();
    };
    want_and_turn(4);
    start();
    clock_.run_for(20s);
    server_up_ = false;
    want_and_turn(4);
    clock_.run_for(1s);
    for (int i = 0; i < 5; ++i) {
        want_and_turn(3);
        clock_.run_for(4s);
        if (i == 0) {
            EXPECT_EQ(there(), 4U) << "it has its time";
        }
    }
    EXPECT_EQ(there(), 3U);
    want_and_turn(3);
    clock_.run_for(1s);
    want_and_turn(2);
    EXPECT_TRUE(converges(2, 1s)) << "who was waited for in vain is not waited for again";

    server_up_ = true;
    clock_.run_for(10s);
    server_up_ = false;
    want_and_turn(2);
    clock_.run_for(1s);
    want_and_turn(1);
    EXPECT_FALSE(converges(1, 5s)) << "it had answered right";
    EXPECT_TRUE(converges(1, 10s));
}

TEST_F(DnsUpdaterTest, TellsOfEachNameWhetherAServerShowsIt) {
    const DnsName www("www.muster.test");
    wanted_ = {.complete = true,
               .sets = {{api, {.records = records(1, 2)}}, {www, {.records = records(9, 9)}}}};
    start();
    clock_.run_for(10s);
    const auto server = [&] { return updater_->status().servers[0]; };
    EXPECT_THAT(server().unseen, IsEmpty());
    frozen_ = store_.content;
    wanted_.sets[api].records = records(1, 3);
    updater_->look();
    clock_.run_for(5s);
    EXPECT_EQ(server().unseen, (std::map<DnsName, std::string>{{api, ""}}));
    clock_.run_for(10s);
    ASSERT_EQ(server().unseen.size(), 1U) << "given up, and wrong all the same";
    EXPECT_THAT(server().unseen.at(api), HasSubstr("10.0.0.3"));
    EXPECT_EQ(server().silent, "");
    server_up_ = false;
    clock_.run_for(10s);
    EXPECT_THAT(server().silent, HasSubstr("127.0.0.1:53"));
    EXPECT_EQ(server().unseen.size(), 1U);
    server_up_ = true;
    frozen_.reset();
    clock_.run_for(10s);
    EXPECT_THAT(server().unseen, IsEmpty());
    EXPECT_EQ(server().silent, "");
}

TEST_F(DnsUpdaterTest, TellsWhenOneIsOutOfDnsCachesIncluded) {
    const MemberId gone("lb-2");
    want(records(1, 2));
    start();
    clock_.run_for(10s);
    EXPECT_THAT(updater_->out_of_dns(gone).why, HasSubstr("has its record"));
    frozen_ = store_.content;  // a server with a cache
    want(records(1, 1));
    EXPECT_TRUE(converges(1, 300ms));
    clock_.run_for(20s);
    EXPECT_THAT(updater_->out_of_dns(gone).why, HasSubstr("has not answered without it"));
    EXPECT_THAT(updater_->status().leaving.at(gone).why, HasSubstr("127.0.0.1:53"));
    frozen_.reset();
    const auto out = [&] { return updater_->out_of_dns(gone).out; };
    EXPECT_FALSE(clock_.run_for(40s, out)) << "30 s of the TTL, 10 s of the floors";
    EXPECT_TRUE(clock_.run_for(6s, out)) << "the server is looked at every 5 s";
    clock_.run_for(1s);
    EXPECT_THAT(updater_->status().leaving, IsEmpty());
}

/// Of a name that nobody asks for any more.
TEST_F(DnsUpdaterTest, TellsWhenADroppedNameIsOutAtAServerThatWasDown) {
    const DnsName www("www.muster.test");
    wanted_ = {.complete = true,
               .sets = {{api, {.records = records(1, 1)}}, {www, {.records = records(9, 9)}}}};
    start();
    clock_.run_for(10s);
    server_up_ = false;
    store_.content.sets.erase(www);
    want(records(1, 1));
    clock_.run_for(30s);
    const MemberId gone("lb-9");
    EXPECT_THAT(updater_->out_of_dns(gone).why, HasSubstr("has not answered without it"));
    server_up_ = true;
    EXPECT_TRUE(clock_.run_for(60s, [&] { return updater_->out_of_dns(gone).out; }));
    EXPECT_THAT(updater_->status().servers[0].wrong, IsEmpty());
}

TEST_F(DnsUpdaterTest, CountsADrainAnewWhenItIsNotTheFirstMaster) {
    store_.stored = encode(Fence{.token = {.epoch = 2}, .nonce = "old"});
    store_.put({.name = api, .after = records(1, 1)});
    want(records(1, 1));
    start({.born = true, .longest_ttl = 300s});
    const auto out = [&] { return updater_->out_of_dns(MemberId("lb-2")).out; };
    EXPECT_FALSE(clock_.run_for(310s, out)) << "the one before may just have removed it";
    EXPECT_TRUE(clock_.run_for(10s, out));
    clock_.run_for(10s);
    EXPECT_EQ(kept_->longest_ttl, 30s) << "and that is what the next one has to know";
}

TEST_F(DnsUpdaterTest, KnowsThatNothingIsInCachesOnlyOfAStoreThatNobodyHasUsed) {
    want(records(1, 1));
    const auto out = [&] { return updater_->out_of_dns(MemberId("lb-2")).out; };
    start();
    EXPECT_TRUE(clock_.run_for(15s, out)) << "neither fence nor records";
    // A master that died before it could keep a mark, and had just removed lb-2.
    start({}, {.epoch = 6});
    EXPECT_FALSE(clock_.run_for(3'600s, out)) << "a fence";
    EXPECT_TRUE(clock_.run_for(20s, out));
    stop();
    store_.content = {};
    store_.stored = encode(Fence{.token = {.epoch = 2}, .nonce = "old"});
    start();
    EXPECT_FALSE(clock_.run_for(3'600s, out)) << "a fence, and no record";
}

TEST_F(DnsUpdaterTest, IsNotOutWhileAWriteMayStillCome) {
    want(records(1, 1));
    start();
    clock_.run_for(10s);
    store_.loses_replies = true;
    want(records(1, 2));
    clock_.run_for(200ms);
    want(records(1, 1));
    store_.up = false;
    clock_.run_for(10min);
    EXPECT_FALSE(updater_->out_of_dns(MemberId("lb-2")).out);
}

TEST_F(DnsUpdaterTest, PublishesTheCanaryUnlessTheStoreHasOne) {
    const DnsName canary("_muster-canary.muster.test");
    wanted_ = {.complete = true,
               .sets = {{api, {.records = records(1, 2)}}, {canary, canary_set("muster/c-1")}}};
    store_.has_canary = true;
    start();
    clock_.run_for(20s);
    EXPECT_EQ(there(), 2U);
    EXPECT_FALSE(store_.content.sets.contains(canary));
    EXPECT_EQ(updater_->status().servers[0].canary.health, CanaryState::Health::down)
        << "it is asked for, and this server doesn't have it";
    EXPECT_THAT(updater_->status().servers[0].canary.wrong,
                HasSubstr("_muster-fence.muster.test TXT: does not answer"));
    store_.has_canary = false;
    start();
    clock_.run_for(20s);
    EXPECT_TRUE(store_.content.sets.contains(canary));
}

TEST_F(DnsUpdaterTest, NeverEmptiesAName) {
    want(records(1, 2));
    start();
    clock_.run_for(3s);
    want({});
    clock_.run_for(1h);
    EXPECT_EQ(there(), 2U);
}

TEST_F(DnsUpdaterTest, StopsAndTellsWhenALaterMasterHasClaimed) {
    want(records(1, 2));
    start();
    clock_.run_for(3s);
    store_.stored = encode(Fence{.token = {.epoch = 6}, .nonce = "heir"});
    want(records(1, 3));
    clock_.run_for(30s);
    EXPECT_EQ(there(), 2U);
    EXPECT_EQ(deposed_, 1);
    EXPECT_EQ(updater_->status().stage, Stage::deposed);
    EXPECT_EQ(updater_->status().counters.fenced, 1U);
    const int claims = store_.claims;
    clock_.run_for(1h);
    EXPECT_EQ(store_.claims, claims) << "it asks no more";
}

TEST_F(DnsUpdaterTest, WritesNothingWithoutItsLease) {
    lease_ = false;
    want(records(1, 2));
    start();
    clock_.run_for(10s);
    EXPECT_EQ(store_.claims, 0);
    lease_ = true;
    EXPECT_TRUE(converges(2, 1s));
    lease_ = false;
    want(records(1, 3));
    clock_.run_for(1min);
    EXPECT_EQ(there(), 2U);
}

TEST_F(DnsUpdaterTest, PlansAndWritesNothingWhilePaused) {
    paused_ = true;
    want(records(1, 2));
    start();
    clock_.run_for(1min);
    EXPECT_TRUE(store_.history.empty());
    EXPECT_TRUE(updater_->status().paused);
    EXPECT_EQ(updater_->status().round->lines.size(), 2U);
    paused_ = false;
    updater_->look();
    EXPECT_TRUE(converges(2, 1s));
}

TEST_F(DnsUpdaterTest, KeepsWhatIsThereWhileTheStoreIsAwayAndGoesOnAfterwards) {
    want(records(1, 3));
    start();
    clock_.run_for(3s);
    store_.up = false;
    want(records(2, 4));
    clock_.run_for(5min);
    EXPECT_THAT(updater_->status().trouble, HasSubstr("no store"));
    EXPECT_EQ(there(), 3U);
    EXPECT_LE(store_.claims, 50) << "it backs off";
    store_.up = true;
    EXPECT_TRUE(clock_.run_for(16s, [&] { return there() == 3 && store_.history.size() > 1; }));
    EXPECT_TRUE(store_.content.sets.at(api).members.contains(MemberId("lb-4")));
    EXPECT_THAT(updater_->status().trouble, IsEmpty());
}

TEST_F(DnsUpdaterTest, ReadsAgainAfterAConflict) {
    store_.conflicts = 2;
    want(records(1, 2));
    start();
    EXPECT_TRUE(converges(2, 1s));
    EXPECT_EQ(updater_->status().counters.conflicts, 2U);
}

TEST_F(DnsUpdaterTest, RemovesNothingFromAStoreThatLostItsFenceUntilTheNamesAreBack) {
    want(records(1, 2));
    start();
    clock_.run_for(3s);
    // Restored: an older state, with an LB that is gone, and without our fence.
    store_.stored.reset();
    store_.age_.revision = 1;
    store_.put({.name = api, .after = records(2, 3)});
    EXPECT_TRUE(converges(3, 10s));
    ASSERT_FALSE(store_.history.empty());
    EXPECT_TRUE(store_.history.back().removals.empty()) << "first everything is back";
    EXPECT_EQ(updater_->status().claim, Claim::lost);
    EXPECT_TRUE(converges(2, 10s));
    EXPECT_EQ(updater_->status().holds_removals, "");
}

TEST_F(DnsUpdaterTest, DistrustsAStoreThatIsYoungerThanItsMark) {
    store_.put({.name = api, .after = records(2, 3)});
    store_.stored = encode(Fence{.token = {.epoch = 2}, .nonce = "old"});
    want(records(1, 2), false);
    start({.born = true, .revision = 1'000});
    EXPECT_TRUE(converges(3, 1s));
    clock_.run_for(1min);
    EXPECT_EQ(there(), 3U) << "not all fleets could be read, so it is not known what is back";
    EXPECT_FALSE(kept_ && kept_->revision < 1'000) << "the next master shall see the same";
    want(records(1, 2));
    EXPECT_TRUE(converges(2, 10s));
    clock_.run_for(10s);
    EXPECT_LT(kept_->revision, 1'000);
}

}  // namespace
}  // namespace muster::dnsupdate
