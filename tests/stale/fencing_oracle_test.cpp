// The oracle is only worth as much as what it catches.
#include "tests/stale/fencing_oracle.hpp"

#include "common/observe/log.hpp"
#include "tests/stale/composed_writes.hpp"
#include "tests/stale/stale_cluster.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace muster::stale {
namespace {

using namespace std::chrono_literals;
using coordination::CheckOp;
using coordination::MultiOutcome;
using coordination::Op;
using coordination::SetOp;

/// Writes without any guard, as somebody might who has the credentials and none of the manners.
MultiOutcome force(StaleCluster& cluster, std::vector<Op> ops) {
    std::erase_if(ops, [](const Op& op) { return std::holds_alternative<CheckOp>(op); });
    for (Op& op : ops) {
        if (auto* set = std::get_if<SetOp>(&op)) set->version = coordination::any_version;
    }
    return cluster.ask(cluster.witness().store().multi(std::move(ops)));
}

TEST(FencingOracle, FindsNothingInAQuietClusterAndEachForgedWrite) {
    log::set_level(log::Level::error);
    StaleCluster cluster(7);
    cluster.apply_group(24);
    ASSERT_TRUE(cluster.wait_settled(30s));
    ASSERT_TRUE(cluster.drive(20s, [&] { return cluster.view().progress.size() == 3; }));

    std::mt19937_64 random(7);
    std::map<std::int64_t, WriteClass> forged;
    for (const WriteClass kind : write_classes) {
        ASSERT_TRUE(cluster.wait_settled(30s));
        Author author{.node = NodeId("ann"),
                      .epoch = cluster.view().epoch->version - 1,
                      .assignment = cluster.view().assignments.at(NodeId("ann")).version - 1,
                      .candidacy = "unused",
                      .sequence = 1'000'000};
        auto ops = compose(kind, cluster.paths(), cluster.view(), author, random);
        ASSERT_TRUE(ops) << to_string(kind);
        const MultiOutcome outcome = force(cluster, std::move(*ops));
        ASSERT_TRUE(outcome.ok()) << to_string(kind) << ": " << outcome.error.message();
        // A node that was created has no stat in the outcome; then its own last change tells.
        std::int64_t zxid = outcome.ops.back().stat.modified_zxid;
        if (zxid == 0) {
            const auto made = cluster.ask(
                cluster.witness().store().get(outcome.ops.back().path, coordination::Watch::none));
            ASSERT_TRUE(made);
            zxid = made->stat.created_zxid;
        }
        forged.emplace(zxid, kind);
    }
    ASSERT_TRUE(cluster.wait_settled(30s));

    const Judgement judgement = judge(cluster.end(), cluster.paths());
    std::map<std::int64_t, WriteClass> missed = forged;
    for (const Violation& violation : judgement.violations) {
        missed.erase(violation.zxid);
        EXPECT_TRUE(forged.contains(violation.zxid))
            << fmt::format("zxid {:#x}: {}", violation.zxid, violation.what);
    }
    for (const auto& [zxid, kind] : missed) ADD_FAILURE() << "not caught: " << to_string(kind);
    EXPECT_GT(judgement.judged.at(WriteClass::status), 0U);
    EXPECT_GT(judgement.judged.at(WriteClass::progress), 0U);
}

std::string said_of(const std::vector<Transaction>& history, const std::string& path) {
    std::string all = fmt::format("{} transactions", history.size());
    if (!history.empty())
        all += fmt::format(", {:#x} to {:#x}", history.front().zxid, history.back().zxid);
    for (const Transaction& transaction : history) {
        for (const LoggedOp& op : transaction.ops) {
            if (op.path == path)
                all += fmt::format("; {:#x}: {}", transaction.zxid, static_cast<int>(op.kind));
        }
    }
    return all;
}

TEST(FencingOracle, RefusesAHistoryWithAGap) {
    log::set_level(log::Level::error);
    StaleCluster cluster(8);
    ASSERT_TRUE(cluster.drive(
        20s, [&] { return cluster.view().epoch && cluster.view().epoch->version > 0; }));
    std::vector<Transaction> history = cluster.end();
    (void)judge(history, cluster.paths());
    const auto is_epoch = [&](const Transaction& transaction) {
        return !transaction.refused() &&
               std::ranges::any_of(transaction.ops, [&](const LoggedOp& op) {
                   return op.kind == LoggedOp::Kind::set && op.path == cluster.paths().epoch();
               });
    };
    const auto claim = std::ranges::find_if(history, is_epoch);
    ASSERT_NE(claim, history.end()) << said_of(history, cluster.paths().epoch());
    Transaction again = *claim;
    history.insert(claim, again);
    EXPECT_THROW((void)judge(history, cluster.paths()), std::runtime_error);
}

TEST(TransactionLog, EndsAtTheFirstTornRecord) {
    EXPECT_THROW((void)parse_log("PK\3\4 something else"), std::runtime_error);
    std::string bytes = "ZKLG";
    bytes.append(12, '\0');
    EXPECT_TRUE(parse_log(bytes).empty());
    bytes.append(64, '\0');  // reserved space
    EXPECT_TRUE(parse_log(bytes).empty());
}

}  // namespace
}  // namespace muster::stale
