#include "common/http/url.hpp"

#include "common/http/client.hpp"

#include <gmock/gmock.h>

namespace muster::http {
namespace {

TEST(Url, IsTakenApart) {
    EXPECT_EQ(*parse_url("http://10.0.0.1:9700/api/v1?x=%20"),
              (Url{.host = "10.0.0.1",
                   .port = "9700",
                   .target = "/api/v1?x=%20",
                   .authority = "10.0.0.1:9700"}));
    EXPECT_EQ(*parse_url("http://[::1]:80"),
              (Url{.host = "::1", .port = "80", .target = "/", .authority = "[::1]:80"}));
    EXPECT_EQ(*parse_url("http://localhost?a"),
              (Url{.host = "localhost", .port = "80", .target = "/?a", .authority = "localhost"}));
}

TEST(Url, MayBeOfTls) {
    EXPECT_EQ(*parse_url("https://a/"),
              (Url{.host = "a", .port = "443", .target = "/", .authority = "a", .tls = true}));
    EXPECT_EQ(parse_url("https://a:2379")->port, "2379");
}

TEST(Url, IsRefusedWhenItIsNotHttp) {
    for (const char* text : {"",
                             "10.0.0.1:9700",
                             "httpss://a/",
                             "ftp://a/",
                             "http://",
                             "http:///path",
                             "http://user@a/",
                             "http://a:0/",
                             "http://a:99999/",
                             "http://a:port/",
                             "http://a/#fragment",
                             "http://a b/",
                             "http://a/\r\nx: y",
                             "/path"}) {
        const auto url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, Errc::bad_url) << text;
    }
}

TEST(Target, IsDecoded) {
    const auto target = parse_target("/api/v1/groups/we%20b%25?q=a+b&q=%C3%A4&flag&=x");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/api/v1/groups/we b%");
    ASSERT_EQ(target->query.size(), 4U);
    EXPECT_EQ(target->query[1], (std::pair<std::string, std::string>("q", "\xc3\xa4")));
    EXPECT_EQ(target->query[2], (std::pair<std::string, std::string>("flag", "")));
    EXPECT_EQ(parse_target("/")->path, "/");
    EXPECT_EQ(parse_target("/a/")->path, "/a/");
    EXPECT_EQ(parse_target("//a")->path, "//a");
    EXPECT_EQ(parse_target("/a//b")->path, "/a//b");
}

TEST(Target, HasABoundedNumberOfParameters) {
    std::string text = "/?";
    for (int i = 0; i < 64; ++i) text += "a&";
    EXPECT_FALSE(parse_target(text));
    EXPECT_TRUE(parse_target("/?a&b&c"));
}

TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
    EXPECT_EQ(percent_encode("a-b_c.d~/?&=+ \xc3\xa4:"), "a-b_c.d~%2F%3F%26%3D%2B%20%C3%A4%3A");
}

}  // namespace
}  // namespace muster::http
