#include "ctl/table.hpp"

#include <gmock/gmock.h>

namespace muster::ctl {
namespace {

TEST(Table, IsAsWideAsItsLongestCells) {
    Table table({"A", "LONG HEADING", "C"});
    table.add({{.text = "gr\xc3\xbc\xc3\x9f"}, {.text = "x"}, {.text = "last"}});
    table.add({{.text = "a"}});
    EXPECT_EQ(table.render(Colours::off),
              "A     LONG HEADING  C\n"
              "gr\xc3\xbc\xc3\x9f  x             last\n"
              "a     -             -\n");
}

TEST(Table, HasColoursOnlyWhenWanted) {
    Table table({"S"});
    table.add({{.text = "down", .tone = Tone::bad}});
    EXPECT_EQ(table.render(Colours::off), "S\ndown\n");
    EXPECT_EQ(table.render(Colours::on), "\x1b[2mS\x1b[0m\n\x1b[1;31mdown\x1b[0m\n");
}

TEST(Printable, ReplacesWhatATerminalWouldObey) {
    EXPECT_EQ(printable("a\x1b[31m\r\nb\x7f"), "a?[31m??b?");
    EXPECT_EQ(printable("\xc2\x9b"
                        "2J"),
              "?2J");
    EXPECT_EQ(printable("\xff"
                        "a\xc3"),
              "?a?");
    EXPECT_EQ(printable("\xe2\x82\xac \xf0\x9f\x90\x98"), "\xe2\x82\xac \xf0\x9f\x90\x98");
}

}  // namespace
}  // namespace muster::ctl
