#include "dnsupdate/dns_updater.hpp"

#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace muster::dnsupdate {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

const DnsName api("api.muster.test");

/// A store in memory, with the faults of a real one.
class FakeProvider final : public DnsProvider {
 public:
    [[nodiscard]] const std::string& name() const override {
        static const std::string name = "fake";
        return name;
    }
    asio::awaitable<Result<Claim>> claim(Fence fence, bool born) override {
        ++claims;
        if (!up) co_return fail(std::make_error_code(std::errc::host_unreachable), "no store");
        const Claim judged = judge_fence(stored, fence, born);
        if (judged == Claim::create || judged == Claim::lost || judged == Claim::raise)
            stored = encode(fence);
        ++age_.revision;
        mine = encode(fence);
        co_return judged;
    }
    asio::awaitable<Result<Observed>> read() override {
        ++reads;
        if (!up) co_return fail(std::make_error_code(std::errc::host_unreachable), "no store");
        co_return content;
    }
    asio::awaitable<std::vector<WriteResult>> write(std::vector<SetWrite> writes) override {
        std::vector<WriteResult> results;
        for (const SetWrite& write : writes) {
            if (stored != mine) {
                results.push_back({write.name, Outcome::fenced, "fence"});
                break;
            }
            if (conflicts > 0) {
                --conflicts;
                results.push_back({write.name, Outcome::conflict, "moved"});
                continue;
            }
            if (loses_replies) {
                results.push_back({write.name, Outcome::unknown, "no reply"});
                break;
            }
            ++age_.revision;
            history.push_back(write);
            put(write);
            results.push_back({write.name, Outcome::done, {}});
        }
        co_return results;
    }
    [[nodiscard]] StoreAge age() const override { return age_; }
    [[nodiscard]] std::optional<std::pair<DnsName, std::string>> own_canary(
        const Fence& fence) const override {
        if (!has_canary) return std::nullopt;
        return std::pair(DnsName("_muster-fence.muster.test"), encode(fence));
    }

    /// As somebody else would.
    void put(const SetWrite& write) {
        ObservedSet& set = content.sets[write.name];
        set = {.anchor = Anchor{.generation = write.generation},
               .version = std::to_string(age_.revision)};
        for (const auto& [id, member] : write.after.members)
            set.members[id] = {.member = member, .ttl = write.after.ttl};
        if (write.after.members.empty()) content.sets.erase(write.name);
    }

    bool up = true;
    int claims = 0;
    int reads = 0;
    int conflicts = 0;
    bool loses_replies = false;
    bool has_canary = false;
    std::optional<std::string> stored;
    std::string mine;
    StoreAge age_;
    Observed content;
    std::vector<SetWrite> history;
};

RecordSet records(int first, int last) {
    RecordSet set;
    for (int n = first; n <= last; ++n)
        set.members[MemberId("lb-" + std::to_string(n))] =
            Member{.address = "10.0.0." + std::to_string(n)};
    return set;
}

class DnsUpdaterTest : public testing::Test {
 protected:
    ~DnsUpdaterTest() override { stop(); }

    void start(StoreMark mark = {.longest_ttl = 0s}, Token token = {.epoch = 5}) {
        stop();
        UpdaterLinks links{.wanted = [this] { return DesiredRecords{.desired = wanted_}; },
                           .may_write = [this] { return lease_; },
                           .paused = [this] { return paused_; },
                           .deposed = [this] { ++deposed_; },
                           .keep = [this](StoreMark kept) -> asio::awaitable<bool> {
                               kept_ = kept;
                               co_return true;
                           },
                           .ask = [this](const config::Endpoint&,
                                         const DnsName& name,
                                         RecordType type,
                                         std::chrono::nanoseconds) { return answer(name, type); },
                           .on_change = [] {}};
        UpdaterSettings settings;
        settings.verifier.servers = servers_;
        updater_ = std::make_unique<DnsUpdater>(context_.get_executor(),
                                                clock_,
                                                store_,
                                                settings,
                                                std::move(links),
                                                Fence{.token = token, .nonce = "n"},
                                                mark);
        updater_->start();
    }
    void stop() {
        if (!updater_) return;
        bool ended = false;
        asio::co_spawn(
            context_, updater_->stop(), [&](const std::exception_ptr&) { ended = true; });
        ASSERT_TRUE(clock_.run_for(1min, [&] { return ended; }));
        updater_.reset();
    }
    void want(const RecordSet& set, bool complete = true) {
        wanted_ = {.complete = complete, .sets = {{api, {.records = set}}}};
        if (updater_) updater_->look();
    }
    /// What the one server answers: the store's content `lag_` late is up to the test.
    asio::awaitable<Result<DnsAnswer>> answer(DnsName name, RecordType type) {
        ++asked_;
        if (!server_up_) {
            co_await clock_.sleep_for(1s);
            co_return fail(DnsErrc::no_answer, "127.0.0.1:53");
        }
        DnsAnswer answer{.code = "NOERROR"};
        const Observed& shown = frozen_ ? *frozen_ : store_.content;
        const auto set = shown.sets.find(name);
        if (set != shown.sets.end() && type == RecordType::a) {
            for (const auto& [id, member] : set->second.members)
                answer.records.push_back(
                    {.owner = name.str(), .type = "A", .ttl = 30, .data = member.member.address});
        }
        co_return answer;
    }
    [[nodiscard]] std::size_t there() const {
        const auto set = store_.content.sets.find(api);
        return set == store_.content.sets.end() ? 0 : set->second.members.size();
    }
    bool converges(std::size_t members, std::chrono::nanoseconds within) {
        return clock_.run_for(within, [&] { return there() == members; });
    }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    FakeProvider store_;
    Desired wanted_;
    bool lease_ = true;
    bool paused_ = false;
    int deposed_ = 0;
    int asked_ = 0;
    bool server_up_ = true;
    std::optional<Observed> frozen_;  ///< what the server still answers, with a cache
    std::optional<StoreMark> kept_;
    std::vector<config::Endpoint> servers_{{.host = "127.0.0.1", .port = 53}};
    std::unique_ptr<DnsUpdater> updater_;
};

TEST_F(DnsUpdaterTest, ClaimsThenPublishesAndKeepsTheMark) {
    want(records(1, 2));
    start();
    EXPECT_TRUE(converges(2, 1s));
    clock_.run_for(1s);
    EXPECT_EQ(store_.claims, 1);
    EXPECT_EQ(kept_, (StoreMark{.born = true, .revision = 2, .longest_ttl = 30s}));
    const UpdaterStatus status = updater_->status();
    EXPECT_EQ(status.stage, Stage::publishing);
    EXPECT_EQ(status.claim, Claim::create);
    EXPECT_EQ(status.round->observed.sets.at(api).members.size(), 2U) << "what is there now";
    ASSERT_EQ(status.servers.size(), 1U);
    EXPECT_EQ(status.servers[0].wrong, "");
    EXPECT_TRUE(status.servers[0].shown.has_value());
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
