#pragma once

#include "common/base/clock.hpp"
#include "common/base/subprocess.hpp"
#include "common/config/node_settings.hpp"
#include "orchestrator/actuator.hpp"
#include "orchestrator/node.hpp"
#include "scaler/program_call.hpp"

#include <tl/expected.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// What a node's settings say of providers, as objects.
struct ProviderSet {
    LocalProviders local;  ///< that run LBs on this host: for the Actuator
    /// All, for the master: those that run LBs on hosts are asked through their nodes.
    std::map<std::string, std::shared_ptr<scaler::Provider>> asked;
};

/// As whom the programs of `exec` run, by provider.
using ProgramIdentities = std::map<std::string, std::optional<ProcessIdentity>>;

/// The error is "providers.NAME: what is wrong".
[[nodiscard]] tl::expected<ProgramIdentities, std::string> program_identities(
    const config::NodeSettings& settings);

/// Their names, sorted.
[[nodiscard]] std::vector<std::string> provider_names(const config::NodeSettings& settings);

/// `supervisor`: argv of `musterd run-machine`.
[[nodiscard]] ProviderSet make_providers(const config::NodeSettings& settings,
                                         const std::vector<std::string>& supervisor,
                                         const scaler::ProgramEffects& effects,
                                         const ProgramIdentities& identities,
                                         Clock& clock,
                                         const Node& node);

}  // namespace muster::orchestrator
