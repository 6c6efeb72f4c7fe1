#include "common/config/endpoint.hpp"

#include <gtest/gtest.h>

namespace muster::config {
namespace {

TEST(Endpoint, ReadsAddressesAndHostNames) {
    EXPECT_EQ(parse_endpoint("10.0.0.1:80"), (Endpoint{.host = "10.0.0.1", .port = 80}));
    EXPECT_EQ(parse_endpoint("[::1]:65535"), (Endpoint{.host = "::1", .port = 65535}));
    EXPECT_EQ(parse_endpoint("[::ffff:10.0.0.1]:1"),
              (Endpoint{.host = "::ffff:10.0.0.1", .port = 1}));
    EXPECT_EQ(parse_endpoint("Web-1.example.org:8080"),
              (Endpoint{.host = "Web-1.example.org", .port = 8080}));
    EXPECT_EQ(parse_endpoint("3com:80"), (Endpoint{.host = "3com", .port = 80}));
}

TEST(Endpoint, IsWrittenAsItWasRead) {
    for (const char* text : {"10.0.0.1:80", "[::1]:80", "[2001:DB8::1]:1", "localhost:65535"})
        EXPECT_EQ(to_string(parse_endpoint(text).value()), text);
}

TEST(Endpoint, TakesPortZeroOnlyWhereAsked) {
    EXPECT_FALSE(parse_endpoint("127.0.0.1:0"));
    EXPECT_TRUE(parse_endpoint("127.0.0.1:0", 0));
}

TEST(Bind, IsAPortWithOrWithoutAnAddress) {
    EXPECT_EQ(parse_bind(":80").value(), (Endpoint{.host = "", .port = 80}));
    EXPECT_EQ(parse_bind("0.0.0.0:443").value(), (Endpoint{.host = "0.0.0.0", .port = 443}));
    EXPECT_EQ(parse_bind("[::]:443").value(), (Endpoint{.host = "::", .port = 443}));
    for (const std::string_view bad : {"80", ":", ":0", "www.example.org:80", "[ff02::1]:80"})
        EXPECT_FALSE(parse_bind(bad)) << bad;
}

TEST(Bind, HasOneFormForEachAddress) {
    EXPECT_EQ(to_string(parse_bind("[2001:DB8:0::0001]:80").value()), "[2001:db8::1]:80");
    EXPECT_EQ(to_string(parse_bind(":80").value()), ":80");
}

TEST(Address, EndsWhereItsTextEnds) {
    using namespace std::string_view_literals;
    EXPECT_FALSE(is_ipv4("10.0.0.1\0"sv));
    EXPECT_FALSE(is_ipv4("10.0.0.1\0; and more"sv));
    EXPECT_FALSE(is_ipv6("::1\0\nand more"sv));
}

TEST(HostName, IsRfc1123) {
    for (const char* name : {"a", "a.b", "1a", "a-b.c", "xn--bcher-kva.example"})
        EXPECT_TRUE(is_host_name(name)) << name;
    for (const char* name :
         {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "1", "a.1", "a b", "a\n"})
        EXPECT_FALSE(is_host_name(name)) << name;
    EXPECT_TRUE(is_host_name(std::string(63, 'a')));
    EXPECT_FALSE(is_host_name(std::string(64, 'a')));
}

TEST(Address, KnowsLoopbackAndWhatCanBeReached) {
    EXPECT_TRUE(is_loopback("127.0.0.1"));
    EXPECT_TRUE(is_loopback("127.255.0.9"));
    EXPECT_TRUE(is_loopback("::1"));
    for (const char* other : {"126.0.0.1", "0.0.0.0", "::", "::2", "1::1", "localhost", ""})
        EXPECT_FALSE(is_loopback(other)) << other;

    EXPECT_TRUE(is_destination("10.0.0.1"));
    EXPECT_TRUE(is_destination("fe80::1"));
    EXPECT_TRUE(is_destination("example.org"));
    for (const char* nowhere :
         {"0.0.0.0", "224.0.0.1", "239.1.1.1", "255.255.255.255", "::", "ff02::1"})
        EXPECT_FALSE(is_destination(nowhere)) << nowhere;
}

}  // namespace
}  // namespace muster::config
