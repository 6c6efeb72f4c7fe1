#include "common/config/address_block.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

AddressBlock block(std::string_view text) {
    const auto parsed = parse_address_block(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(AddressBlock{});
}

TEST(AddressBlock, IsReadAndWritten) {
    for (const char* text : {"10.0.0.0/8",
                             "0.0.0.0/0",
                             "192.0.2.7/32",
                             "192.0.2.128/25",
                             "::/0",
                             "2001:db8::/32",
                             "fe80::/10",
                             "2001:db8::1/128"}) {
        EXPECT_EQ(to_string(block(text)), text);
    }
    EXPECT_EQ(block("10.0.0.0/8"), (AddressBlock{.bytes = {10}, .bits = 8}));
}

TEST(AddressBlock, IsRefusedWithWhatWouldBeRight) {
    for (const char* text :
         {"", "10.0.0.0", "10.0.0/8", "host/8", "/8", "[::1]/128", "10.0.0.0 /8"})
        EXPECT_THAT(std::string(parse_address_block(text).error()),
                    StartsWith("must be an IP address and a number of bits"))
            << text;
    for (const char* text :
         {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/08", "10.0.0.0/x"})
        EXPECT_EQ(parse_address_block(text).error(), "must have 0 to 32 bits after the slash")
            << text;
    EXPECT_EQ(parse_address_block("::/129").error(), "must have 0 to 128 bits after the slash");
    for (const char* text : {"10.0.0.1/8", "10.128.0.0/8", "2001:db8::1/32"})
        EXPECT_THAT(std::string(parse_address_block(text).error()),
                    StartsWith("must be the first address of its block"))
            << text;
}

TEST(AddressBlock, ContainsWhatHasItsBits) {
    EXPECT_TRUE(contains(block("10.0.0.0/8"), "10.255.255.255"));
    EXPECT_FALSE(contains(block("10.0.0.0/8"), "11.0.0.0"));
    EXPECT_TRUE(contains(block("192.0.2.128/25"), "192.0.2.129"));
    EXPECT_FALSE(contains(block("192.0.2.128/25"), "192.0.2.127"));
    EXPECT_TRUE(contains(block("0.0.0.0/0"), "192.0.2.1"));
    EXPECT_FALSE(contains(block("0.0.0.0/0"), "2001:db8::1"));
    EXPECT_FALSE(contains(block("::/0"), "192.0.2.1"));
    EXPECT_TRUE(contains(block("fe80::/10"), "febf::1"));
    EXPECT_FALSE(contains(block("fe80::/10"), "fec0::1"));
    EXPECT_FALSE(contains(block("::/0"), "host"));
}

TEST(WhyNotPublished, ByDefaultNoAddressThatIsAnotherMachineToEach) {
    for (const char* ip : {"10.0.0.1", "192.0.2.1", "2001:db8::1", "fd00::1", "100.64.0.1"})
        EXPECT_EQ(why_not_published({}, ip), "");
    for (const char* ip : {"127.0.0.1", "127.255.255.255", "::1"})
        EXPECT_THAT(why_not_published({}, ip), HasSubstr("loopback")) << ip;
    for (const char* ip : {"169.254.0.1", "fe80::1", "febf::1"})
        EXPECT_THAT(why_not_published({}, ip), HasSubstr("link-local")) << ip;
}

TEST(WhyNotPublished, NothingThatNothingCanBeAtWhateverIsAllowed) {
    for (const std::vector<AddressBlock>& allowed :
         {std::vector<AddressBlock>{}, std::vector{block("0.0.0.0/0"), block("::/0")}}) {
        for (const char* ip :
             {"0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.2.3", "::", "ff02::1"})
            EXPECT_THAT(why_not_published(allowed, ip), StartsWith("nothing can be at ")) << ip;
        EXPECT_EQ(why_not_published(allowed, "::ffff:10.0.0.1"),
                  "::ffff:10.0.0.1 is an IPv4 address written as IPv6");
    }
}

TEST(WhyNotPublished, WhatIsAllowedIsAllThatIs) {
    const std::vector allowed{block("10.0.0.0/8"), block("127.0.0.0/8"), block("fe80::/10")};
    for (const char* ip : {"10.1.2.3", "127.0.0.2", "fe80::1"})
        EXPECT_EQ(why_not_published(allowed, ip), "") << ip;
    EXPECT_EQ(why_not_published(allowed, "192.0.2.1"),
              "192.0.2.1 is in none of dns.allowed_addresses (10.0.0.0/8, 127.0.0.0/8, fe80::/10)");
    EXPECT_NE(why_not_published(allowed, "2001:db8::1"), "");
}

}  // namespace
}  // namespace muster::config
