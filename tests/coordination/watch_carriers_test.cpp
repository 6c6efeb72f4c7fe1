#include "common/coordination/watch_carriers.hpp"

#include "common/coordination/running_sessions.hpp"
#include "tests/coordination/memory_world.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster::coordination {

using namespace std::chrono_literals;

namespace {

/// Real sessions in memory, with few watches each.
class Carried : public testing::Test {
 protected:
    static constexpr WatchLimits limits{.on_primary = 2, .on_further = 3};

    Carried() {
        (void)world_.new_root();
        client_ = world_.start(ClientOptions{.name = "a"});
        EXPECT_TRUE(world_.drive(
            [&] { return client_->store().session().state == SessionState::connected; }, 20s));
        subscription_ = client_->store().listen(
            "/", [this](const std::string& path, WatchKind) { dirty_.insert(path); });
    }

    WatchCarriers& store() { return dynamic_cast<WatchCarriers&>(client_->store()); }
    static std::string at(int i) { return fmt::format("/case/n{}", i); }
    void watch(int from, int to) {
        for (int i = from; i < to; ++i)
            EXPECT_TRUE(Call(world_, store().exists(at(i), Watch::set)).wait());
    }
    void make(int i) { EXPECT_TRUE(world_.ensemble().write({CreateOp{.path = at(i)}}).applied()); }
    void settle() { EXPECT_TRUE(Call(world_, store().sync("/")).wait()); }

    MemoryWorld world_{limits};
    std::unique_ptr<TestClient> client_;
    Subscription subscription_;
    std::set<std::string> dirty_;
};

TEST_F(Carried, FewWatchesNeedNoFurtherSession) {
    watch(0, 2);
    EXPECT_EQ(store().sessions(), 1U);
    watch(0, 2);
    EXPECT_EQ(store().sessions(), 1U);
    EXPECT_EQ(world_.ensemble().sessions().size(), 1U);
}

TEST_F(Carried, MoreWatchesGetAsManySessionsAsTheyNeed) {
    watch(0, 12);
    EXPECT_EQ(store().sessions(), 5U);  // 2 + 3 + 3 + 3 + 1
    EXPECT_EQ(store().watches(), 12U);
    for (int i = 0; i < 12; ++i) make(i);
    settle();
    EXPECT_EQ(dirty_.size(), 12U);
    EXPECT_EQ(store().watches(), 0U);
}

TEST_F(Carried, APathStaysWithItsSession) {
    watch(0, 12);
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 12; ++i) {
            const auto op =
                round % 2 == 0 ? Op(CreateOp{.path = at(i)}) : Op(DeleteOp{.path = at(i)});
            ASSERT_TRUE(world_.ensemble().write({op}).applied());
        }
        settle();
        EXPECT_EQ(std::exchange(dirty_, {}).size(), 12U);
        watch(0, 12);
        EXPECT_EQ(store().sessions(), 5U);
    }
}

TEST_F(Carried, TheLossOfAFurtherSessionMakesItsPathsDirtyAndNoOthers) {
    watch(0, 8);
    ASSERT_EQ(store().sessions(), 3U);
    world_.ensemble().expire("a/1");
    EXPECT_TRUE(world_.drive([&] { return dirty_.size() == 3; }, 20s));
    EXPECT_EQ(dirty_, (std::set<std::string>{at(2), at(3), at(4)}));
    EXPECT_EQ(store().session().generation, 1U);
    dirty_.clear();
    watch(2, 5);
    for (int i = 0; i < 8; ++i) make(i);
    settle();
    EXPECT_EQ(dirty_.size(), 8U);
}

TEST_F(Carried, ABrokenConnectionOfAFurtherSessionLosesNoWatch) {
    watch(0, 8);
    world_.ensemble().disconnect("a/1");
    world_.ensemble().disconnect("a/2");
    for (int i = 0; i < 8; ++i) make(i);
    EXPECT_TRUE(world_.drive([&] { return dirty_.size() == 8; }, 20s));
}

TEST_F(Carried, ANewPrimarySessionHasNoWatchesAnywhere) {
    watch(0, 8);
    client_->expire_session();
    ASSERT_TRUE(world_.drive([&] { return store().session().generation == 2; }, 20s));
    EXPECT_EQ(store().watches(), 0U);
    EXPECT_EQ(store().sessions(), 1U);
    EXPECT_TRUE(dirty_.empty());
    EXPECT_TRUE(world_.drive([&] { return world_.ensemble().sessions().size() == 1; }, 20s))
        << "the others are closed";
    watch(0, 8);
    for (int i = 0; i < 8; ++i) make(i);
    settle();
    EXPECT_EQ(dirty_.size(), 8U);
}

TEST_F(Carried, ACarrierSeesOurOwnWritesWithoutWaitingForThem) {
    watch(0, 8);
    for (int i = 20; i < 40; ++i) {
        auto writing = Call(world_, create(store(), {.path = at(i)}));
        auto reading = Call(world_, store().get(at(i), Watch::set));
        EXPECT_TRUE(reading.wait()) << i;
        EXPECT_TRUE(writing.wait());
    }
}

