#include "ctl/scale_policy.hpp"

#include "common/config/decode.hpp"
#include "scaler/spec_policy.hpp"

#include <fmt/format.h>

namespace muster::ctl {

tl::expected<FleetPolicy, std::string> read_policy(const NamedText& document,
                                                   const std::string& fleet) {
    const config::Decoded decoded = config::decode(document.text);
    std::string wrong;
    for (const config::Problem& problem : decoded.problems)
        wrong += fmt::format(
            "{}{}: {}", wrong.empty() ? "" : "\n", document.name, config::to_string(problem));
    if (!wrong.empty()) return tl::unexpected(wrong);
    const config::FleetSpec* found = nullptr;
    for (const config::FleetSpec& one : decoded.fleets) {
        if (!one.scaling || (!fleet.empty() && one.name.str() != fleet)) continue;
        if (found != nullptr)
            return tl::unexpected(fmt::format(
                "{}: several fleets have `scaling`: say which with --fleet", document.name));
        found = &one;
    }
    if (found == nullptr)
        return tl::unexpected(fmt::format("{}: there is no fleet{} with `scaling` in it",
                                          document.name,
                                          fleet.empty() ? "" : " " + fleet));
    return FleetPolicy{.fleet = found->name.str(),
                       .spec = *found->scaling,
                       .policy = scaler::policy_of(*found->scaling)};
}

}  // namespace muster::ctl
