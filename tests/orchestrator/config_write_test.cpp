#include "orchestrator/config_write.hpp"

#include "common/base/task_group.hpp"
#include "common/coordination/memory_ensemble.hpp"
#include "common/coordination/memory_store.hpp"
#include "common/znodes/initial_tree.hpp"
#include "orchestrator/audit.hpp"
#include "tests/support/passing_store.hpp"
#include "tests/support/rethrow.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;
using coordination::DeleteOp;
using coordination::MultiOutcome;
using coordination::Op;

const znodes::Paths paths("c");
const std::string cluster = "uuid";

/// An API's writes on a tree in memory, where a master deletes things at the worst moment.
class ConfigWriting : public testing::Test {
 protected:
    ConfigWriting() {
        std::vector<Op> tree;
        for (const znodes::InitialNode& node :
             znodes::initial_tree(paths, {.stamp = {.cluster = cluster}}))
            tree.emplace_back(coordination::CreateOp{.path = node.path, .data = node.data});
        EXPECT_TRUE(ensemble.write(std::move(tree)).applied());
        tasks.spawn("store", memory.run());
    }
    ~ConfigWriting() override {
        tasks.cancel();
        clock.run_for(10s, [&] { return tasks.size() == 0; });
    }

    MultiOutcome apply(const ConfigObject& object, const std::optional<KnownHead>& known) {
        const ConfigAuthor author{.cluster = cluster,
                                  .name = "a",
                                  .origin = "token from 10.0.0.7",
                                  .writer = "n",
                                  .new_uid = "u"};
        std::optional<MultiOutcome> outcome;
        asio::co_spawn(context,
                       carry_out(store, plan_apply(paths, object, known, author)),
                       [&](const std::exception_ptr& error, MultiOutcome value) {
                           test::rethrow(error);
                           outcome = std::move(value);
                       });
        clock.run_for(10s, [&] { return outcome.has_value(); });
        return outcome.value_or(MultiOutcome{});
    }

    static config::GroupSpec group() {
        config::GroupSpec spec{.name = GroupName("web")};
        spec.backends.push_back(
            {.id = BackendId("10.0.0.1:80"), .address = "10.0.0.1", .port = 80});
        return spec;
    }
    static config::FleetSpec fleet() {
        return {.name = FleetName("edge"),
                .listeners = {{.name = "web", .port = 80, .group = GroupName("web")}}};
    }
    std::optional<KnownHead> read(const znodes::ConfigName& name) const {
        const auto* node = ensemble.tree().find(paths.head(name));
        if (node == nullptr) return std::nullopt;
        return KnownHead{.head = znodes::decode<znodes::GroupHead>(node->data, cluster).value(),
                         .version = node->stat.version};
    }
    std::string chunk_path() const {
        const auto& chunks = ensemble.tree().find(paths.chunks())->children;
        return chunks.empty() ? "" : paths.chunks() + "/" + *chunks.begin();
    }
    bool there(const std::string& path) const { return ensemble.tree().find(path) != nullptr; }

    asio::io_context context;
    test::VirtualClock clock{context};
    coordination::MemoryEnsemble ensemble{context.get_executor(), clock};
    coordination::MemoryStore memory{context.get_executor(), clock, ensemble, {}};
    std::function<void()> before_head;  ///< called before each transaction that writes a head
    test::AnnouncingStore store{memory, [this](const std::vector<Op>& ops) {
                                    if (ops.size() > 1 && before_head) before_head();
                                }};
    TaskGroup tasks{context.get_executor()};
};

TEST_F(ConfigWriting, AChunkThatIsCollectedBeforeTheHeadIsWrittenIsMadeAgain) {
    int times = 0;
    before_head = [&] {
        if (++times > 1) return;
        ASSERT_TRUE(ensemble.write({DeleteOp{.path = chunk_path()}}).applied());
    };
    const MultiOutcome outcome = apply(group(), std::nullopt);
    EXPECT_TRUE(outcome.ok()) << outcome.error.message();
    EXPECT_EQ(times, 2);
    EXPECT_FALSE(chunk_path().empty());
    EXPECT_TRUE(there(paths.group_head(GroupName("web"))));
}

TEST_F(ConfigWriting, TheHistoryOfACollectedTombstoneIsMadeAgain) {
    int times = 0;
    before_head = [&] {
        if (++times > 1) return;
        ASSERT_TRUE(ensemble.write({DeleteOp{.path = paths.history(GroupName("web"))}}).applied());
    };
    EXPECT_TRUE(apply(group(), std::nullopt).ok());
    EXPECT_TRUE(there(paths.history(GroupName("web"), 1)));
}

TEST_F(ConfigWriting, AHeadNeverNamesAChunkThatIsNotThere) {
    before_head = [&] { ASSERT_TRUE(ensemble.write({DeleteOp{.path = chunk_path()}}).applied()); };
    const MultiOutcome outcome = apply(group(), std::nullopt);
    EXPECT_FALSE(outcome.ok());
    EXPECT_FALSE(outcome.unknown());
    EXPECT_FALSE(there(paths.group_head(GroupName("web"))));
}

