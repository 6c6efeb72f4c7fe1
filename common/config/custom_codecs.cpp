#include "common/config/group_limits.hpp"
#include "common/config/json_node.hpp"
#include "common/config/probe_codec.hpp"
#include "common/config/text_rules.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

// The kinds that users bring themselves, and the one that is made of others.
namespace muster::config {

CommandCheck decode_command(const Value& value) {
    CommandCheck command;
    const Fields fields(value, {"name", "arguments"});
    if (const auto name = fields.require("name", "a command that the nodes have registered"))
        command.name = read_text(*name, rules::name).value_or("");
    if (const auto arguments = fields.find("arguments")) {
        for (const Value& argument : entries_of(*arguments, bounds::arguments)) {
            if (const auto complaint = rules::name(argument.key()); !complaint.empty())
                argument.refuse(fmt::format("can't be set; the name {}", complaint));
            if (auto text = read_text(argument, rules::argument))
                command.arguments.emplace(argument.key(), std::move(*text));
        }
    }
    return command;
}

json::object encode(const CommandCheck& command, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.put("name", json::string(command.name));
    json::object arguments;
    for (const auto& [name, text] : command.arguments) arguments.emplace(name, text);
    writer.map("arguments", std::move(arguments));
    return writer.take();
}

PluginCheck decode_plugin(const Value& value) {
    PluginCheck plugin;
    const Fields fields(value, {"name", "settings"});
    if (const auto name = fields.require("name", "a plug-in that the nodes have registered"))
        plugin.name = read_text(*name, rules::name).value_or("");
    if (const auto settings = fields.find("settings")) {
        if (settings->node().kind != Node::Kind::map) {
            settings->refuse_type("a map, which the plug-in is given as JSON");
        } else {
            plugin.settings = json::serialize(to_json(settings->node()));
            if (plugin.settings.size() > bounds::plugin_settings_bytes)
                settings->refuse(fmt::format("takes {} bytes as JSON; must be at most {}",
                                             plugin.settings.size(),
                                             bounds::plugin_settings_bytes));
            if (plugin.settings == "{}") plugin.settings.clear();
        }
    }
    return plugin;
}

json::object encode(const PluginCheck& plugin, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.put("name", json::string(plugin.name));
    if (!plugin.settings.empty()) writer.put("settings", json::parse(plugin.settings));
    return writer.take();
}

namespace {

void read_need(const Value& value, std::size_t parts, int& need) {
    const Node& node = value.node();
    if (node.is_scalar() && node.text == "all") {
        need = 0;
    } else if (node.is_scalar() && node.text == "any") {
        need = 1;
    } else if (const auto number =
                   read_int(value, {.least = 1, .most = static_cast<std::int64_t>(parts)})) {
        need = static_cast<int>(*number);
    }
    // The same in two ways would be two different checks.
    if (need == static_cast<int>(parts) && parts > 1) need = 0;
}

CompositePart decode_part(const Value& value) {
    CompositePart part;
    const Fields fields(value, with_probe_fields({"name", "port"}));
    if (const auto name = fields.require("name", "what the part is called"))
        part.name = read_text(*name, rules::name).value_or("");
    if (const auto nested = fields.find(probe_kind_name<CompositeCheck>())) {
        nested->refuse("is within a composite; its parts can't be composites");
    } else {
        part.probe = decode_probe(fields);
        if (part.probe.reuse)
            fields.find("reuse")->refuse("is true; the parts of a composite have new connections");
    }
    if (const auto port = fields.find("port")) {
        if (const auto number = read_int(*port, bounds::port))
            part.port = static_cast<std::uint16_t>(*number);
    }
    return part;
}

}  // namespace

CompositeCheck decode_composite(const Value& value) {
    CompositeCheck composite;
    const Fields fields(value, {"need", "parts"});
    const auto parts = fields.require("parts", "a list of named probes");
    if (!parts) return composite;
    if (parts->node().kind == Node::Kind::list && parts->node().items.empty())
        parts->refuse("is an empty list; must have at least one part");
    for (const Value& element : elements_of(*parts, bounds::composite_parts)) {
        CompositePart part = decode_part(element);
        const bool twice = std::ranges::find(composite.parts, part.name, &CompositePart::name) !=
                           composite.parts.end();
        if (twice && !part.name.empty())
            element.refuse(fmt::format("is part {} a second time", part.name));
        composite.parts.push_back(std::move(part));
    }
    if (const auto need = fields.find("need"))
        read_need(*need, composite.parts.size(), composite.need);
    return composite;
}

json::object encode(const CompositeCheck& composite, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    if (composite.need > 0) {
        writer.put("need", composite.need);
    } else if (verbosity == Verbosity::full) {
        writer.put("need", "all");
    }
    json::array parts;
    for (const CompositePart& part : composite.parts) {
        FieldWriter one(verbosity);
        one.put("name", json::string(part.name));
        encode_probe(part.probe, verbosity, one);
        one.optional("port", part.port);
        parts.push_back(one.take());
    }
    writer.put("parts", std::move(parts));
    return writer.take();
}

}  // namespace muster::config
