#include "common/config/document.hpp"

#include "common/config/decode.hpp"
#include "common/config/problem_list.hpp"
#include "tests/config/random_groups.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace muster::config {
namespace {

std::vector<Node> read(std::string_view text) {
    ProblemList problems;
    std::vector<Node> documents = read_documents(text, {}, problems);
    for (const Problem& problem : problems.take())
        ADD_FAILURE() << to_string(problem) << "\n" << text;
    return documents;
}

std::string_view from(std::string_view text, Place place) {
    for (int line = 1; line < place.line; ++line) text.remove_prefix(text.find('\n') + 1);
    return text.substr(static_cast<std::size_t>(place.column - 1));
}

/// Every node's place is where its token begins.
void expect_places(const Node& node, std::string_view text) {
    const std::string_view token = from(text, node.place);
    switch (node.kind) {
        case Node::Kind::map:
            EXPECT_TRUE(token.starts_with('{')) << token;
            break;
        case Node::Kind::list:
            EXPECT_TRUE(token.starts_with('[')) << token;
            break;
        case Node::Kind::text:
            EXPECT_TRUE(token.starts_with('"')) << token;
            break;
        case Node::Kind::plain:
            EXPECT_TRUE(token.starts_with(node.text)) << token;
            break;
        case Node::Kind::null:
            EXPECT_TRUE(token.starts_with("null")) << token;
            break;
        case Node::Kind::refused:
            ADD_FAILURE();
    }
    for (const Node& item : node.items) expect_places(item, text);
}

TEST(Document, KnowsThePlaceOfEveryJsonValue) {
    std::mt19937_64 random(11);
    for (int i = 0; i < 200; ++i) {
        // Line breaks and spaces wherever JSON allows them outside of texts.
        const std::string dense = boost::json::serialize(encode(random_group(random)));
        std::string text;
        bool quoted = false;
        for (std::size_t at = 0; at < dense.size(); ++at) {
            const char c = dense[at];
            const bool breakable = !quoted && std::string_view("{}[],:").contains(c);
            if (breakable && random() % 3 == 0) text += random() % 2 == 0 ? "\n " : "\t";
            text += c;
            if (breakable && random() % 3 == 0) text += random() % 2 == 0 ? "\r\n" : "  ";
            if (quoted && c == '\\') text += dense[++at];
            if (c == '"') quoted = !quoted;
        }
        expect_places(read(text).at(0), text);
    }
}

TEST(Document, KnowsThePlaceOfYamlValues) {
    const std::vector<Node> documents =
        read("# a\na: 1\nb:\n  - x\n  -   'y'\n---\nc:\nd: {e: f}\n");
    ASSERT_EQ(documents.size(), 2U);
    const auto place = [](const Node& node) {
        return std::pair(node.place.line, node.place.column);
    };
    const Node& first = documents[0];
    EXPECT_EQ(place(first.items[0]), std::pair(2, 1));
    EXPECT_EQ(place(first.items[1]), std::pair(2, 4));
    EXPECT_EQ(place(first.items[3].items[1]), std::pair(5, 7));
    const Node& second = documents[1];
    EXPECT_EQ(second.items[1].kind, Node::Kind::null);
    EXPECT_EQ(place(second.items[1]), std::pair(7, 1)) << "a field without a value: its key";
    EXPECT_EQ(place(second.items[3].items[1]), std::pair(8, 8));
}

TEST(Document, KeepsScalarsAsTheyAreWritten) {
    const Node map =
        read("{\"a\": 0.10, \"b\": 1e400, \"c\": -0, \"d\": 12345678901234567890123}").at(0);
    EXPECT_EQ(map.items[1].text, "0.10");
    EXPECT_EQ(map.items[3].text, "1e400");
    EXPECT_EQ(map.items[5].text, "-0");
    EXPECT_EQ(map.items[7].text, "12345678901234567890123");
    const Node yaml = read("a: 010\nb: No\nc: 'No'\nd: ~\n").at(0);
    EXPECT_EQ(yaml.items[1].text, "010");
    EXPECT_EQ(yaml.items[3].kind, Node::Kind::plain);
    EXPECT_EQ(yaml.items[5].kind, Node::Kind::text);
    EXPECT_EQ(yaml.items[7].kind, Node::Kind::null);
}

}  // namespace
}  // namespace muster::config
