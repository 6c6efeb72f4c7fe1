#include "agent/outlier_reporter.hpp"

#include "common/base/task_group.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "common/observe/log.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace muster::agent {
namespace {

using namespace std::chrono_literals;
using znodes::LbEvidence;

class CountingLb final : public LbCounterSource {
 public:
    asio::awaitable<Result<LbCounters>> read_counters(const LbState& /*state*/,
                                                      const std::set<GroupName>& groups) override {
        asked = groups;
        ++reads;
        if (fails) co_return fail(std::make_error_code(std::errc::timed_out), "no socket");
        co_return counters;
    }
    asio::awaitable<Result<std::int64_t>> count_connections(
        std::vector<config::Listener> /*listeners*/) override {
        co_return fail(std::make_error_code(std::errc::not_supported), "not asked here");
    }

    LbCounters counters{.epoch = "1", .groups = {}};
    std::set<GroupName> asked;
    int reads = 0;
    bool fails = false;
};

class OutlierReporterTest : public testing::Test {
 protected:
    OutlierReporterTest() {
        log::set_level(log::Level::error);
        tasks_.spawn("ensemble", ensemble_.run());
        for (const char* path : {"/muster", "/muster/main", "/muster/main/evidence"})
            ensemble_.write({coordination::CreateOp{.path = path}});
        connect();
        view_.control.emplace().value.stamp.cluster = "uuid";
        for (const char* name : {"web", "api"}) {
            state_.pools.push_back({.group = GroupName(name)});
            want(name, std::nullopt);
        }
        want("web", config::OutlierSpec{});
        add(0, 0);
        look();
    }
    ~OutlierReporterTest() override {
        disconnect();
        tasks_.cancel();
        clock_.run_ready();
    }

    void connect() {
        store_ = std::make_unique<coordination::MemoryStore>(
            context_.get_executor(), clock_, ensemble_, coordination::MemoryStore::Settings{});
        running_ = std::make_unique<TaskGroup>(context_.get_executor());
        running_->spawn("store", store_->run());
        clock_.run_for(1s);
        reporter_ = std::make_unique<OutlierReporter>(
            *store_,
            clock_,
            znodes::Paths("main"),
            lb_,
            metrics_,
            OutlierReporter::Identity{FleetName("edge"), InstanceId("lb1"), "i1"});
    }
    void disconnect() {
        reporter_.reset();
        running_->cancel();
        clock_.run_ready();
        running_.reset();
        store_.reset();
    }
    void want(const std::string& name, std::optional<config::OutlierSpec> outlier) {
        follow::GroupView& group = view_.groups[GroupName(name)];
        if (!group.head) group.head.emplace().value.uid = name + "-uid";
        auto spec = std::make_shared<config::GroupSpec>();
        spec->name = GroupName(name);
        spec->outlier = std::move(outlier);
        group.spec = std::move(spec);
    }
    /// Answers of web's b1 and b2; b1's are all errors.
    void add(std::uint64_t errors, std::uint64_t good) {
        GroupCounters& web = lb_.counters.groups[GroupName("web")];
        web[BackendId("b1")].answers += errors;
        web[BackendId("b1")].errors += errors;
        web[BackendId("b2")].answers += good;
    }
    void look() {
        clock_.run_for(1s);
        bool ended = false;
        asio::co_spawn(
            context_, reporter_->look(state_, view_), [&](const std::exception_ptr& error) {
                test::rethrow(error);
                ended = true;
            });
        ASSERT_TRUE(clock_.run_for(10s, [&] { return ended; }));
    }
    [[nodiscard]] const coordination::MemoryTree::Znode* node(
        const std::string& group = "web") const {
        return ensemble_.tree().find("/muster/main/evidence/" + group + "/edge:lb1");
    }
    [[nodiscard]] std::optional<LbEvidence> told(const std::string& group = "web") const {
        if (node(group) == nullptr) return std::nullopt;
        const auto decoded = znodes::decode<LbEvidence>(node(group)->data, "uuid");
        return decoded ? std::optional(*decoded) : std::nullopt;
    }

