#include "common/base/base64.hpp"
#include "common/base/split.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

using testing::ElementsAre;

TEST(Split, KeepsEmptyParts) {
    EXPECT_THAT(split("a/b", '/'), ElementsAre("a", "b"));
    EXPECT_THAT(split("a//b/", '/'), ElementsAre("a", "", "b", ""));
    EXPECT_THAT(split("", '/'), ElementsAre(""));
}

TEST(Base64, IsThatOfTheRfc) {
    // RFC 4648, section 10.
    EXPECT_EQ(to_base64(""), "");
    EXPECT_EQ(to_base64("f"), "Zg==");
    EXPECT_EQ(to_base64("fo"), "Zm8=");
    EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
    for (const std::string& bytes : {std::string(), std::string("f"), std::string("\0\xff", 2)})
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
}

TEST(Base64, IsNothingElse) {
    for (const char* other : {"Z", "Zg=", "Zg", "!!!!", "Zm9vYmFy Zg=="})
        EXPECT_FALSE(from_base64(other)) << other;
}

}  // namespace
}  // namespace muster
