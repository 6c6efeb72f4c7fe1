#include "orchestrator/config_diff.hpp"

#include "common/config/decode.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

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

}  // namespace

std::vector<std::string> describe_changes(const config::GroupSpec& before,
                                          const config::GroupSpec& after) {
    std::vector<std::string> changes;
    const auto old_fields = fields_of(before);
    const auto new_fields = fields_of(after);
    std::set<std::string> paths;
    for (const auto& [path, value] : old_fields) paths.insert(path);
    for (const auto& [path, value] : new_fields) paths.insert(path);
    for (const std::string& path : paths) {
        const auto was = old_fields.find(path);
        const auto is = new_fields.find(path);
        const std::string from = was != old_fields.end() ? was->second : "(absent)";
        const std::string to = is != new_fields.end() ? is->second : "(absent)";
        if (from != to) changes.push_back(fmt::format("{}: {} -> {}", path, from, to));
    }
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
    if (changes.size() > max_told_changes) {
        const std::size_t more = changes.size() - max_told_changes + 1;
        changes.resize(max_told_changes - 1);
        changes.push_back(fmt::format("and {} more changes", more));
    }
    return changes;
}

}  // namespace muster::orchestrator