    asio::io_context context_;
    test::VirtualClock clock_{context_};
    coordination::MemoryEnsemble ensemble_{context_.get_executor(), clock_};
    TaskGroup tasks_{context_.get_executor()};
    metrics::Registry registry_;
    AgentMetrics metrics_{registry_};
    CountingLb lb_;
    LbState state_;
    follow::ClusterView view_;
    std::unique_ptr<coordination::MemoryStore> store_;
    std::unique_ptr<TaskGroup> running_;
    std::unique_ptr<OutlierReporter> reporter_;
};

TEST_F(OutlierReporterTest, TellsWhatIsNewsAndTakesItBack) {
    EXPECT_EQ(lb_.asked, std::set{GroupName("web")}) << "not those that don't ask";
    EXPECT_FALSE(told());
    add(5, 5);
    look();
    const auto first = told();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->group_uid, "web-uid");
    EXPECT_EQ(first->incarnation, "i1");
    EXPECT_EQ(first->seen, 2);
    ASSERT_EQ(first->outliers.size(), 1U);
    EXPECT_EQ(first->outliers[0].backend, BackendId("b1"));
    EXPECT_NE(node()->stat.ephemeral_owner, 0);
    for (int i = 0; i < 5; ++i) look();
    EXPECT_EQ(told(), first) << "nothing new, nothing written";
    add(5, 0);
    look();
    EXPECT_EQ(told()->outliers[0].finding, 2);
    EXPECT_GT(told()->stamp.sequence, first->stamp.sequence);
    lb_.counters.groups[GroupName("web")][BackendId("b1")].answers += 1;
    look();
    EXPECT_EQ(node(), nullptr);
    EXPECT_EQ(metrics_.evidence_writes.Value(), 3);
}

TEST_F(OutlierReporterTest, ReadsNothingWhenNobodyAsks) {
    want("web", std::nullopt);
    const int before = lb_.reads;
    for (int i = 0; i < 5; ++i) look();
    EXPECT_EQ(lb_.reads, before);
}

TEST_F(OutlierReporterTest, TakesBackWhatNobodyAsksForAnyMore) {
    add(5, 5);
    look();
    ASSERT_TRUE(told());
    want("web", std::nullopt);
    look();
    EXPECT_EQ(node(), nullptr);
    want("web", config::OutlierSpec{});
    look();
    add(5, 5);
    look();
    EXPECT_TRUE(told()) << "begun anew";
}

TEST_F(OutlierReporterTest, TakesBackWhatItSaidWhileTheLbIsSilent) {
    add(5, 5);
    look();
    ASSERT_TRUE(told());
    lb_.fails = true;
    for (int i = 0; i < 30; ++i) look();
    EXPECT_EQ(node(), nullptr);
    EXPECT_EQ(metrics_.counter_failures.Value(), 30);
    lb_.fails = false;
    look();
    EXPECT_EQ(node(), nullptr) << "where counting begins";
    add(5, 5);
    look();
    ASSERT_TRUE(told());
    EXPECT_EQ(told()->outliers[0].finding, 2) << "no number comes twice";
}

TEST_F(OutlierReporterTest, IsSilentWhenItsSessionIsOver) {
    add(5, 5);
    look();
    ASSERT_TRUE(told());
    const auto before = node()->stat.ephemeral_owner;
    disconnect();
    clock_.run_for(60s);
    EXPECT_EQ(node(), nullptr);
    connect();
    look();
    add(5, 5);
    look();
    ASSERT_TRUE(told());
    EXPECT_NE(node()->stat.ephemeral_owner, before);
}

TEST_F(OutlierReporterTest, ReplacesWhatAnEarlierSessionLeft) {
    const std::string path = "/muster/main/evidence/web";
    ensemble_.write({coordination::CreateOp{.path = path}});
    ensemble_.write({coordination::CreateOp{.path = path + "/edge:lb1", .data = "garbage"}});
    add(5, 5);
    look();
    ASSERT_TRUE(told());
    EXPECT_EQ(node()->stat.ephemeral_owner, store_->session().id);
}

TEST_F(OutlierReporterTest, DoesWithoutAPlaceToTell) {
    ensemble_.write({coordination::DeleteOp{.path = "/muster/main/evidence"}});
    add(5, 5);
    look();
    EXPECT_FALSE(told());
    ensemble_.write({coordination::CreateOp{.path = "/muster/main/evidence"}});
    look();
    EXPECT_TRUE(told()) << "once someone has made it";
}

}  // namespace
}  // namespace muster::agent
