// A fleet's configuration on real parts: applied, changed, read and deleted through any node.
#include "tests/cluster/cluster.hpp"
#include "tests/support/eventually.hpp"

#include <gtest/gtest.h>

#include <string>

namespace muster::test {
namespace {

using namespace std::chrono_literals;

constexpr const char* group = "kind: Group\nname: web\nspec: {backends: []}\n";
constexpr const char* fleet =
    "kind: Fleet\nname: edge\nspec: {listeners: [{name: web, bind: ':80', group: web}]}\n";
constexpr const char* changed =
    "kind: Fleet\nname: edge\nspec: {listeners: [{name: web, bind: ':8080', group: web}]}\n";

class Fleets : public testing::Test {
 protected:
    /// A change reaches the other nodes a moment later.
    void expect(std::size_t node, const std::string& path, int status, const std::string& text) {
        Cluster::HttpAnswer answer;
        EXPECT_TRUE(eventually(10s,
                               [&] {
                                   answer = cluster.get(node, path);
                                   return answer.status == status && answer.body.contains(text);
                               }))
            << path << " is " << answer.status << " " << answer.body << ", not " << text;
    }
    static void expect_answer(const Cluster::HttpAnswer& answer,
                              int status,
                              const std::string& text) {
        EXPECT_EQ(answer.status, status) << answer.body;
        EXPECT_TRUE(answer.body.contains(text)) << answer.body << " is not " << text;
    }

    Cluster cluster{{.zookeepers = 1, .nodes = 2}};
};

TEST_F(Fleets, AreAppliedChangedReadAndDeletedThroughAnyNode) {
    expect_answer(cluster.post(0, "/api/v1/apply?dry_run=1", fleet), 200, R"("result":"created")");
    expect_answer(cluster.post(0, "/api/v1/apply?expect=fleet/edge:0", fleet),
                  200,
                  R"("warnings":["there is no group web yet, to which listener web leads"])");
    expect(1, "/api/v1/fleets/edge", 200, R"("generation":1)");
    expect(1, "/api/v1/fleets", 200, "there is no group web yet");
    expect_answer(cluster.post(1, "/api/v1/apply", group), 200, R"("result":"created")");
    expect(0, "/api/v1/fleets/edge", 200, R"("notes":[])");

    expect_answer(cluster.post(1, "/api/v1/apply", changed),
                  200,
                  R"("changes":["listener web: bind: \":80\" -> \":8080\""])");
    expect_answer(cluster.post(1, "/api/v1/apply", changed), 200, R"("result":"unchanged")");
    expect_answer(cluster.post(1, "/api/v1/apply?expect=fleet/edge:1", fleet),
                  412,
                  "fleet edge has generation 2, expected 1");
    expect(0, "/api/v1/fleets/edge?format=yaml", 200, ":8080");

    expect_answer(cluster.request("DELETE", 0, "/api/v1/groups/web", ""),
                  409,
                  "fleet edge (listener web) leads to group web; change or delete that first");
    expect_answer(cluster.request("DELETE", 0, "/api/v1/fleets/edge", ""),
                  200,
                  R"("result":"removed","generation":3)");
    expect(1, "/api/v1/fleets/edge", 404, "there is no fleet 'edge'");
    expect(1, "/api/v1/audit", 200, R"("action":"removed","object":"fleet/edge")");
    EXPECT_TRUE(eventually(
        10s, [&] { return cluster.request("DELETE", 1, "/api/v1/groups/web", "").status == 200; }));
}

TEST_F(Fleets, ComeInOneTextWithTheirGroups) {
    const Cluster::HttpAnswer answer =
        cluster.post(0, "/api/v1/apply", std::string(fleet) + "---\n" + group);
    expect_answer(answer, 200, R"("groups":[{"name":"web","result":"created")");
    expect_answer(answer, 200, R"("fleets":[{"name":"edge","result":"created")");
    expect_answer(answer, 200, R"("warnings":[],"problems":[]}]})");
    expect_answer(cluster.post(0, "/api/v1/apply", "kind: Fleet\nname: edge\nspec: {}\n"),
                  422,
                  "spec.listeners");
}

}  // namespace
}  // namespace muster::test
