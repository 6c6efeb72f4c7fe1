#include "agent/nginx_sites.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::agent {
namespace {

using testing::ElementsAre;

config::Route route(std::string_view host, std::string_view path, std::string_view group) {
    return {.host = std::string(host), .path = std::string(path), .group = GroupName(group)};
}

TEST(NginxSites, HoldWhatMayConcernTheirHostInOrder) {
    const config::Listener listener = {.routes = {route("*.A.org", "/api", "x"),
                                                  route("www.a.org", "", "y"),
                                                  route("", "/static", "z")}};
    EXPECT_THAT(
        sites_of(listener),
        ElementsAre(NginxSite{.host = "", .routes = {route("", "/static", "z")}},
                    NginxSite{.host = "*.a.org",
                              .routes = {route("", "/api", "x"), route("", "/static", "z")}},
                    NginxSite{.host = "www.a.org",
                              .routes = {route("", "/api", "x"), route("", "", "y")}}));
}

TEST(NginxSites, EndWithTheGroupOfTheListener) {
    const config::Listener listener = {.routes = {route("", "/api", "x")},
                                       .group = GroupName("web")};
    EXPECT_THAT(sites_of(listener),
                ElementsAre(NginxSite{.routes = {route("", "/api", "x"), route("", "", "web")}}));
    EXPECT_THAT(sites_of({}), ElementsAre(NginxSite{}));
}

TEST(NginxSites, OfAWildcardTakeWiderWildcardsAndNotNarrowerOnes) {
    const config::Listener listener = {.routes = {route("*.b.a.org", "", "narrow"),
                                                  route("*.a.org", "/", "wide"),
                                                  route("a.org", "", "itself")}};
    EXPECT_THAT(sites_of(listener),
                ElementsAre(NginxSite{},
                            NginxSite{.host = "*.a.org", .routes = {route("", "", "wide")}},
                            NginxSite{.host = "*.b.a.org", .routes = {route("", "", "narrow")}},
                            NginxSite{.host = "a.org", .routes = {route("", "", "itself")}}));
}

}  // namespace
}  // namespace muster::agent
