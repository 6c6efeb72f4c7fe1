#include "common/config/decode.hpp"
#include "common/config/value.hpp"
#include "scaler/lint_findings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace muster::scaler {
namespace {

using config::FleetProvider;
using config::FleetSpec;
using config::to_string;

using Hosts = std::set<std::string>;

std::string list_of(const std::vector<std::string_view>& names) {
    return fmt::format("there {} {}", names.size() == 1 ? "is" : "are", fmt::join(names, ", "));
}

void refuse_unknown(const FleetProvider& provider,
                    const std::map<std::string, Hosts>& offered,
                    Findings& findings) {
    std::vector<std::string_view> names;
    for (const auto& [name, hosts] : offered)
        if (!hosts.empty()) names.push_back(name);
    std::string hint = "none has `providers` in its settings";
    if (!names.empty()) hint = list_of(names);
    if (const auto near = config::nearest(provider.name, names))
        hint = fmt::format("did you mean {}?", *near);
    findings.refuse("spec.provider.name",
                    fmt::format("is {}, which no node offers; {}", provider.name, hint));
}

/// How many hosts of the fleet's don't offer the provider.
std::size_t lint_hosts(const FleetProvider& provider, const Hosts& hosts, Findings& findings) {
    std::size_t missing = 0;
    for (std::size_t i = 0; i < provider.hosts.size(); ++i) {
        if (hosts.contains(provider.hosts[i])) continue;
        ++missing;
        findings.warn(fmt::format("spec.provider.hosts[{}]", i),
                      fmt::format("is {}, a node that doesn't offer {} now; nothing is started "
                                  "there",
                                  provider.hosts[i],
                                  provider.name));
    }
    return missing;
}

void lint_offer(const FleetProvider& provider,
                const std::map<std::string, Hosts>& offered,
                Findings& findings) {
    const auto hosts = offered.find(provider.name);
    if (hosts == offered.end() || hosts->second.empty()) {
        refuse_unknown(provider, offered, findings);
        return;
    }
    const std::size_t missing = lint_hosts(provider, hosts->second, findings);
    if (missing > 0 && missing == provider.hosts.size()) {
        findings.refuse("spec.provider.hosts",
                        fmt::format("has no node that offers {}; {}",
                                    provider.name,
                                    list_of({hosts->second.begin(), hosts->second.end()})));
        return;
    }
}

}  // namespace

void lint_provider(const FleetSpec& fleet,
                   const FleetProvider& provider,
                   const LintFacts& facts,
                   Findings& findings) {
    if (facts.providers) lint_offer(provider, *facts.providers, findings);
    const config::Duration probed = fleet.health.interval * fleet.health.rise;
    if (provider.create_timeout < probed)
        findings.refuse("spec.provider.create_timeout",
                        fmt::format("is {}, and an LB is healthy after {} probes, one every {}; "
                                    "must be more than {}",
                                    to_string(provider.create_timeout),
                                    fleet.health.rise,
                                    to_string(fleet.health.interval),
                                    to_string(probed)));
    config::Duration ttl{0};
    for (const config::DnsEntry& entry : fleet.dns) ttl = std::max(ttl, entry.ttl);
    if (provider.drain_timeout < ttl + provider.grace)
        findings.refuse("spec.provider.drain_timeout",
                        fmt::format("is {}, so an LB is stopped while clients that have its "
                                    "address in a cache still come; must be at least {}, the "
                                    "largest TTL of dns ({}) and grace ({})",
                                    to_string(provider.drain_timeout),
                                    to_string(ttl + provider.grace),
                                    to_string(ttl),
                                    to_string(provider.grace)));
}

}  // namespace muster::scaler
