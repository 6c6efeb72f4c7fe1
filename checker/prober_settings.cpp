#include "checker/prober_settings.hpp"

#include "checker/compiled_probe.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <fmt/format.h>

#include <utility>

namespace muster::checker {

EngineSettings engine_settings(const config::NodeSettings& node) {
    return {.max_running = static_cast<std::size_t>(node.max_probes),
            .max_starts_per_second = node.max_probes_per_second,
            .max_handshakes_per_second = node.max_handshakes_per_second};
}

tl::expected<ProberSetSettings, std::string> prober_settings(const config::NodeSettings& node) {
    ProberSetSettings settings{
        .network = {.tls_dir = node.tls_dir, .secrets_dir = node.secrets_dir},
        .commands = {.max_processes = static_cast<std::size_t>(node.max_commands)}};
    auto commands = resolve_programs(node.commands);
    if (!commands) return tl::unexpected("commands." + commands.error());
    auto plugins = resolve_programs(node.plugins);
    if (!plugins) return tl::unexpected("plugins." + plugins.error());
    for (const auto& [name, plugin] : *plugins) {
        if (find_compiled_probe(name) != nullptr)
            return tl::unexpected("plugins." + name +
                                  ": is the name of a probe that is compiled in");
    }
    settings.commands.programs = std::move(*commands);
    settings.plugins = std::move(*plugins);
    for (const std::string& text : node.source_addresses) {
        const auto address = asio::ip::make_address(text);
        // To bind is the way to ask whether it is one of this machine's.
        asio::io_context nobody;
        asio::ip::udp::socket socket(nobody);
        boost::system::error_code error;
        socket.open(address.is_v4() ? asio::ip::udp::v4() : asio::ip::udp::v6(), error);
        if (!error) socket.bind({address, 0}, error);
        if (error) {
            return tl::unexpected(fmt::format(
                "source_addresses: {} is none of this machine's ({})", text, error.message()));
        }
        settings.network.source_addresses.push_back(address);
    }
    return settings;
}

}  // namespace muster::checker
