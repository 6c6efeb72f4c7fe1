#include "common/config/model.hpp"

namespace muster::config {

void add_needs(const ProbeSpec& probe, std::set<std::string>& needs) {
    const std::string kind(probe_kind_name(probe.kind));
    if (const auto* const command = std::get_if<CommandCheck>(&probe.kind)) {
        needs.insert(kind + "/" + command->name);
    } else if (const auto* const plugin = std::get_if<PluginCheck>(&probe.kind)) {
        needs.insert(kind + "/" + plugin->name);
    } else if (const auto* const composite = std::get_if<CompositeCheck>(&probe.kind)) {
        for (const CompositePart& part : composite->parts) add_needs(part.probe, needs);
    } else {
        needs.insert(kind);
    }
}

std::set<std::string> needs_of(const GroupSpec& group) {
    std::set<std::string> needs;
    add_needs(group.check.probe, needs);
    for (const Backend& backend : group.backends) {
        if (backend.check) add_needs(backend.check->check.probe, needs);
    }
    return needs;
}

}  // namespace muster::config
