#include "common/config/unicode.hpp"

#include <gtest/gtest.h>

#include <string>

namespace muster::config {
namespace {

TEST(Utf8, KeepsWhatIsWellFormedAndReplacesTheRest) {
    for (const char* good :
         {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x92\xa9", "\xed\x9f\xbf"}) {
        EXPECT_EQ(as_utf8(good), good);
    }
    EXPECT_EQ(as_utf8("a\xff"
                      "b"),
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(as_utf8("\xc3"), "\xEF\xBF\xBD");
    EXPECT_EQ(as_utf8("\xc0\xaf"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(PlainText, HasNoControlCharactersAndIsUtf8) {
    EXPECT_EQ(as_plain_text("[ALERT] : a\n[ALERT] : b\x7f\x01", 100), "[ALERT] : a [ALERT] : b  ");
    EXPECT_EQ(as_plain_text("caf\xe9", 100), "caf\xEF\xBF\xBD");
    EXPECT_EQ(as_plain_text(std::string_view("a\0b", 3), 100), "a b");
}

TEST(PlainText, IsCutBetweenCharacters) {
    EXPECT_EQ(as_plain_text("12345678901234567890", 16), "1234567890123456");
    EXPECT_EQ(as_plain_text("123456789012345\xc3\xa4", 16), "123456789012345");
    EXPECT_EQ(as_plain_text("12345678901234\xc3\xa4", 16), "12345678901234\xc3\xa4");
    EXPECT_EQ(as_plain_text("12345678901234\xff", 16), "12345678901234")
        << "what stands for a bad byte takes three";
}

}  // namespace
}  // namespace muster::config
