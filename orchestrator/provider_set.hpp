#pragma once

#include "common/base/clock.hpp"
#include "common/config/node_settings.hpp"
#include "orchestrator/actuator.hpp"
#include "orchestrator/node.hpp"
#include "scaler/program_call.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster::orchestrator {

/// What a node's settings say of providers, as objects.
struct ProviderSet {
    LocalProviders local;  ///< that run LBs on this host: for the Actuator
    /// All, for the master: those that run LBs on hosts are asked through their nodes.
    std::map<std::string, std::shared_ptr<scaler::Provider>> asked;
};

/// Their names, sorted.
[[nodiscard]] std::vector<std::string> provider_names(const config::NodeSettings& settings);

/// `supervisor`: argv of `musterd run-machine`.
[[nodiscard]] ProviderSet make_providers(const config::NodeSettings& settings,
                                         const std::vector<std::string>& supervisor,
                                         const scaler::ProgramEffects& effects,
                                         Clock& clock,
                                         const Node& node);

}  // namespace muster::orchestrator
