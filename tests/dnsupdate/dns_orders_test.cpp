#include "tests/dnsupdate/updater_fixture.hpp"
#include "tests/support/rethrow.hpp"

namespace muster::dnsupdate {
namespace {

class DnsOrders : public UpdaterFixture {
 protected:
    /// Runs until the order has ended.
    Result<OrderDone> order(Order order, std::chrono::nanoseconds limit = 5s) {
        std::optional<Result<OrderDone>> done;
        asio::co_spawn(context_, keep(std::move(order), limit, done), test::rethrow);
        EXPECT_TRUE(clock_.run_for(1min, [&] { return done.has_value(); }));
        return done.value_or(fail(std::make_error_code(std::errc::timed_out)));
    }
    OrderDone done(Order what) {
        auto result = order(std::move(what));
        EXPECT_TRUE(result) << result.error().message();
        return result.value_or(OrderDone{});
    }
    OperatorPlan plan_of(PlanRequest request = {}) {
        OrderDone made =
            done({.verb = Order::Verb::plan, .cluster = "c-1", .request = std::move(request)});
        EXPECT_THAT(made.refused, IsEmpty());
        return made.plan;
    }
    OrderDone apply(OperatorPlan plan, std::set<DnsName> empty = {}) {
        return done({.verb = Order::Verb::apply,
                     .cluster = "c-1",
                     .plan = std::move(plan),
                     .empty = std::move(empty)});
    }

