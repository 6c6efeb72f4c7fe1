#include "orchestrator/api_routes.hpp"

#include "tests/support/program.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace muster::orchestrator {
namespace {

std::set<std::string> documented() {
    const std::string text = test::read_file(test::source_file("docs/api.md"));
    const std::regex line(R"(\n\| (GET|POST|PATCH|PUT|DELETE) \| `([^`]+)` \|)");
    std::set<std::string> found;
    for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it) {
        found.insert((*it)[1].str() + " " + (*it)[2].str());
    }
    return found;
}

TEST(Routes, AreThoseOfTheDocument) {
    std::set<std::string> served;
    for (const RouteRow& row : routes()) {
        served.insert(std::string(row.method) + " " + std::string(row.pattern));
    }
    EXPECT_EQ(served, documented());
}

TEST(Routes, HaveOneRowEachAndWritesAreNeverGet) {
    std::set<Route> seen;
    for (const RouteRow& row : routes()) {
        EXPECT_TRUE(seen.insert(row.route).second) << row.pattern;
        EXPECT_EQ(row.needs == Needs::write, row.method != "GET" && row.route != Route::session)
            << row.pattern;
    }
}

struct Row {
    const char* method;
    const char* path;
    std::optional<Route> route;
    std::vector<std::string> parameters;
    const char* allowed;
};

const std::vector<Row> rows = {
    {"GET", "/", Route::dashboard, {}, ""},
    {"GET", "/api/v1/groups", Route::groups, {}, ""},
    {"GET", "/api/v1/groups/web", Route::group, {"web"}, ""},
    {"DELETE", "/api/v1/groups/web", Route::remove_group, {"web"}, ""},
    {"GET", "/api/v1/fleets", Route::fleets, {}, ""},
    {"GET", "/api/v1/agents", Route::agents, {}, ""},
    {"GET", "/api/v1/dns", Route::dns, {}, ""},
    {"GET", "/api/v1/fleets/edge", Route::fleet, {"edge"}, ""},
    {"DELETE", "/api/v1/fleets/edge", Route::remove_fleet, {"edge"}, ""},
    {"GET", "/api/v1/backends/web/[::1]:80", Route::backend, {"web", "[::1]:80"}, ""},
    {"PATCH", "/api/v1/groups/w/backends/b", Route::change_backend, {"w", "b"}, ""},
    {"POST", "/api/v1/groups/web", std::nullopt, {}, "GET, HEAD, DELETE"},
    {"GET", "/api/v1/apply", std::nullopt, {}, "POST"},
    {"GET", "/api/v1/groups/", std::nullopt, {}, ""},
    {"GET", "/api/v1/groups/web/", std::nullopt, {}, ""},
    {"GET", "//", std::nullopt, {}, ""},
    {"GET", "", std::nullopt, {}, ""},
    {"GET", "/api/v1/backends/web/b1/extra", std::nullopt, {}, ""},
    {"GET", "/assets/../api.cpp", std::nullopt, {}, ""},
};

TEST(Routes, MatchByMethodAndPath) {
    for (const Row& row : rows) {
        const RouteMatch match = match_route(row.method, row.path);
        const std::optional<Route> route =
            match.row != nullptr ? std::optional(match.row->route) : std::nullopt;
        EXPECT_EQ(route, row.route) << row.method << ' ' << row.path;
        EXPECT_EQ(match.parameters, row.parameters) << row.path;
        EXPECT_EQ(match.allowed, row.allowed) << row.path;
    }
}

TEST(Routes, NearestIsTheFewestEditsAway) {
    EXPECT_EQ(nearest_route("/api/v1/grops"), "/api/v1/groups");
    EXPECT_EQ(nearest_route("/healtz"), "/healthz");
    EXPECT_EQ(nearest_route("/"), "/");
    EXPECT_FALSE(nearest_route(std::string(1 << 20, 'x')).empty());
    EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace muster::orchestrator