TEST_F(ConfigWriting, TheAuditSaysWhoChangedWhat) {
    ASSERT_TRUE(apply(group(), std::nullopt).ok());
    const auto& entries = ensemble.tree().find(paths.audit())->children;
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(audit_id(*entries.begin()), 0);
    const auto entry = znodes::decode<znodes::AuditEntry>(
        ensemble.tree().find(paths.audit() + "/" + *entries.begin())->data, cluster);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->author, "a");
    EXPECT_EQ(entry->origin, "token from 10.0.0.7");
    EXPECT_EQ(entry->action, "created");
    EXPECT_EQ(entry->object, "web");
    EXPECT_EQ(entry->generation, 1);
}

TEST_F(ConfigWriting, ARefusedChangeIsNotInTheAudit) {
    ASSERT_TRUE(apply(group(), std::nullopt).ok());
    EXPECT_FALSE(apply(group(), std::nullopt).ok());
    EXPECT_EQ(ensemble.tree().find(paths.audit())->children.size(), 1U);
}

TEST(AuditOp, MakesTextsFitForTheirZnode) {
    const std::string rest(400, 'x');
    const auto op = audit_op(paths,
                             {.stamp = {.cluster = cluster},
                              .author = "a\nb",
                              .action = "\xff",
                              .object = "\xc3\xa4" + rest,
                              .detail = std::string(300, '\xff')});
    const auto entry = znodes::decode<znodes::AuditEntry>(op.data, cluster);
    ASSERT_TRUE(entry) << entry.error().message();
    EXPECT_EQ(entry->author, "a b");
    EXPECT_EQ(entry->action, "\xEF\xBF\xBD");
    EXPECT_LE(entry->object.size(), znodes::max_audit_text);
    EXPECT_EQ(entry->detail.size(), 249U) << "83 characters for bytes that are none";
}

TEST_F(ConfigWriting, EveryHeadIsCountedWhereTheCollectorLooks) {
    ASSERT_TRUE(apply(group(), std::nullopt).ok());
    EXPECT_EQ(ensemble.tree().find(paths.chunks())->stat.version, 1);
    const KnownHead known{
        .head = znodes::decode<znodes::GroupHead>(
                    ensemble.tree().find(paths.group_head(GroupName("web")))->data, cluster)
                    .value()};
    ASSERT_TRUE(apply(group(), known).ok());
    EXPECT_EQ(ensemble.tree().find(paths.chunks())->stat.version, 2);
}

TEST_F(ConfigWriting, AFleetHasAHeadAHistoryAndAnAuditEntryAsAGroupHas) {
    ASSERT_TRUE(apply(fleet(), std::nullopt).ok());
    const auto known = read(fleet().name);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->head.generation, 1);
    EXPECT_EQ(known->head.uid, "u");
    EXPECT_TRUE(known->head.chunks.empty());
    EXPECT_EQ(znodes::read_fleet(fleet().name, known->head.spec).fleet, fleet());
    EXPECT_TRUE(is_unchanged(fleet(), *known));
    EXPECT_TRUE(there(paths.history(fleet().name, 1)));
    const auto& entries = ensemble.tree().find(paths.audit())->children;
    ASSERT_EQ(entries.size(), 1U);
    const auto entry = znodes::decode<znodes::AuditEntry>(
        ensemble.tree().find(paths.audit() + "/" + *entries.begin())->data, cluster);
    EXPECT_EQ(entry.value().object, "fleet/edge");
}

TEST_F(ConfigWriting, AFleetIsComparedAndSet) {
    ASSERT_TRUE(apply(fleet(), std::nullopt).ok());
    const auto first = read(fleet().name);
    config::FleetSpec other = fleet();
    other.listeners[0].port = 81;
    EXPECT_FALSE(is_unchanged(other, *first));
    ASSERT_TRUE(apply(other, first).ok());
    EXPECT_FALSE(apply(fleet(), first).ok()) << "somebody else was faster";
    EXPECT_EQ(read(fleet().name)->head.generation, 2);
    EXPECT_EQ(read(fleet().name)->head.uid, "u");
}

TEST_F(ConfigWriting, AGroupAndAFleetOfOneNameAreTwoThings) {
    config::FleetSpec web = fleet();
    web.name = FleetName("web");
    ASSERT_TRUE(apply(group(), std::nullopt).ok());
    ASSERT_TRUE(apply(web, std::nullopt).ok());
    EXPECT_NE(read(GroupName("web"))->head.spec, read(FleetName("web"))->head.spec);
}

TEST_F(ConfigWriting, AFleetForWhichTheTreeHasNoPlaceFailsBeforeTheTransaction) {
    using znodes::ConfigKind;
    ASSERT_TRUE(ensemble
                    .write({DeleteOp{.path = paths.heads(ConfigKind::fleet)},
                            DeleteOp{.path = paths.histories(ConfigKind::fleet)}})
                    .applied());
    bool reached = false;
    before_head = [&] { reached = true; };
    const MultiOutcome outcome = apply(fleet(), std::nullopt);
    EXPECT_EQ(outcome.error, make_error_code(coordination::Errc::no_node));
    EXPECT_TRUE(outcome.op_errors.empty()) << "which is how NodeCommands knows";
    EXPECT_FALSE(reached);
}

}  // namespace
}  // namespace muster::orchestrator
