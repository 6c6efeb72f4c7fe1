#include "orchestrator/provider_set.hpp"

#include "common/base/process_identity.hpp"
#include "orchestrator/hosts_provider.hpp"
#include "scaler/exec_provider.hpp"
#include "scaler/process_provider.hpp"
#include "scaler/systemd_provider.hpp"
#include "scaler/webhook_provider.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <string_view>
#include <utility>
#include <variant>

namespace muster::orchestrator {

namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

int signal_of(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, int>, 6> signals{{{"TERM", SIGTERM},
                                                                       {"INT", SIGINT},
                                                                       {"QUIT", SIGQUIT},
                                                                       {"USR1", SIGUSR1},
                                                                       {"USR2", SIGUSR2},
                                                                       {"HUP", SIGHUP}}};
    for (const auto& [known, number] : signals) {
        if (known == name) return number;
    }
    return SIGTERM;
}

scaler::MachineTemplates templates_of(const config::ProcessProviderSettings& settings,
                                      const std::string& cluster,
                                      const NodeId& host) {
    scaler::MachineTemplates machines{
        .cluster = cluster,
        .host = host,
        .directory = settings.directory,
        .addresses = settings.addresses,
        .address = settings.address,
        .answers_at = settings.answers_at,
        .first_port = settings.first_port,
        .last_port = settings.last_port,
        .max_machines = static_cast<std::size_t>(settings.max_machines)};
    for (const config::TemplateFileSettings& file : settings.files)
        machines.files.push_back({.from = file.from, .to = file.to});
    for (const config::ProgramTemplateSettings& program : settings.programs)
        machines.programs.push_back(
            {.name = program.name,
             .argv = program.command,
             .stop_signal = signal_of(program.stop_signal),
             .wait_for = program.wait_for.empty() ? "" : "${dir}/" + program.wait_for});
    return machines;
}

/// Makes one provider of its settings.
struct Maker {
    Clock& clock;
    const NodeId& host;
    const std::string& cluster;
    const std::string& state_dir;
    const std::string& name;
    const std::vector<std::string>& supervisor;
    const scaler::ProgramEffects& effects;
    const ProgramIdentities& identities;

    std::shared_ptr<scaler::Provider> operator()(
        const config::ProcessProviderSettings& settings) const {
        return std::make_shared<scaler::ProcessProvider>(
            clock,
            scaler::ProcessProviderSettings{
                .machines = templates_of(settings, cluster, host),
                .supervisor = supervisor,
                .start_limit = duration_cast<std::chrono::milliseconds>(settings.start_timeout),
                .effects = effects});
    }
    std::shared_ptr<scaler::Provider> operator()(
        const config::SystemdProviderSettings& settings) const {
        return std::make_shared<scaler::SystemdProvider>(
            clock,
            scaler::SystemdProviderSettings{
                .machines = {.cluster = cluster,
                             .host = host,
                             .directory = state_dir + "/providers/" + name},
                .unit = settings.unit.substr(0, settings.unit.find("@.service")),
                .effects = effects});
    }
    std::shared_ptr<scaler::Provider> operator()(
        const config::ExecProviderSettings& settings) const {
        scaler::ExecProviderSettings exec{
            .cluster = cluster,
            .program = settings.program,
            .arguments = settings.arguments,
            .identity = identities.at(name),
            .memory_bytes = static_cast<std::size_t>(settings.memory_mib) << 20U,
            .cpu_seconds = settings.cpu_seconds,
            .timeout = duration_cast<seconds>(settings.timeout),
            .fences = settings.fences,
            .places = settings.places,
            .effects = effects};
        for (const auto& [variable, value] : settings.environment)
            exec.environment.push_back(variable + "=" + value);
        return std::make_shared<scaler::ExecProvider>(clock, std::move(exec));
    }
    std::shared_ptr<scaler::Provider> operator()(
        const config::WebhookProviderSettings& settings) const {
        return std::make_shared<scaler::WebhookProvider>(
            clock,
            scaler::WebhookProviderSettings{.cluster = cluster,
                                            .url = settings.url,
                                            .token_file = settings.token_file,
                                            .tls = settings.tls,
                                            .timeout = duration_cast<seconds>(settings.timeout),
                                            .fences = settings.fences,
                                            .places = settings.places});
    }
};

bool is_local(const config::ProviderSettings& settings) {
    return std::holds_alternative<config::ProcessProviderSettings>(settings) ||
           std::holds_alternative<config::SystemdProviderSettings>(settings);
}

}  // namespace

tl::expected<ProgramIdentities, std::string> program_identities(
    const config::NodeSettings& settings) {
    ProgramIdentities all;
    for (const auto& [name, provider] : settings.providers) {
        const auto* const exec = std::get_if<config::ExecProviderSettings>(&provider);
        if (exec == nullptr) continue;
        auto identity = identity_of(exec->user);
        if (!identity) return tl::unexpected("providers." + name + ": " + identity.error());
        all.emplace(name, *identity);
    }
    return all;
}

std::vector<std::string> provider_names(const config::NodeSettings& settings) {
    std::vector<std::string> names;
    for (const auto& [name, provider] : settings.providers) names.push_back(name);
    return names;
}

ProviderSet make_providers(const config::NodeSettings& settings,
                           const std::vector<std::string>& supervisor,
                           const scaler::ProgramEffects& effects,
                           const ProgramIdentities& identities,
                           Clock& clock,
                           const Node& node) {
    ProviderSet set;
    for (const auto& [name, provider] : settings.providers) {
        const Maker maker{clock,
                          settings.node,
                          settings.cluster,
                          settings.state_dir,
                          name,
                          supervisor,
                          effects,
                          identities};
        std::shared_ptr<scaler::Provider> made = std::visit(maker, provider);
        if (is_local(provider)) {
            set.local.emplace(name, std::move(made));
            set.asked.emplace(name, std::make_shared<HostsProvider>(clock, node, name));
        } else {
            set.asked.emplace(name, std::move(made));
        }
    }
    return set;
}

}  // namespace muster::orchestrator
