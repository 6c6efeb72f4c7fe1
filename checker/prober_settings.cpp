#include "checker/prober_settings.hpp"

#include <utility>

namespace muster::checker {

tl::expected<ProberSetSettings, std::string> prober_settings(const config::NodeSettings& node) {
    ProberSetSettings settings{
        .network = {.tls_dir = node.tls_dir, .secrets_dir = node.secrets_dir},
        .commands = {.max_processes = static_cast<std::size_t>(node.max_commands)}};
    auto commands = resolve_programs(node.commands);
    if (!commands) return tl::unexpected("commands." + commands.error());
    auto plugins = resolve_programs(node.plugins);
    if (!plugins) return tl::unexpected("plugins." + plugins.error());
    settings.commands.programs = std::move(*commands);
    settings.plugins = std::move(*plugins);
    return settings;
}

}  // namespace muster::checker
