#include "orchestrator/api_query.hpp"

#include "tests/api/api_case.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster::orchestrator {
namespace {

using namespace std::chrono_literals;

Snapshot example() {
    return test::example_snapshot(SteadyTime{1h}, WallTime{1'767'225'600s});
}

std::vector<std::string> found(const std::string& query) {
    const auto parsed = backend_query(test::request("GET", "/api/v1/backends?" + query));
    if (!parsed) return {parsed.error().context};
    const Snapshot snapshot = example();
    std::vector<std::string> names;
    for (const Found& one : select(snapshot, *parsed).page) {
        names.push_back(one.group->name().str() + "/" + one.backend->id.str());
    }
    return names;
}

using Names = std::vector<std::string>;

TEST(BackendQuery, FindsByGroupStateAndWords) {
    EXPECT_EQ(found(""), (Names{"db/primary", "web/b1", "web/b2", "web/b3", "web/b4"}));
    EXPECT_EQ(found("group=db"), Names{"db/primary"});
    EXPECT_EQ(found("group=nothing"), Names{});
    EXPECT_EQ(found("state=down"), Names{"web/b2"});
    EXPECT_EQ(found("state=down,drain"), (Names{"web/b2", "web/b4"}));
    EXPECT_EQ(found("state=out"), (Names{"web/b2", "web/b4"}));
    EXPECT_EQ(found("state=pending"), Names{"web/b2"});
    EXPECT_EQ(found("q=L4con"), Names{"web/b2"});
    EXPECT_EQ(found("q=web%20n2"), (Names{"web/b3", "web/b4"}));
    EXPECT_EQ(found("q=5432"), Names{"db/primary"});
    EXPECT_EQ(found("q=no%20such"), Names{});
    EXPECT_EQ(found("sort=trouble"), (Names{"web/b2", "web/b4", "db/primary", "web/b1", "web/b3"}));
}

TEST(BackendQuery, PagesThroughAllOfThemOnce) {
    for (const char* sort : {"name", "trouble"}) {
        Names all;
        for (int offset = 0; offset < 8; offset += 2) {
            const Names page = found("limit=2&offset=" + std::to_string(offset) + "&sort=" + sort);
            all.insert(all.end(), page.begin(), page.end());
        }
        EXPECT_EQ(all, found(std::string("sort=") + sort));
    }
}

TEST(BackendQuery, RefusesWhatItDoesNotUnderstand) {
    EXPECT_EQ(found("limit=0"),
              Names{"query parameter 'limit' must be a whole number from 1 to 10000"});
    for (const char* query : {"limit=10001",
                              "limit=",
                              "limit=1x",
                              "limit=-1",
                              "limit=99999999999999999999",
                              "offset=-1",
                              "offset=x",
                              "state=sick",
                              "state=up,",
                              "sort=random"}) {
        const auto parsed = backend_query(test::request("GET", std::string("/?") + query));
        EXPECT_EQ(!parsed, std::string(query) != "state=up,") << query;
    }
}

TEST(EventQuery, GivesTheNewestAfterSince) {
    const Snapshot snapshot = example();
    EXPECT_EQ(select(snapshot, EventQuery{}).events.size(), 2U);
    const auto after = select(snapshot, EventQuery{.since = 1});
    ASSERT_EQ(after.events.size(), 1U);
    EXPECT_EQ(after.events[0]->id, 2);
    EXPECT_EQ(after.newest, 2);
    EXPECT_FALSE(after.reset);
    EXPECT_EQ(select(snapshot, EventQuery{.limit = 1}).events[0]->id, 2);
    EXPECT_EQ(select(snapshot, EventQuery{.group = "web"}).events.size(), 1U);
    EXPECT_EQ(select(snapshot, EventQuery{.kind = "master_changed"}).events[0]->id, 1);
}

TEST(EventQuery, BeginsAgainAfterARestart) {
    const auto selection = select(example(), EventQuery{.since = 99});
    EXPECT_TRUE(selection.reset);
    EXPECT_EQ(selection.events.size(), 2U);
    EXPECT_TRUE(select(Snapshot{}, EventQuery{.since = 1}).reset);
    EXPECT_FALSE(select(Snapshot{}, EventQuery{}).reset);
}

}  // namespace
}  // namespace muster::orchestrator
