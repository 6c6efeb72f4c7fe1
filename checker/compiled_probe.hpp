#pragma once

#include "checker/dialogue.hpp"
#include "checker/probe_socket.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// Probes of your own, compiled in: implement `Dialogue` (dialogue.hpp), register it with one line
// at namespace scope, and link the file into a musterd of your own (examples/compiled_in). Checks
// name it as they name a plug-in, `plugin: {name: NAME, settings: {...}}`, and the master gives
// such checks only to nodes that have it.
namespace muster::checker {

/// What a dialogue is made for. Outlives it.
struct CompiledProbeInput {
    std::string host;
    std::uint16_t port = 0;
    std::string settings;  ///< JSON, as the check has it; empty = it has none
};

struct CompiledProbe {
    Transport transport = Transport::stream;
    /// One object a probe, on the thread of its prober. Null: nothing can be made of the settings.
    std::function<std::unique_ptr<Dialogue>(const CompiledProbeInput& input)> make;
};

/// Registers on construction, before main(). The last one of a name wins.
class RegisterProbe {
 public:
    RegisterProbe(std::string name, CompiledProbe probe);
};

/// Null: there is none of that name. Any thread, once main() runs.
[[nodiscard]] const CompiledProbe* find_compiled_probe(const std::string& name);
/// The names of all.
[[nodiscard]] std::vector<std::string> compiled_probes();

/// A dialogue of the probe, held to the contract of Dialogue: what it throws, and more than
/// `longest_output` at once, make its probe inconclusive (prober_custom), and nothing else.
/// Null: see CompiledProbe::make.
[[nodiscard]] std::unique_ptr<Dialogue> make_guarded(const CompiledProbe& probe,
                                                     CompiledProbeInput input);
inline constexpr std::size_t longest_output = 64UZ * 1024UZ;

}  // namespace muster::checker
