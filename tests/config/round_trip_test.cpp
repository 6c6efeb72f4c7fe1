#include "common/config/decode.hpp"
#include "common/config/yaml_text.hpp"
#include "tests/config/random_fleets.hpp"
#include "tests/config/random_groups.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <string>

namespace muster::config {
namespace {

namespace json = boost::json;

void expect_group(const Decoded& decoded, const GroupSpec& group, const std::string& text) {
    for (const Problem& problem : decoded.problems)
        ADD_FAILURE() << to_string(problem) << "\n" << text;
    ASSERT_EQ(decoded.groups.size(), 1U) << text;
    EXPECT_EQ(decoded.groups[0], group) << text;
}

TEST(RoundTrip, OfRandomGroupsThroughJsonYamlAndParts) {
    std::mt19937_64 random(20260131);
    for (int i = 0; i < 500 && !testing::Test::HasFailure(); ++i) {
        const GroupSpec group = random_group(random);
        const std::string text = json::serialize(encode(group));
        expect_group(decode(text), group, text);
        const std::string full = json::serialize(encode(group, Verbosity::full));
        expect_group(decode(full), group, full);
        const std::string yaml = encode_yaml(group);
        expect_group(decode(yaml), group, yaml);
        const std::string full_yaml = to_yaml(encode(group, Verbosity::full));
        expect_group(decode(full_yaml), group, full_yaml);

        const auto middle = group.backends.begin() + group.backends.size() / 2;
        const DecodedParts parts = decode_parts(group.name,
                                                encode_spec_without_backends(group),
                                                {encode_backends({group.backends.begin(), middle}),
                                                 encode_backends({middle, group.backends.end()})});
        EXPECT_TRUE(parts.problems.empty()) << to_string(parts.problems.front());
        EXPECT_EQ(parts.group, group) << text;
    }
}

TEST(RoundTrip, GivesEqualBytesForEqualGroups) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 100; ++i) {
        const GroupSpec group = random_group(random);
        const std::string text = json::serialize(encode(group));
        EXPECT_EQ(json::serialize(encode(decode(text).groups.at(0))), text);
        const std::string yaml = encode_yaml(group);
        EXPECT_EQ(encode_yaml(decode(yaml).groups.at(0)), yaml);
    }
}

TEST(RoundTrip, OfRandomFleetsThroughJsonYamlAndTheirZnode) {
    std::mt19937_64 random(20260201);
    for (int i = 0; i < 500 && !testing::Test::HasFailure(); ++i) {
        const FleetSpec fleet = random_fleet(random);
        for (const std::string& text : {json::serialize(encode(fleet)),
                                        json::serialize(encode(fleet, Verbosity::full)),
                                        encode_yaml(fleet),
                                        to_yaml(encode(fleet, Verbosity::full))}) {
            const Decoded decoded = decode(text);
            for (const Problem& problem : decoded.problems)
                ADD_FAILURE() << to_string(problem) << "\n" << text;
            EXPECT_EQ(decoded.fleets, std::vector{fleet}) << text;
            EXPECT_TRUE(decoded.groups.empty());
        }
        const DecodedFleet stored = decode_fleet(fleet.name, encode_spec(fleet));
        EXPECT_TRUE(stored.problems.empty()) << to_string(stored.problems.front());
        EXPECT_EQ(stored.fleet, fleet);
    }
}

TEST(RoundTrip, OfSeveralYamlDocuments) {
    std::mt19937_64 random(8);
    GroupSpec first = random_group(random);
    GroupSpec second = random_group(random);
    first.name = GroupName("a");
    second.name = GroupName("b");
    const FleetSpec fleet = random_fleet(random);
    const Decoded decoded =
        decode(encode_yaml(first) + "---\n" + encode_yaml(fleet) + "---\n" + encode_yaml(second));
    EXPECT_TRUE(decoded.problems.empty());
    EXPECT_EQ(decoded.fleets, std::vector{fleet});
    EXPECT_EQ(decoded.groups, (std::vector<GroupSpec>{first, second}));
}

}  // namespace
}  // namespace muster::config
