#pragma once

#include "checker/outcome.hpp"
#include "checker/prober.hpp"

#include <tl/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

// The lines that muster and a plug-in exchange: JSON objects, one a line (docs/plugin-protocol.md).
// Pure. What a plug-in says is hostile.
namespace muster::checker {

inline constexpr int plugin_protocol = 1;
inline constexpr std::size_t longest_plugin_line = 64UZ * 1024UZ;

struct PluginHello {
    int protocol = 0;
    int max_in_flight = 1;
    bool operator==(const PluginHello&) const = default;
};
struct PluginAnswer {
    std::uint64_t id = 0;
    ProbeOutcome outcome;
    bool operator==(const PluginAnswer&) const = default;
};

[[nodiscard]] std::string write_hello();
[[nodiscard]] std::string write_probe(std::uint64_t id,
                                      const ProbeRequest& request,
                                      const config::PluginCheck& check);
[[nodiscard]] std::string write_cancel(std::uint64_t id);

/// Without its line feed. What is wrong with it, in words, when it is neither.
[[nodiscard]] tl::expected<std::variant<PluginHello, PluginAnswer>, std::string> read_plugin_line(
    std::string_view line);

}  // namespace muster::checker
