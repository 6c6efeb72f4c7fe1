#include "common/observe/escape.hpp"

#include <gmock/gmock.h>

namespace muster::log {
namespace {

std::string escaped(std::string_view text, std::size_t max = 4096) {
    std::string out;
    append_escaped(out, text, max);
    return out;
}

struct Row {
    std::string_view in;
    std::string_view out;
};

TEST(Escape, KeepsWhatIsHarmlessAndEscapesTheRest) {
    using namespace std::string_view_literals;
    for (const Row& row : {
             Row{"plain text", "plain text"},
             Row{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x98",
                 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x98"},
             Row{"say \"hi\" \\ bye", "say \\\"hi\\\" \\\\ bye"},
             Row{"two\nlines\r\tand", "two\\nlines\\u000d\\u0009and"},
             Row{"\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"},
             Row{"\0\x7f"sv, "\\u0000\\u007f"},
             Row{"\xc2\x9b"
                 "c1",
                 "\\u009bc1"},
             Row{"a\xe2\x80\xae"
                 "b",
                 "a\\u202eb"},
             Row{"\xe2\x80\xa8", "\\u2028"},
             Row{"\xff\xfe", "\\ufffd\\ufffd"},
             Row{"\xc3", "\\ufffd"},
             Row{"\xe2\x82", "\\ufffd\\ufffd"},
             Row{"\xc0\x80", "\\ufffd\\ufffd"},             // an overlong NUL
             Row{"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},  // a surrogate
             Row{"\xf5\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
             Row{"\xc3(", "\\ufffd("},
         }) {
        EXPECT_EQ(escaped(row.in), row.out);
    }
}

TEST(Escape, CutsLongTextAndSaysSo) {
    EXPECT_EQ(escaped("0123456789", 4), "0123... (6 bytes cut)");
    EXPECT_EQ(escaped("0123", 4), "0123");
    // Never in the middle of a character.
    EXPECT_EQ(escaped("abc\xc3\xbc"
                      "d",
                      4),
              "abc\xc3\xbc... (1 bytes cut)");
}

}  // namespace
}  // namespace muster::log
