#include "orchestrator/config_diff.hpp"

#include "common/config/decode.hpp"
#include "common/config/dns_codec.hpp"
#include "common/config/instance_codec.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace muster::orchestrator {

namespace json = boost::json;

namespace {

/// Every scalar and list of a document by its path.
void flatten(const json::value& value,
             const std::string& path,
             std::map<std::string, std::string>& out) {
    const json::object* object = value.if_object();
    if (object == nullptr) {
        out[path] = json::serialize(value);
        return;
    }
    for (const auto& [key, member] : *object) {
        flatten(member, path.empty() ? std::string(key) : path + "." + std::string(key), out);
    }
}

std::map<std::string, std::string> fields_of(const config::GroupSpec& group) {
    config::GroupSpec without = group;
    without.backends.clear();
    json::value document = config::encode(without, config::Verbosity::full);
    std::map<std::string, std::string> fields;
    flatten(document, "", fields);
    fields.erase("spec.backends");
    return fields;
}

std::map<BackendId, const config::Backend*> by_id(const config::GroupSpec& group) {
    std::map<BackendId, const config::Backend*> all;
    for (const config::Backend& backend : group.backends) all.emplace(backend.id, &backend);
    return all;
}

std::string what_changed(const config::Backend& before, const config::Backend& after) {
    if (before.admin != after.admin) {
        return fmt::format(
            "{} -> {}", config::to_string(before.admin), config::to_string(after.admin));
    }
    if (before.weight != after.weight)
        return fmt::format("weight {} -> {}", before.weight, after.weight);
    if (before.address != after.address || before.port != after.port) {
        return fmt::format(
            "address {}:{} -> {}:{}", before.address, before.port, after.address, after.port);
    }
    return "changed";
}

using Fields = std::map<std::string, std::string>;

void tell_fields(const Fields& before,
                 const Fields& after,
                 std::string_view prefix,
                 std::vector<std::string>& changes) {
    std::set<std::string> paths;
    for (const auto& [path, value] : before) paths.insert(path);
    for (const auto& [path, value] : after) paths.insert(path);
    for (const std::string& path : paths) {
        const auto was = before.find(path);
        const auto is = after.find(path);
        const std::string from = was != before.end() ? was->second : "(absent)";
        const std::string to = is != after.end() ? is->second : "(absent)";
        if (from != to) changes.push_back(fmt::format("{}{}: {} -> {}", prefix, path, from, to));
    }
}

void cut(std::vector<std::string>& changes) {
    if (changes.size() <= max_told_changes) return;
    const std::size_t more = changes.size() - max_told_changes + 1;
    changes.resize(max_told_changes - 1);
    changes.push_back(fmt::format("and {} more changes", more));
}

/// Without its routes.
Fields fields_of(const config::Listener& listener) {
    config::FleetSpec alone{.listeners = {listener}};
    alone.listeners[0].routes.clear();
    Fields fields;
    flatten(config::encode_spec(alone).at("listeners").at(0), "", fields);
    return fields;
}

std::string in_words(const config::Route& route) {
    return fmt::format(
        "route {}{} to {}", route.host.empty() ? "*" : route.host, route.path, route.group.str());
}

void tell_routes(const config::Listener& before,
                 const config::Listener& after,
                 std::string_view prefix,
                 std::vector<std::string>& changes) {
    std::set<std::string> was;
    std::set<std::string> is;
    for (const config::Route& route : before.routes) was.insert(in_words(route));
    for (const config::Route& route : after.routes) is.insert(in_words(route));
    for (const std::string& route : was)
        if (!is.contains(route)) changes.push_back(fmt::format("{}{} removed", prefix, route));
    for (const std::string& route : is)
        if (!was.contains(route)) changes.push_back(fmt::format("{}{} added", prefix, route));
    if (was == is && before.routes != after.routes)
        changes.push_back(fmt::format("{}routes in another order", prefix));
}

const config::Listener* find(const config::FleetSpec& fleet, const std::string& name) {
    const auto found = std::ranges::find(fleet.listeners, name, &config::Listener::name);
    return found != fleet.listeners.end() ? &*found : nullptr;
}

Fields fields_of(const config::FleetInstance& instance) {
    Fields fields;
    flatten(config::encode({instance}, config::Verbosity::full).at(0), "", fields);
    return fields;
}

Fields fields_of(const config::DnsEntry& entry) {
    Fields fields;
    flatten(config::encode({entry}, config::Verbosity::full).at(0), "", fields);
    return fields;
}

Fields fields_of(const config::InstanceHealth& health) {
    Fields fields;
    flatten(config::encode(health, config::Verbosity::full), "health", fields);
    return fields;
}

std::string in_words(const config::FleetInstance& instance) {
    return fmt::format("instance {}", instance.id.str());
}

std::string in_words(const config::DnsEntry& entry) {
    return entry.location.empty() ? fmt::format("dns {}", entry.name)
                                  : fmt::format("dns {} for {}", entry.name, entry.location);
}

/// Those that are the same one have the same words.
template <class Item>
void tell_items(const std::vector<Item>& before,
                const std::vector<Item>& after,
                std::vector<std::string>& changes) {
    std::map<std::string, const Item*> was;
    std::map<std::string, const Item*> is;
    for (const Item& one : before) was.emplace(in_words(one), &one);
    for (const Item& one : after) is.emplace(in_words(one), &one);
    for (const auto& [words, item] : was) {
        const auto now = is.find(words);
        if (now == is.end()) {
            changes.push_back(words + " removed");
        } else {
            tell_fields(fields_of(*item), fields_of(*now->second), words + ": ", changes);
        }
    }
    for (const auto& [words, item] : is)
        if (!was.contains(words)) changes.push_back(words + " added");
}

}  // namespace

std::vector<std::string> describe_changes(const config::FleetSpec& before,
                                          const config::FleetSpec& after) {
    std::vector<std::string> changes;
    for (const config::Listener& was : before.listeners) {
        const config::Listener* is = find(after, was.name);
        if (is == nullptr) {
            changes.push_back(fmt::format("listener {} removed", was.name));
            continue;
        }
        const std::string prefix = fmt::format("listener {}: ", was.name);
        tell_fields(fields_of(was), fields_of(*is), prefix, changes);
        tell_routes(was, *is, prefix, changes);
    }
    for (const config::Listener& is : after.listeners) {
        if (find(before, is.name) == nullptr)
            changes.push_back(fmt::format("listener {} added", is.name));
    }
    tell_items(before.instances, after.instances, changes);
    tell_fields(fields_of(before.health), fields_of(after.health), "", changes);
    tell_items(before.dns, after.dns, changes);
    cut(changes);
    return changes;
}

std::vector<std::string> describe_changes(const config::GroupSpec& before,
                                          const config::GroupSpec& after) {
    std::vector<std::string> changes;
    tell_fields(fields_of(before), fields_of(after), "", changes);
    const auto old_backends = by_id(before);
    const auto new_backends = by_id(after);
    for (const auto& [id, backend] : old_backends) {
        const auto now = new_backends.find(id);
        if (now == new_backends.end()) {
            changes.push_back(fmt::format("backend {} removed", id.str()));
        } else if (*now->second != *backend) {
            changes.push_back(
                fmt::format("backend {}: {}", id.str(), what_changed(*backend, *now->second)));
        }
    }
    for (const auto& [id, backend] : new_backends) {
        if (!old_backends.contains(id))
            changes.push_back(fmt::format("backend {} added", id.str()));
    }
    cut(changes);
    return changes;
}

}  // namespace muster::orchestrator
