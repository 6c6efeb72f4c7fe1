#include "agent/last_good.hpp"

#include "common/base/files.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace muster::agent {
namespace {

const LastGood some{
    .nodes = {{"/muster/main/control", "{}"}, {"/muster/main/x", "\"\n\\ \xc3\xa4"}},
    .panicking = {GroupName("web")},
    .applied = {{GroupName("web"), 7}}};

TEST(LastGoodFile, ReadsWhatItWrote) {
    EXPECT_EQ(decode_last_good(encode(some)).value(), some);
    EXPECT_EQ(decode_last_good(encode(LastGood{})).value(), LastGood{});
}

TEST(LastGoodFile, RefusesWhateverIsNotWhole) {
    const std::string whole = encode(some);
    for (std::size_t size = 0; size < whole.size(); ++size)
        ASSERT_FALSE(decode_last_good(whole.substr(0, size))) << size;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        ASSERT_FALSE(decode_last_good(changed)) << i;
    }
    EXPECT_FALSE(decode_last_good(whole + "more"));
    EXPECT_FALSE(decode_last_good(whole + whole));
}

TEST(LastGoodFile, StaysAsItWasWhenItCannotBeReplaced) {
    const test::TempDir directory;
    const std::string path = (directory.path() / "file").string();
    ASSERT_TRUE(replace_file(path, "first"));
    ASSERT_TRUE(replace_file(path, "second"));
    EXPECT_EQ(read_file(path).value(), "second");
    std::filesystem::create_directory(path + ".new");
    const Result<void> refused = replace_file(path, "third");
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), testing::HasSubstr(path));
    EXPECT_EQ(read_file(path).value(), "second");
}

}  // namespace
}  // namespace muster::agent
