#include "common/config/decimal.hpp"
#include "common/config/scaling_codec.hpp"
#include "common/config/scaling_limits.hpp"
#include "common/config/scaling_rules.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::config {
namespace {

void read_hosts(const Value& list, std::vector<std::string>& hosts) {
    for (const Value& element : elements_of(list, bounds::hosts)) {
        auto host = read_text(element, rules::name);
        if (!host) continue;
        if (std::ranges::find(hosts, *host) != hosts.end())
            element.refuse(fmt::format("is {} a second time", *host));
        hosts.push_back(std::move(*host));
    }
    if (list.node().kind == Node::Kind::list && list.node().items.empty())
        list.refuse("is an empty list; must name a node, or be left out for all of them");
}

void read_parameters(const Value& map, std::map<std::string, std::string>& parameters) {
    for (const Value& entry : entries_of(map, bounds::parameters)) {
        if (const auto complaint = rules::parameter_name(entry.key()); !complaint.empty())
            entry.refuse(fmt::format("is no name of a parameter; it {}", complaint));
        if (auto text = read_text(entry, rules::parameter_value))
            parameters.emplace(entry.key(), std::move(*text));
    }
}

}  // namespace

FleetProvider decode_provider(const Value& value) {
    FleetProvider provider;
    const Fields fields(value,
                        {"name",
                         "hosts",
                         "parameters",
                         "create_timeout",
                         "drain_timeout",
                         "grace",
                         "replace_dead"});
    if (const auto name = fields.require("name", "a provider of the nodes' settings"))
        provider.name = read_text(*name, rules::name).value_or("");
    if (const auto hosts = fields.find("hosts")) read_hosts(*hosts, provider.hosts);
    if (const auto parameters = fields.find("parameters"))
        read_parameters(*parameters, provider.parameters);
    read_seconds(fields, "create_timeout", provider.create_timeout, bounds::create_timeout);
    read_seconds(fields, "drain_timeout", provider.drain_timeout, bounds::drain_timeout);
    read_seconds(fields, "grace", provider.grace, bounds::grace);
    read_bool(fields, "replace_dead", provider.replace_dead);
    return provider;
}

json::object encode(const FleetProvider& provider, Verbosity verbosity) {
    const FleetProvider standard;
    FieldWriter writer(verbosity);
    writer.put("name", json::string(provider.name));
    if (!provider.hosts.empty())
        writer.put("hosts", json::array(provider.hosts.begin(), provider.hosts.end()));
    json::object parameters;
    for (const auto& [name, text] : provider.parameters) parameters[name] = text;
    writer.map("parameters", std::move(parameters));
    writer.field("create_timeout", provider.create_timeout, standard.create_timeout);
    writer.field("drain_timeout", provider.drain_timeout, standard.drain_timeout);
    writer.field("grace", provider.grace, standard.grace);
    writer.field("replace_dead", provider.replace_dead, standard.replace_dead);
    return writer.take();
}

}  // namespace muster::config