TEST_F(Carried, PathsThatAreNeverReadAgainAreForgotten) {
    watch(0, 2);
    for (int i = 2; i < 4'000; ++i) {
        watch(i, i + 1);
        make(i);
        if (i % 50 == 0) settle();
    }
    settle();
    EXPECT_LE(store().watches(), 2U);
    EXPECT_LE(store().sessions(), 20U) << "50 at a time need 17";
}

/// A session whose answers are laid down: a server that lags, at will.
class ScriptedSession final : public SessionClient {
 public:
    ScriptedSession(asio::io_context& context, Clock& clock)
        : SessionClient(context.get_executor(), clock, {.request_deadline = 2s}) {
        set_connected(++ids, 2s, clock.now());
    }

    /// Version = zxid; 0: no such node. The last one is given for ever.
    std::map<std::string, std::deque<int>> versions;
    std::function<void()> on_sync;
    int syncs = 0;

    void fire(const std::string& path) { on_watch_event(path, WatchEvent::changed); }

 private:
    void transmit(const RequestPtr& request) override {
        asio::post(executor(), [this, request] {
            Reply reply;
            if (request->kind == RequestKind::sync) {
                ++syncs;
                if (on_sync) on_sync();
            } else if (std::deque<int>& left = versions[request->path]; !left.empty()) {
                reply.stat = {.created_zxid = 1, .modified_zxid = left.front()};
                reply.data = std::to_string(left.front());
                if (left.front() == 0) reply.error = Errc::no_node;
                if (left.size() > 1) left.pop_front();
            }
            answer(request, std::move(reply));
        });
    }
    [[nodiscard]] bool can_transmit() const override { return true; }

    static inline std::int64_t ids = 0;
};

class Lagging : public testing::Test, private CarrierSessions {
 protected:
    Result<Node> get(const std::string& path, Watch watch) {
        return Call(world_, store_.get(path, watch)).wait();
    }

    MemoryWorld world_;
    ScriptedSession primary_{world_.context(), world_.clock()};
    std::shared_ptr<ScriptedSession> further_ =
        std::make_shared<ScriptedSession>(world_.context(), world_.clock());
    WatchCarriers store_{primary_, *this, {.on_primary = 0, .on_further = 100}};

 private:
    std::shared_ptr<SessionClient> make() override { return further_; }
    void end(std::shared_ptr<SessionClient>) override {}
};

TEST_F(Lagging, NoPathGoesBackwards) {
    further_->versions["/n"] = {20, 10, 10, 30};
    EXPECT_EQ(get("/n", Watch::set)->data, "20");
    EXPECT_EQ(get("/n", Watch::set)->data, "30");
    EXPECT_EQ(further_->syncs, 2);
}

TEST_F(Lagging, AServerThatStaysBehindIsNoAnswer) {
    further_->versions["/n"] = {20, 10};
    EXPECT_EQ(get("/n", Watch::set)->data, "20");
    EXPECT_EQ(code_of(get("/n", Watch::set)), Errc::not_connected);
}

TEST_F(Lagging, NoNodeIsBelievedWhenItIsSaidAgainAfterASync) {
    further_->versions["/late"] = {0, 10};
    further_->versions["/gone"] = {0};
    EXPECT_EQ(get("/late", Watch::set)->data, "10");
    EXPECT_EQ(further_->syncs, 1);
    EXPECT_EQ(code_of(get("/gone", Watch::set)), Errc::no_node);
    EXPECT_EQ(further_->syncs, 2);
}

TEST_F(Lagging, APlainReadThatShowsAChangeComesAfterItsEvent) {
    further_->versions["/n"] = {10};
    EXPECT_EQ(get("/n", Watch::set)->data, "10");
    int dirty = 0;
    const auto listener = store_.listen("/", [&](const std::string&, WatchKind) { ++dirty; });
    further_->on_sync = [&] { further_->fire("/n"); };
    primary_.versions["/n"] = {20};
    EXPECT_EQ(get("/n", Watch::none)->data, "20");
    EXPECT_EQ(dirty, 1);
}

TEST_F(Lagging, APlainReadIsNoOlderThanWhatACarrierHasTold) {
    further_->versions["/n"] = {20};
    EXPECT_EQ(get("/n", Watch::set)->data, "20");
    primary_.versions["/n"] = {10, 20};
    EXPECT_EQ(get("/n", Watch::none)->data, "20");
    EXPECT_EQ(primary_.syncs, 2);  // because a carrier has told something, and because of the 10
}

TEST_F(Lagging, APlainReadCatchesUpOnlyOnce) {
    further_->versions["/n"] = {20};
    (void)get("/n", Watch::set);
    primary_.versions["/other"] = {5};
    for (int i = 0; i < 10; ++i) EXPECT_EQ(get("/other", Watch::none)->data, "5");
    EXPECT_EQ(primary_.syncs, 1);
}

}  // namespace
}  // namespace muster::coordination
