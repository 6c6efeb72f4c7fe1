#include "common/config/fleet_order.hpp"

#include <gtest/gtest.h>

#include <string>

namespace muster::config {
namespace {

bool hides(const std::string& host,
           const std::string& path,
           const std::string& later_host,
           const std::string& later_path) {
    return takes_all_of({.host = host, .path = path}, {.host = later_host, .path = later_path});
}

TEST(RouteOrder, ARouteHidesWhatIsInItsHostAndItsPath) {
    EXPECT_TRUE(hides("a.org", "", "a.org", "/p"));
    EXPECT_TRUE(hides("", "/p", "a.org", "/p/q"));
    EXPECT_TRUE(hides("*.a.org", "/", "x.y.a.org", "/p"));
    EXPECT_TRUE(hides("*.a.org", "", "*.b.a.org", ""));
    EXPECT_TRUE(hides("", "/p", "", "/pq")) << "it is the beginning of the path, not of its parts";
}

TEST(RouteOrder, ARouteThatTakesLessHidesNothing) {
    EXPECT_FALSE(hides("a.org", "/p", "a.org", ""));
    EXPECT_FALSE(hides("a.org", "", "", "/p"));
    EXPECT_FALSE(hides("*.a.org", "", "a.org", "")) << "a name is not below itself";
    EXPECT_FALSE(hides("*.a.org", "", "ba.org", ""));
    EXPECT_FALSE(hides("*.b.a.org", "", "*.a.org", ""));
    EXPECT_FALSE(hides("a.org", "/p", "b.org", "/p"));
}

TEST(RouteOrder, EverythingIsAnyHostAndAnyPath) {
    EXPECT_TRUE(takes_everything({.path = "/"}));
    EXPECT_FALSE(takes_everything({.path = "/p"}));
    EXPECT_FALSE(takes_everything({.host = "a.org"}));
}

bool clash(const std::string& one, const std::string& other) {
    return bind_alike({.address = one, .port = 80}, {.address = other, .port = 80});
}

TEST(Binds, OfOnePortClashWhereOneSocketWouldServeBoth) {
    EXPECT_TRUE(clash("10.0.0.1", "10.0.0.1"));
    EXPECT_TRUE(clash("", "0.0.0.0"));
    EXPECT_TRUE(clash("::", ""));
    EXPECT_FALSE(clash("::", "0.0.0.0"));
    EXPECT_FALSE(clash("", "10.0.0.1")) << "the address alone gets what comes to it";
    EXPECT_FALSE(bind_alike({.port = 80}, {.port = 81}));
}

}  // namespace
}  // namespace muster::config
