#include "agent/haproxy_names.hpp"

#include "tests/agent/haproxy_samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace muster::agent {
namespace {

using test::server;

TEST(HaproxyNames, StayReadable) {
    struct Row {
        std::string_view name;
        std::string_view in_haproxy;
    };
    for (const Row& row : {Row{"web-1.example.org:80", "web-1.example.org:80"},
                           Row{"10.0.0.1:80", "10.0.0.1:80"},
                           Row{"[::1]:80", "_5B::1_5D:80"},
                           Row{"snake_case", "snake_case"},
                           Row{"a_5B", "a_5F5B"},
                           Row{"a_5", "a_5"},
                           Row{"_404", "_5F404"},
                           Row{"a b\n", "a_20b_0A"},
                           Row{"\xff", "_FF"},
                           Row{"", ""}}) {
        EXPECT_EQ(haproxy_name(row.name), row.in_haproxy) << row.name;
    }
}

TEST(HaproxyNames, OfDifferentThingsDiffer) {
    std::mt19937 random(20'261'121);
    constexpr std::string_view letters = "_[A5F]b\n";
    std::map<std::string, std::string> seen;
    for (int i = 0; i < 200'000; ++i) {
        std::string name(random() % 9, ' ');
        for (char& c : name) c = letters[random() % letters.size()];
        const auto [at, fresh] = seen.emplace(haproxy_name(name), name);
        ASSERT_EQ(at->second, name) << at->first;
    }
}

TEST(HaproxyNames, TellTheModesOfAPoolApart) {
    EXPECT_EQ(backend_name(GroupName("web"), config::ListenMode::http), "web:http");
    EXPECT_EQ(backend_name(GroupName("web"), config::ListenMode::tcp), "web:tcp");
}

TEST(HaproxyNames, AreUsedOncePerModeThatAListenerNeeds) {
    config::Listener front = test::listener("web");
    front.routes = {{.path = "/api/", .group = GroupName("api")}, {.group = GroupName("web")}};
    config::Listener raw = test::listener("web", "raw");
    raw.mode = config::ListenMode::tcp;
    EXPECT_EQ(uses_of({front, raw}),
              (std::set<Use>{{GroupName("api"), config::ListenMode::http},
                             {GroupName("web"), config::ListenMode::http},
                             {GroupName("web"), config::ListenMode::tcp}}));
}

TEST(HaproxyWeight, NeverLosesAPositiveOneAndNeverTurnsTheOrder) {
    EXPECT_EQ(haproxy_weight(0), 0);
    EXPECT_EQ(haproxy_weight(1), 1);
    EXPECT_EQ(haproxy_weight(100), 26);
    EXPECT_EQ(haproxy_weight(1000), 256);
    for (int weight = 1; weight <= 1000; ++weight) {
        EXPECT_GE(haproxy_weight(weight), 1);
        EXPECT_LE(haproxy_weight(weight), 256);
        EXPECT_GE(haproxy_weight(weight), haproxy_weight(weight - 1));
    }
}

TEST(ServerNumbers, AreDistinctAndOfTwentyBits) {
    std::vector<Server> servers;
    for (int i = 0; i < 5000; ++i) servers.push_back(server(fmt::format("b{:05}", i)));
    std::vector<int> numbers = server_numbers(servers);
    std::ranges::sort(numbers);
    EXPECT_EQ(std::ranges::adjacent_find(numbers), numbers.end());
    EXPECT_GE(numbers.front(), 1);
    EXPECT_LT(numbers.back(), 1 << 20);
}

TEST(ServerNumbers, DoNotDependOnWhoElseIsThere) {
    EXPECT_EQ(server_numbers({server("a"), server("b"), server("c")})[2],
              server_numbers({server("c")})[0]);
}

}  // namespace
}  // namespace muster::agent