 private:
    asio::awaitable<void> keep(Order order,
                               std::chrono::nanoseconds limit,
                               std::optional<Result<OrderDone>>& done) {
        done = co_await updater_->carry_out(std::move(order), limit);
    }
};

TEST_F(DnsOrders, AplanIsShownAndWritesNothing) {
    paused_ = true;
    want(records(1, 2));
    start();
    clock_.run_for(1s);
    const OperatorPlan made = plan_of();
    EXPECT_EQ(made.store, "fake");
    EXPECT_EQ(made.token.epoch, 5);
    EXPECT_EQ(made.writes.at(api).puts.size(), 2U);
    EXPECT_THAT(store_.history, IsEmpty());
}

TEST_F(DnsOrders, WhatWasShownIsDoneAlsoInAPauseAndBeyondTheBudget) {
    want(records(1, 10));
    start();
    ASSERT_TRUE(converges(10, 5s));
    paused_ = true;
    want(records(9, 10));
    const OperatorPlan made = plan_of();
    EXPECT_EQ(made.writes.at(api).removals.size(), 8U);
    const OrderDone applied = apply(made);
    EXPECT_THAT(applied.refused, IsEmpty());
    EXPECT_EQ(there(), 2U);
    EXPECT_EQ(store_.history.size(), 2U) << "one write";
    EXPECT_EQ(updater_->status().round->observed.sets.at(api).members.size(), 2U);
    EXPECT_EQ(apply(made).refused.size(), 1U) << "once";
}

TEST_F(DnsOrders, APlanWhoseGuardsMovedIsRefused) {
    paused_ = true;
    want(records(1, 2));
    start();
    clock_.run_for(1s);
    const OperatorPlan made = plan_of();
    want(records(1, 3));
    EXPECT_THAT(apply(made).refused, testing::ElementsAre(HasSubstr("lb-3 10.0.0.3 would be")));
    want(records(1, 2));
    store_.put({.name = api, .generation = 3, .after = records(7, 7)});
    EXPECT_THAT(apply(made).refused, testing::ElementsAre(HasSubstr("generation")));
    OperatorPlan other = made;
    other.cluster = "c-2";
    EXPECT_THAT(apply(other).refused, testing::ElementsAre(HasSubstr("c-2")));
    start({.born = true}, {.epoch = 6});
    clock_.run_for(1s);
    EXPECT_THAT(apply(made).refused, testing::Contains(HasSubstr("fence is 1-6")));
    EXPECT_THAT(store_.history, IsEmpty());
}

TEST_F(DnsOrders, ANameIsEmptiedOnlyIfItIsNamedTwiceAndStaysSo) {
    want(records(1, 2));
    start();
    ASSERT_TRUE(converges(2, 5s));
    want({});
    clock_.run_for(20s);
    ASSERT_EQ(there(), 2U);
    const OperatorPlan made = plan_of({.names = {api}, .empty = {api}});
    EXPECT_THAT(apply(made).refused, testing::ElementsAre(HasSubstr("--empty api.muster.test")));
    EXPECT_EQ(there(), 2U);
    EXPECT_THAT(apply(made, {api}).refused, IsEmpty());
    EXPECT_EQ(there(), 0U);
    clock_.run_for(1min);
    EXPECT_EQ(there(), 0U) << "what was last good is not good any more";
    EXPECT_TRUE(kept_->last_good.empty());
}

TEST_F(DnsOrders, ANameComesBackWithItsLastGoodSetWhileNothingIsHealthy) {
    want(records(1, 2));
    start();
    ASSERT_TRUE(converges(2, 5s));
    const StoreMark mark = *kept_;
    store_.content = {};
    store_.stored.reset();
    store_.age_.revision = 0;
    want({});
    start(mark, {.epoch = 6});
    EXPECT_TRUE(converges(2, 10s)) << "known from the state alone";
    want(records(2, 3));
    EXPECT_TRUE(clock_.run_for(30s, [&] {
        return store_.content.sets[api].members.contains(MemberId("lb-3")) && there() == 2;
    }));
}

TEST_F(DnsOrders, ADeletedFenceStopsWritesUntilItIsRepaired) {
    want(records(1, 2));
    start();
    ASSERT_TRUE(converges(2, 5s));
    store_.stored.reset();
    want(records(1, 3));
    clock_.run_for(30s);
    EXPECT_EQ(there(), 2U);
    EXPECT_EQ(updater_->status().claim, Claim::deleted);
    EXPECT_THAT(updater_->status().trouble, HasSubstr("fence repair --expect-mod-rev 0"));
    const OrderDone shown = done({.verb = Order::Verb::show_fence});
    EXPECT_EQ(shown.judged, Claim::deleted);
    EXPECT_EQ(shown.fence.version, "0");
    EXPECT_THAT(done({.verb = Order::Verb::repair_fence, .expected_version = "9"}).refused,
                testing::ElementsAre(HasSubstr("the version 0, not 9")));
    EXPECT_TRUE(done({.verb = Order::Verb::repair_fence, .expected_version = "0"}).replaced);
    EXPECT_TRUE(converges(3, 10s));
    EXPECT_EQ(updater_->status().trouble, "");
    EXPECT_THAT(done({.verb = Order::Verb::repair_fence, .expected_version = "2"}).refused,
                testing::ElementsAre(HasSubstr("as it should be")));
}

TEST_F(DnsOrders, GarbageInTheFencesPlaceIsRepairedByItsVersion) {
    store_.stored = "garbage";
    want(records(1, 2));
    start({.born = true, .revision = 1});
    clock_.run_for(10s);
    EXPECT_EQ(there(), 0U);
    EXPECT_EQ(updater_->status().claim, Claim::unreadable);
    EXPECT_TRUE(done({.verb = Order::Verb::repair_fence, .expected_version = "1"}).replaced);
    EXPECT_TRUE(converges(2, 10s));
}

TEST_F(DnsOrders, ALargerFenceNeedsNoRepairButALargerEra) {
    store_.stored = encode(Fence{.token = {.epoch = 4'000}, .nonce = "old"});
    want(records(1, 2));
    start({.born = true});
    clock_.run_for(10s);
    EXPECT_EQ(updater_->status().stage, Stage::deposed);
    EXPECT_THAT(updater_->status().trouble, HasSubstr("bump-era"));
    EXPECT_GT(deposed_, 0);
    EXPECT_EQ(done({.verb = Order::Verb::show_fence}).judged, Claim::deposed);
    EXPECT_THAT(done({.verb = Order::Verb::repair_fence, .expected_version = "1"}).refused,
                testing::ElementsAre(HasSubstr("bump-era")));
    EXPECT_EQ(there(), 0U);
    start({.born = true}, {.era = 2, .epoch = 5});
    EXPECT_TRUE(converges(2, 5s));
}

TEST_F(DnsOrders, ALargerFenceIsReplacedByABootstrap) {
    store_.stored = encode(Fence{.token = {.era = 0x7fff'ffff, .epoch = 4'000}, .nonce = "old"});
    want(records(1, 2));
    start({.born = true});
    clock_.run_for(10s);
    ASSERT_EQ(updater_->status().stage, Stage::deposed);
    EXPECT_TRUE(done({.verb = Order::Verb::bootstrap}).replaced);
    EXPECT_TRUE(converges(2, 5s));
}

TEST_F(DnsOrders, AFenceThatWasReplacedForAnotherViewIsReplacedForAll) {
    const std::string larger = encode(Fence{.token = {.era = 0x7fff'ffff}, .nonce = "old"});
    for (const bool is_ordered : {true, false}) {
        store_.content = {};
        store_.stored = larger;
        want(records(1, 2));
        start({.born = true});
        clock_.run_for(1min);
        ASSERT_EQ(updater_->status().stage, Stage::deposed);
        store_.stored = encode(Fence{.token = {.epoch = 5}, .nonce = "n"});
        if (is_ordered) {
            EXPECT_TRUE(done({.verb = Order::Verb::bootstrap}).replaced);
            EXPECT_TRUE(converges(2, 1s));
        } else {
            lease_ = false;
            clock_.run_for(1min);
            EXPECT_EQ(updater_->status().stage, Stage::deposed);
            lease_ = true;
            EXPECT_TRUE(converges(2, 16s)) << "it looks now and then";
        }
        EXPECT_EQ(updater_->status().trouble, "");
        EXPECT_THAT(done({.verb = Order::Verb::bootstrap}).refused,
                    testing::ElementsAre(HasSubstr("as it should be")));
    }
}

TEST_F(DnsOrders, RecordsOfOursWithoutAnyFenceNeedABootstrap) {
    store_.put({.name = api, .after = records(7, 7)});
    want(records(1, 2));
    start();
    clock_.run_for(10s);
    EXPECT_EQ(there(), 1U);
    EXPECT_EQ(updater_->status().claim, Claim::unfounded);
    EXPECT_THAT(updater_->status().trouble, HasSubstr("--i-have-no-other-master"));
    EXPECT_TRUE(done({.verb = Order::Verb::bootstrap}).replaced);
    EXPECT_TRUE(clock_.run_for(30s, [&] {
        return there() == 2 && store_.content.sets[api].members.contains(MemberId("lb-1"));
    }));
}

TEST_F(DnsOrders, NothingIsDoneWithoutTheLeaseOrAfterTheOffice) {
    want(records(1, 2));
    paused_ = true;
    start();
    clock_.run_for(1s);
    const OperatorPlan made = plan_of();
    lease_ = false;
    EXPECT_THAT(apply(made).refused, testing::Contains(HasSubstr("lease")));
    EXPECT_THAT(store_.history, IsEmpty());
    store_.up = false;
    EXPECT_FALSE(order({.verb = Order::Verb::plan}));
    store_.up = true;
    store_.hang = true;
    const auto late = order({.verb = Order::Verb::show_fence}, 2s);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, std::make_error_code(std::errc::operation_in_progress));
    const auto queued = order({.verb = Order::Verb::apply, .plan = made}, 2s);
    ASSERT_FALSE(queued);
    EXPECT_EQ(queued.error().code, std::make_error_code(std::errc::timed_out)) << "surely not done";
    store_.hang = false;
    updater_->cancel();
    clock_.run_for(1s);
    EXPECT_THAT(store_.history, IsEmpty());
}

TEST_F(DnsOrders, ALookSaysWhoWroteANameAndWhatComesNext) {
    want(records(1, 2));
    start();
    ASSERT_TRUE(converges(2, 5s));
    clock_.run_for(10s);
    store_.content.strays = {{.key = "/x", .version = "3", .touches = {api}}};
    want({});
    const OrderDone seen = done({.verb = Order::Verb::look, .request = {.names = {api}}});
    const NameNow& now = seen.names.at(api);
    ASSERT_TRUE(now.observed && now.observed->anchor && now.desired);
    EXPECT_EQ(now.observed->members.size(), 2U);
    EXPECT_EQ(now.strays.size(), 1U);
    ASSERT_EQ(now.lines.size(), 2U);
    EXPECT_EQ(now.lines[0].what, "its 2 records stay");
    EXPECT_TRUE(now.since.has_value());
}

}  // namespace
}  // namespace muster::dnsupdate
