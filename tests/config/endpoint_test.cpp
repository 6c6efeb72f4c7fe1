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
