#include "orchestrator/provider_set.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

namespace muster::orchestrator {
namespace {

config::NodeSettings with(const std::string& user) {
    config::NodeSettings settings;
    settings.providers.emplace("cloud",
                               config::ExecProviderSettings{.program = "/bin/true", .user = user});
    settings.providers.emplace("service", config::WebhookProviderSettings{.url = "http://s/"});
    return settings;
}

TEST(ProgramIdentities, OfRootAreNobodysUnlessTheSettingsSayWhose) {
    const auto unsaid = program_identities(with(""));
    ASSERT_TRUE(unsaid) << unsaid.error();
    ASSERT_EQ(unsaid->size(), 1U);
    EXPECT_EQ(unsaid->at("cloud").has_value(), geteuid() == 0);
    if (geteuid() == 0) {
        EXPECT_EQ(unsaid->at("cloud")->user, 65534U);
        const auto said = program_identities(with("daemon"));
        ASSERT_TRUE(said) << said.error();
        EXPECT_EQ(said->at("cloud")->user, 1U);
        EXPECT_FALSE(program_identities(with("root"))->at("cloud"));
    }
}

TEST(ProgramIdentities, MustExist) {
    EXPECT_EQ(program_identities(with("no-such-user")).error(),
              "providers.cloud: there is no user no-such-user");
}

}  // namespace
}  // namespace muster::orchestrator
