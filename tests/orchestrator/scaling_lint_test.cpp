#include "orchestrator/scaling_lint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::orchestrator {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

config::FleetSpec fleet() {
    config::FleetSpec spec{.name = FleetName("edge")};
    spec.provider = config::FleetProvider{.name = "local"};
    spec.scaling = config::ScalingSpec{.min = 2, .max = 2};
    return spec;
}

follow::ClusterView view_with(std::vector<std::string> providers) {
    follow::ClusterView view;
    view.members[NodeId("n1")] = {
        .value = {.node = NodeId("n1"), .providers = std::move(providers)}};
    return view;
}

TEST(ScalingLint, RefusesAProviderThatNoNodeOffers) {
    EXPECT_THAT(lint_scaling(fleet(), view_with({"local"})).refusals, IsEmpty());
    EXPECT_THAT(lint_scaling(fleet(), view_with({"loca"})).refusals,
                Contains(HasSubstr("spec.provider.name")));
}

TEST(ScalingLint, RefusesATimeZoneThatThereIsNot) {
    config::FleetSpec spec = fleet();
    spec.scaling->max = 8;
    spec.scaling->metrics = {
        {.name = "office",
         .rule = config::ScheduleRule{.time_zone = "Europe/Berlln",
                                      .entries = {{.start = "0 8 * * *", .size = 3}}}}};
    EXPECT_THAT(lint_scaling(spec, view_with({"local"})).refusals, Contains(HasSubstr("Berlln")));
}

TEST(ScalingLint, AFleetThatIsTakenDownHasNoNamesAnyMore) {
    config::FleetSpec spec = fleet();
    spec.scaling->min = spec.scaling->max = 0;
    spec.dns = {{.name = "api.example.org"}};
    EXPECT_THAT(lint_scaling(spec, view_with({"local"})).refusals,
                Contains(HasSubstr("spec.scaling.max: is 0, and no name is ever emptied")));
    spec.dns.clear();
    EXPECT_EQ(lint_scaling(spec, view_with({"local"})), ScalingLint{});
}

TEST(ScalingLint, SaysNothingOfFleetsThatAreNotScaled) {
    EXPECT_EQ(lint_scaling({.name = FleetName("edge")}, {}), ScalingLint{});
}

}  // namespace
}  // namespace muster::orchestrator
