#include "common/config/decode.hpp"
#include "tests/config/case_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace muster::config {
namespace {

using testing::HasSubstr;

const std::filesystem::path corpus = CONFIG_CORPUS;

class BadInput : public testing::TestWithParam<Case> {};

TEST_P(BadInput, IsRefusedAtItsPlaceWithWhatWouldBeRight) {
    const Case& wanted = GetParam();
    const Decoded decoded = decode(wanted.text);
    std::string said;
    for (const Problem& problem : decoded.problems) said += to_string(problem) + "\n";
    ASSERT_EQ(decoded.problems.size(), wanted.problems.size()) << said;
    for (std::size_t i = 0; i < wanted.problems.size(); ++i) {
        EXPECT_EQ(decoded.problems[i].path, wanted.problems[i].path) << said;
        EXPECT_EQ(decoded.problems[i].line, wanted.problems[i].line) << said;
        EXPECT_THAT(decoded.problems[i].what, HasSubstr(wanted.problems[i].fragment));
    }
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
    std::string name;
    for (const char c : info.param.name)
        name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    return name;
}

INSTANTIATE_TEST_SUITE_P(Corpus,
                         BadInput,
                         testing::ValuesIn(read_cases(corpus / "bad")),
                         test_name);

TEST(Corpus, HoldsAtLeast150BadInputsOfWhichNoTwoAreEqual) {
    const std::vector<Case> cases = read_cases(corpus / "bad");
    std::set<std::string> texts;
    for (const Case& each : cases) EXPECT_TRUE(texts.insert(each.text).second) << each.name;
    EXPECT_GE(cases.size(), 150U);
}

TEST(Corpus, GoodDocumentsAreReadWithoutAProblem) {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus / "good")) {
        const Decoded decoded = decode(read_file(entry.path()));
        for (const Problem& problem : decoded.problems)
            ADD_FAILURE() << entry.path() << ": " << to_string(problem);
        EXPECT_FALSE(decoded.groups.empty() && decoded.fleets.empty()) << entry.path();
        ++files;
    }
    EXPECT_GE(files, 8);
}

}  // namespace
}  // namespace muster::config
