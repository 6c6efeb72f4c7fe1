#include "common/http/event_parser.hpp"

#include "common/http/client.hpp"

#include <gmock/gmock.h>

#include <utility>
#include <vector>

namespace muster::http {
namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

Events parse(std::string_view text, std::size_t piece) {
    EventParser parser(1000);
    Events events;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        const auto fed =
            parser.feed(text.substr(at, piece), [&](std::string_view event, std::string_view data) {
                events.emplace_back(event, data);
            });
        EXPECT_TRUE(fed);
    }
    return events;
}

TEST(EventParser, ReadsEventsInAnyPiecesAndWithAnyLineEnd) {
    const std::string_view text =
        ": comment\r\n\r\nevent: view\r\ndata: {\"a\":1}\r\nid: 7\r\n\r\n"
        "data:one\ndata: two\ndata\n\nevent: empty\n\ndata: x: y\r\rdata:  two spaces\n\ndata: cut";
    const Events expected = {{"view", "{\"a\":1}"},
                             {"message", "one\ntwo\n"},
                             {"message", "x: y"},
                             {"message", " two spaces"}};
    for (const std::size_t piece : {text.size(), 5UZ, 2UZ, 1UZ}) {
        EXPECT_EQ(parse(text, piece), expected) << "in pieces of " << piece;
    }
}

TEST(EventParser, CountsLinesForTheSignOfLife) {
    EventParser parser(1000);
    ASSERT_TRUE(parser.feed(": still", [](auto, auto) {}));
    EXPECT_EQ(parser.lines(), 0U);
    ASSERT_TRUE(parser.feed(" here\n", [](auto, auto) {}));
    EXPECT_EQ(parser.lines(), 1U);
}

TEST(EventParser, RefusesALineOrAnEventOverTheLimit) {
    EventParser line(1000);
    EXPECT_FALSE(line.feed(std::string(1001, 'x'), [](auto, auto) {}));
    EventParser event(1000);
    const std::string piece = "data: " + std::string(300, 'x') + "\n";
    ASSERT_TRUE(event.feed(piece + piece, [](auto, auto) {}));
    const auto fed = event.feed(piece + piece, [](auto, auto) {});
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().code, Errc::bad_reply);
}

}  // namespace
}  // namespace muster::http
