#pragma once

#include "checker/command_prober.hpp"
#include "checker/network_prober.hpp"
#include "checker/plugin_process.hpp"
#include "checker/prober.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster::checker {

/// What the parts of an LB's own check have found. Called on the probers' threads.
using OnLb = std::function<void(const ProbeRequest&, const std::vector<ProbeOutcome>&)>;

struct ProberSetSettings {
    NetworkProberSettings network;
    CommandSettings commands;
    CustomPrograms plugins;
    PluginSettings plugin;
    OnLb on_lb;
};

/// What a node with these announces as its probes: the kinds of this build, and its own commands
/// and plug-ins as "command/NAME" and "plugin/NAME".
[[nodiscard]] std::vector<std::string> announced_probes(const CustomPrograms& commands,
                                                        const CustomPrograms& plugins);

/// Every kind of probe: those over the network, registered commands and plug-ins, compiled-in ones
/// (compiled_probe.hpp), and composites of all of these. Executor: the one given.
class ProberSet final : public Prober {
 public:
    ProberSet(asio::any_io_executor executor, Clock& clock, ProberSetSettings settings);
    ~ProberSet() override;

    void start(std::shared_ptr<const ProbeRequest> request, Done done) override;
    void stop() override;

 private:
    struct Composite;
    void start_composite(const std::shared_ptr<const ProbeRequest>& request, Done done);
    void start_plugin(std::shared_ptr<const ProbeRequest> request, Done done);

    asio::any_io_executor executor_;
    Clock& clock_;
    ProberSetSettings settings_;
    NetworkProber network_;
    CommandProber commands_;
    std::map<std::string, std::unique_ptr<PluginProcess>> plugins_;
};

/// The outcome of a composite by those of its parts, of which `need` must succeed (0 = all):
/// - enough do: success, or degraded when one of these is degraded;
/// - enough can't any more, whatever the inconclusive ones are: the first failure;
/// - else the first inconclusive one. Phases are those of the part that decides. Pure.
[[nodiscard]] ProbeOutcome outcome_of_parts(const std::vector<ProbeOutcome>& parts,
                                            const std::vector<std::string>& names,
                                            int need);

}  // namespace muster::checker
