// The bounds on size that a table of texts can't show.

#include "common/config/decode.hpp"
#include "common/config/document.hpp"
#include "common/config/problem_list.hpp"
#include "common/config/schema.hpp"
#include "tests/config/case_file.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace muster::config {
namespace {

GroupSpec group_of(int backends) {
    GroupSpec group{.name = GroupName("web")};
    for (int i = 0; i < backends; ++i) {
        const std::string address = fmt::format("10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255);
        group.backends.push_back(
            {.id = BackendId(address + ":80"), .address = address, .port = 80});
    }
    std::ranges::sort(group.backends, {}, &Backend::id);
    return group;
}

std::vector<std::string> said(const std::vector<Problem>& problems) {
    std::vector<std::string> texts;
    for (const Problem& problem : problems) texts.push_back(to_string(problem));
    return texts;
}

using Texts = std::vector<std::string>;

TEST(Limits, OnBytes) {
    const std::string text = "kind: Group\nname: web\nspec: {backends: []}\n";
    EXPECT_TRUE(decode(text, {.document_bytes = text.size()}).problems.empty());
    EXPECT_EQ(said(decode(text, {.document_bytes = text.size() - 1}).problems),
              Texts{fmt::format(
                  "the text has {} bytes; at most {} are read", text.size(), text.size() - 1)});
}

TEST(Limits, OnDocuments) {
    std::string text;
    for (int i = 0; i < 3; ++i)
        text += fmt::format("---\nkind: Group\nname: g{}\nspec: {{backends: []}}\n", i);
    EXPECT_TRUE(decode(text, {.documents = 3}).problems.empty());
    EXPECT_EQ(said(decode(text, {.documents = 2}).problems),
              Texts{"line 10, column 1: is one document too many; at most 2 are read at once"});
    EXPECT_EQ(said(decode(R"({"a": {"backend_servers": []}, "b": {"backend_servers": []}})",
                          {.documents = 1})
                       .problems),
              Texts{"line 1, column 1: has 2 entries; at most 1 are read"});
}

TEST(Limits, OnBackends) {
    const std::string text = boost::json::serialize(encode(group_of(4)));
    EXPECT_TRUE(decode(text, {.backends = 4}).problems.empty());
    EXPECT_EQ(said(decode(text, {.backends = 3}).problems),
              Texts{"line 1, column 49: spec.backends: has 4 elements; at most 3 are read"});
}

TEST(Limits, OnBackendsOfAllPartsTogether) {
    const boost::json::value list = encode_backends(group_of(60'000).backends);
    const DecodedParts parts = decode_parts(GroupName("web"), boost::json::object(), {list, list});
    EXPECT_EQ(said(parts.problems),
              Texts{"spec.backends: has 120000 elements; at most 100000 are read"});
}

TEST(Limits, OnValues) {
    for (const std::string text : {"[1, {\"a\": 2}]", "- 1\n- a: 2\n"}) {
        for (const std::size_t values : {5UZ, 4UZ}) {
            ProblemList problems;
            const auto documents = read_documents(text, {.values = values}, problems);
            EXPECT_EQ(documents.size(), values == 5 ? 1U : 0U) << text;
            const Texts expected =
                values == 5 ? Texts{} : Texts{"the text holds more than 4 values"};
            Texts whats;
            for (const Problem& problem : problems.take()) whats.push_back(problem.what);
            EXPECT_EQ(whats, expected) << text;
        }
    }
}

TEST(Limits, OnProblems) {
    std::string text = "kind: Group\nname: web\nspec:\n  backends:\n";
    for (int i = 0; i < 1'000; ++i) text += "  - &a x\n";
    const Decoded decoded = decode(text);
    ASSERT_EQ(decoded.problems.size(), 101U);
    EXPECT_EQ(decoded.problems.back().what, "and 1900 more problems, not listed");
}

TEST(Limits, LeaveRoomForAGroupOf100000Backends) {
    const GroupSpec group = group_of(100'000);
    const Decoded decoded = decode(boost::json::serialize(encode(group)));
    EXPECT_EQ(said(decoded.problems), Texts{});
    ASSERT_EQ(decoded.groups.size(), 1U);
    EXPECT_EQ(decoded.groups[0], group);
}

TEST(Limits, OnBytesOfAFleet) {
    FleetSpec fleet{.name = FleetName("edge")};
    for (int i = 0; i < 2; ++i) {
        Listener& listener = fleet.listeners.emplace_back(
            Listener{.name = fmt::format("l{}", i), .port = static_cast<std::uint16_t>(80 + i)});
        for (int j = 0; j < 200; ++j)
            listener.routes.push_back({.path = fmt::format("/{}/{}", j, std::string(200, 'x')),
                                       .group = GroupName("web")});
    }
    const auto problems = [&] {
        return said(decode_fleet(fleet.name, encode_spec(fleet)).problems);
    };
    const std::size_t bytes = boost::json::serialize(encode_spec(fleet)).size();
    EXPECT_EQ(problems(), Texts{fmt::format("spec: takes {} bytes; must be at most 65536", bytes)});
    fleet.listeners.pop_back();
    EXPECT_EQ(problems(), Texts{});
}

TEST(Fleets, AsStoredAreHeldToTheSameRules) {
    using boost::json::array;
    using boost::json::object;
    const FleetName name("edge");
    EXPECT_EQ(said(decode_fleet(name, array()).problems),
              Texts{"spec: is a list; must be a map of listeners, instances, health, dns, "
                    "provider, scaling"});
    EXPECT_EQ(said(decode_fleet(name, object{{"listeners", array()}}).problems),
              Texts{"spec.listeners: is an empty list; must have at least one listener"});
    const object listener{{"name", "web"}, {"bind", ":80"}, {"group", "web"}};
    EXPECT_EQ(said(decode_fleet(FleetName("a/b"), object{{"listeners", array{listener}}}).problems),
              Texts{"name: is not a fleet name; must be 1 to 128 of A-Z a-z 0-9 . _ - and begin "
                    "with a letter or digit"});
}

TEST(Parts, RefuseWhatIsNoPartOfAGroup) {
    using boost::json::array;
    using boost::json::object;
    const GroupName name("web");
    EXPECT_EQ(
        said(decode_parts(name, array(), {}).problems),
        Texts{"spec: is a list; must be a map of backends, check, lb, max_eject_percent, panic, "
              "shard_size, outlier"});
    EXPECT_EQ(said(decode_parts(name, object(), {object()}).problems),
              Texts{"spec.backends: has a part that is not a list of backends"});
    EXPECT_EQ(said(decode_parts(name, object({{"rise", 3}}), {}).problems),
              Texts{"spec.rise: is not a field here; there are backends, check, lb, "
                    "max_eject_percent, panic, shard_size, outlier"});
    EXPECT_EQ(said(decode_parts(name, object({{"shard_size", 16.0}}), {}).problems),
              Texts{"spec.shard_size: is 1.600000e+01; must be a whole number from 1 to 1024"});
    EXPECT_EQ(
        said(decode_parts(GroupName("a/b"), object(), {}).problems),
        Texts{"name: is not a group name; must be 1 to 128 of A-Z a-z 0-9 . _ - and begin with "
              "a letter or digit"});
}

TEST(Schemas, AreThePublishedFiles) {
    const std::filesystem::path folder = CONFIG_SCHEMAS;
    EXPECT_EQ(group_schema(), read_file(folder / "group.schema.json"));
    EXPECT_EQ(fleet_schema(), read_file(folder / "fleet.schema.json"));
}

}  // namespace
}  // namespace muster::config
