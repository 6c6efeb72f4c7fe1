#include "common/coordination/memory_tree.hpp"

#include <gtest/gtest.h>

#include <random>

namespace muster::coordination {

namespace {

MemoryTree::Outcome apply(MemoryTree& tree, std::vector<Op> ops, std::int64_t session = 1) {
    return tree.apply(session, ops);
}

/// All that can be seen of a tree.
std::vector<std::string> describe(const MemoryTree& tree, const std::string& path = "/") {
    const MemoryTree::Znode* node = tree.find(path);
    std::vector<std::string> lines{
        path + " " + node->data + " v" + std::to_string(node->stat.version) + " c" +
        std::to_string(node->stat.children_version) + " m" +
        std::to_string(node->stat.modified_zxid) + " p" + std::to_string(node->children_zxid) +
        " e" + std::to_string(node->stat.ephemeral_owner)};
    for (const std::string& name : node->children) {
        const auto below = describe(tree, (path == "/" ? "" : path) + "/" + name);
        lines.insert(lines.end(), below.begin(), below.end());
    }
    return lines;
}

}  // namespace

TEST(MemoryTree, KnowsTheEphemeralsOfASession) {
    MemoryTree tree;
    apply(tree, {CreateOp{.path = "/b", .data = "", .mode = CreateMode::ephemeral}}, 7);
    apply(tree, {CreateOp{.path = "/a", .data = "", .mode = CreateMode::ephemeral}}, 7);
    apply(tree, {CreateOp{.path = "/c", .data = "", .mode = CreateMode::ephemeral}}, 8);
    EXPECT_EQ(tree.ephemerals(7), (std::vector<std::string>{"/a", "/b"}));
    apply(tree, {DeleteOp{.path = "/a"}});
    EXPECT_EQ(tree.ephemerals(7), (std::vector<std::string>{"/b"}));
    EXPECT_TRUE(tree.ephemerals(9).empty());
}

TEST(MemoryTree, RefusesToDeleteTheRoot) {
    MemoryTree tree;
    EXPECT_FALSE(apply(tree, {DeleteOp{.path = "/"}}).applied());
    EXPECT_NE(tree.find("/"), nullptr);
}

TEST(MemoryTree, IsUnchangedByAnyTransactionThatFails) {
    std::minstd_rand random(17);
    const auto below = [&random](unsigned n) { return static_cast<int>(random() % n); };
    MemoryTree tree;
    int refused = 0;
    for (int round = 0; round < 2'000; ++round) {
        std::vector<Op> ops;
        for (int i = 0, count = 1 + below(6); i < count; ++i) {
            std::string path = "/" + std::to_string(below(4));
            if (below(2) == 0) path += "/" + std::to_string(below(3));
            const std::int32_t version = below(3) == 0 ? below(3) : any_version;
            const auto mode = static_cast<CreateMode>(below(8) == 0 ? 2 + below(2) : below(2));
            switch (below(4)) {
                case 0:
                    ops.emplace_back(CheckOp{.path = path, .version = version});
                    break;
                case 1:
                    ops.emplace_back(
                        SetOp{.path = path, .data = std::to_string(round), .version = version});
                    break;
                case 2:
                    ops.emplace_back(DeleteOp{.path = path, .version = version});
                    break;
                default:
                    ops.emplace_back(CreateOp{.path = path, .data = "new", .mode = mode});
            }
        }
        const auto before = describe(tree);
        const auto ephemerals = tree.ephemerals(1);
        if (tree.apply(1, ops).applied()) continue;
        ++refused;
        ASSERT_EQ(describe(tree), before) << "round " << round;
        ASSERT_EQ(tree.ephemerals(1), ephemerals) << "round " << round;
    }
    EXPECT_GT(refused, 300);
    EXPECT_LT(refused, 1'900);
}

}  // namespace muster::coordination
