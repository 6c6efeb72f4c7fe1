#include "common/coordination/validation.hpp"

#include "common/coordination/zookeeper_servers.hpp"

#include <gtest/gtest.h>

namespace muster::coordination {

TEST(Validation, AcceptsOrdinaryPaths) {
    for (const char* path : {"/", "/a", "/a/b-c_d.e", "/...", "/a b", "/muster/x/n-0000000001"})
        EXPECT_TRUE(check_path(path)) << path;
}

TEST(Validation, LimitsTheLengthOfPaths) {
    EXPECT_TRUE(check_path("/" + std::string(max_path_bytes - 1, 'x')));
    EXPECT_FALSE(check_path("/" + std::string(max_path_bytes, 'x')));
}

TEST(Validation, SaysWhatIsWrongWithAPath) {
    EXPECT_EQ(check_path("a").error().context, "path 'a' does not begin with a slash");
    EXPECT_EQ(check_path("/a/").error().context, "path '/a/' has an empty component");
    EXPECT_EQ(check_path("/a/../b").error().context, "path '/a/../b' has a relative component");
}

TEST(Validation, LetsOnlySequentialNodesEndInASlash) {
    EXPECT_TRUE(check_ops({CreateOp{.path = "/a/", .mode = CreateMode::ephemeral_sequential}}));
    EXPECT_FALSE(check_ops({CreateOp{.path = "/a/", .mode = CreateMode::ephemeral}}));
}

TEST(Validation, CountsPathsAndDataOfAllOps) {
    const std::size_t one = request_bytes({SetOp{.path = "/a", .data = std::string(1000, 'x')}});
    const std::size_t two = request_bytes({SetOp{.path = "/a", .data = std::string(1000, 'x')},
                                           CreateOp{.path = "/b", .data = std::string(500, 'x')}});
    EXPECT_GE(one, 1'002U);
    EXPECT_GE(two, one + 502U);
    EXPECT_LT(two, 1'900U);
}

TEST(Validation, AcceptsServersAsHostAndPort) {
    EXPECT_TRUE(check_servers({"127.0.0.1:2181", "zk.example:2181", "[::1]:2181"}));
    for (const char* server : {"",
                               "host",
                               "host:",
                               ":2181",
                               "host:0",
                               "host:99999",
                               "host:2181/root",
                               "a:1,b:2",
                               "host:21x"})
        EXPECT_FALSE(check_servers({server})) << server;
    EXPECT_FALSE(check_servers({}));
}

}  // namespace muster::coordination
