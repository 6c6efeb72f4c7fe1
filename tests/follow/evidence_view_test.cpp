// What LBs say, as the view has it.
#include "common/follow/cluster_view.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace muster::follow {
namespace {

class Tree final : public Source {
 public:
    [[nodiscard]] const coordination::Node* find(const std::string& path) const override {
        const auto node = nodes.find(path);
        return node == nodes.end() ? nullptr : &node->second;
    }
    [[nodiscard]] bool has(const std::string& path) const override { return nodes.contains(path); }

    std::map<std::string, coordination::Node> nodes;
};

class EvidenceOfTheView : public testing::Test {
 protected:
    EvidenceOfTheView() {
        put(paths.control(), encode(znodes::Control{.stamp = {.cluster = "c1"}}));
    }
    ViewChange put(const std::string& path, const std::string& data) {
        tree.nodes[path].data = data;
        return apply(view, paths, tree, {path}, SteadyTime{});
    }
    ViewChange drop(const std::string& path) {
        tree.nodes.erase(path);
        return apply(view, paths, tree, {path}, SteadyTime{});
    }
    [[nodiscard]] std::string path_of(const std::string& lb) const {
        return paths.evidence(web, FleetName("edge"), InstanceId(lb));
    }
    static std::string said(const std::string& cluster = "c1") {
        return encode(znodes::LbEvidence{.stamp = {.cluster = cluster},
                                         .fleet = FleetName("edge"),
                                         .instance = InstanceId("lb1"),
                                         .outliers = {{.backend = BackendId("b1")}}});
    }

    const GroupName web{"web"};
    znodes::Paths paths{"test"};
    Tree tree;
    ClusterView view;
};

TEST_F(EvidenceOfTheView, ComesAndGoesWithItsZnode) {
    EXPECT_TRUE(put(path_of("lb1"), said()).evidence);
    ASSERT_TRUE(view.evidence.contains(web));
    EXPECT_EQ(view.evidence[web].at("edge:lb1").value.outliers.size(), 1U);
    EXPECT_TRUE(drop(path_of("lb1")).evidence);
    EXPECT_FALSE(view.evidence.contains(web));
}

TEST_F(EvidenceOfTheView, TellsGarbageAndOtherClusters) {
    put(path_of("lb1"), said());
    put(path_of("lb1"), "{");
    EXPECT_TRUE(view.evidence[web].at("edge:lb1").garbage);
    put(path_of("lb2"), said("c2"));
    EXPECT_TRUE(view.evidence[web].at("edge:lb2").garbage);
    EXPECT_TRUE(view.evidence[web].at("edge:lb2").value.outliers.empty());
    EXPECT_EQ(view.problems.size(), 2U);
    drop(path_of("lb1"));
    drop(path_of("lb2"));
    EXPECT_TRUE(view.problems.empty());
}

TEST_F(EvidenceOfTheView, IsBounded) {
    for (std::size_t i = 0; i < 2 * max_evidence; ++i)
        put(path_of("lb" + std::to_string(i)), said());
    EXPECT_EQ(view.evidence[web].size(), max_evidence);
    put(path_of("lb0"), "");
    EXPECT_TRUE(view.evidence[web].at("edge:lb0").garbage) << "those that are known change";
    for (std::size_t i = 0; i < 2 * max_evidence; ++i) drop(path_of("lb" + std::to_string(i)));
    EXPECT_FALSE(view.evidence.contains(web));
}

TEST_F(EvidenceOfTheView, IsReadOfGroupsAndTheirLbs) {
    EXPECT_EQ(interest_in(paths, paths.evidence()), Interest::children);
    EXPECT_EQ(interest_in(paths, paths.evidence(web)), Interest::children);
    EXPECT_EQ(interest_in(paths, path_of("lb1")), Interest::data);
    EXPECT_EQ(interest_in(paths, path_of("lb1") + "/deeper"), Interest::none);
}

}  // namespace
}  // namespace muster::follow
