#include "ctl/secrets.hpp"

#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace muster::ctl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Secrets, AreMadeOnceAndForTheirOwnerOnly) {
    const test::TempDir dir;
    const fs::path path = dir / "secrets";
    const auto first = load_or_make_secrets(path);
    ASSERT_TRUE(first) << first.error().message();
    EXPECT_EQ(fs::status(path).permissions(), fs::perms(0700));
    int files = 0;
    for (const auto& file : fs::directory_iterator(path)) {
        EXPECT_EQ(file.status().permissions(), fs::perms(0600)) << file.path();
        ++files;
    }
    EXPECT_EQ(files, 5);
    EXPECT_GE(first->users.node.password.size(), 32U);
    EXPECT_NE(first->users.node.password, first->users.agent.password);

    const auto again = load_or_make_secrets(path);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->users.node.password, first->users.node.password);
    EXPECT_EQ(again->cluster_uuid, first->cluster_uuid);
}

TEST(Secrets, ThatOthersMayReadAreRefused) {
    const test::TempDir dir;
    const fs::path path = dir / "secrets";
    ASSERT_TRUE(load_or_make_secrets(path));
    fs::permissions(path / "agent.auth", fs::perms(0640));
    const auto loaded = load_or_make_secrets(path);
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().message(), HasSubstr("agent.auth can be read by others"));
}

TEST(Secrets, ThatHoldSomethingElseAreRefused) {
    const test::TempDir dir;
    const fs::path path = dir / "secrets";
    ASSERT_TRUE(load_or_make_secrets(path));
    for (const std::string text : {"", "no colon", ":", "user:", ":password"}) {
        dir.write("secrets/node.auth", text);
        fs::permissions(path / "node.auth", fs::perms(0600));
        EXPECT_FALSE(load_or_make_secrets(path)) << text;
    }
}

TEST(Secrets, SayWhereTheyCannotBe) {
    const auto made = load_or_make_secrets("/nonexistent/secrets");
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message(), HasSubstr("/nonexistent/secrets"));
}

}  // namespace
}  // namespace muster::ctl
