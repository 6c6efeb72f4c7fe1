// Leaving: all nodes at once, so that nobody is left to take over.
#include "tests/cluster/cluster.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

TEST(Leaving, OfAllNodesAtOnceWaitsForNobody) {
    Responder responder(6);
    Cluster cluster;
    cluster.apply(make_group(responder, "web", 0, 6, 500ms, 2));
    ASSERT_TRUE(cluster.wait_all_up(20s));
    cluster.observer().forget();
    for (std::size_t n = 0; n < cluster.size(); ++n) cluster.signal(n, SIGTERM);
    for (std::size_t n = 0; n < cluster.size(); ++n) {
        // Far less than a warm move may take: there is nobody to move to.
        const auto status = cluster.wait_end(n, 10s);
        ASSERT_TRUE(status) << cluster.output(n);
        EXPECT_EQ(status->code, 0) << cluster.output(n);
    }
    EXPECT_TRUE(cluster.observer().wait(5s, [](const follow::ClusterView& view) {
        return view.members.empty();
    })) << "nobody leaves a session behind";
    EXPECT_TRUE(cluster.observer().verdict_changes().empty()) << "and every verdict stays";
}

}  // namespace
}  // namespace muster::test
