#include "common/config/value.hpp"

#include "common/config/scalar_shape.hpp"
#include "common/config/tree_builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace muster::config {
namespace {

/// Calls `each(key, value)` for the entries of a map, duplicates reported and left out.
template <class Each>
void for_each_entry(const Value& map, Each each) {
    const std::vector<Node>& items = map.node().items;
    std::unordered_map<std::string_view, const Node*> seen;
    seen.reserve(items.size() / 2);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        const Node& key = items[i];
        if (key.kind == Node::Kind::refused) continue;
        const auto [first, is_new] = seen.emplace(key.text, &key);
        if (is_new) {
            each(key, items[i + 1]);
        } else {
            Value(key, map, key.text)
                .refuse(fmt::format("is there twice; the first is in line {}",
                                    first->second->place.line));
        }
    }
}

/// Are all keys of the map texts, for every YAML reader? One with others can't be read.
bool has_text_keys(const Value& map) {
    bool good = true;
    const std::vector<Node>& items = map.node().items;
    for (std::size_t i = 0; i < items.size(); i += 2) {
        const Node& key = items[i];
        if (key.kind == Node::Kind::text || key.kind == Node::Kind::refused) continue;
        if (key.kind == Node::Kind::plain && shape_of(key.text) == Shape::word) continue;
        if (key.kind == Node::Kind::plain) {
            Value(key, map, key.text).refuse("is a key that is not a text; write it in quotes");
        } else {
            Value(key, map, "?").refuse("is a key that is not a text; keys must be texts");
        }
        good = false;
    }
    return good;
}

bool is_map(const Value& value, std::string_view right) {
    if (value.node().kind == Node::Kind::map) return has_text_keys(value);
    value.refuse_type(right);
    return false;
}

std::string unknown_field(std::string_view name, const std::vector<std::string_view>& known) {
    if (const std::optional<std::string_view> near = nearest(name, known))
        return fmt::format("is not a field here; did you mean {}?", *near);
    return fmt::format("is not a field here; there {} {}",
                       known.size() < 2 ? "is" : "are",
                       known.empty() ? "none" : fmt::to_string(fmt::join(known, ", ")));
}

}  // namespace

std::string Value::path() const {
    std::string path = parent_ == nullptr ? "" : parent_->path();
    if (index_) {
        append_index(path, *index_);
    } else if (parent_ != nullptr) {
        append_key(path, key_);
    }
    return path;
}

void Value::refuse(std::string what) const {
    problems_.add(path(), node_.place, std::move(what));
}

Fields::Fields(const Value& map, std::vector<std::string_view> names) : map_(map) {
    is_map_ = is_map(
        map,
        names.empty() ? "an empty map, {}" : fmt::format("a map of {}", fmt::join(names, ", ")));
    if (!is_map_) return;
    for_each_entry(map, [&](const Node& key, const Node& value) {
        if (std::ranges::find(names, key.text) == names.end()) {
            Value(key, map, key.text).refuse(unknown_field(key.text, names));
        } else {
            found_.emplace_back(key.text, &value);
        }
    });
}

std::optional<Value> Fields::find(std::string_view name) const {
    const auto found =
        std::ranges::find(found_, name, [](const auto& field) { return field.first; });
    if (found == found_.end()) return std::nullopt;
    return Value(*found->second, map_, found->first);
}

std::optional<Value> Fields::require(std::string_view name, std::string_view right) const {
    std::optional<Value> value = find(name);
    if (!value && is_map_)
        Value(map_.node(), map_, name).refuse(fmt::format("is missing; must be {}", right));
    return value;
}

std::optional<std::pair<std::string_view, Value>> only_field(
    const Value& map, const Fields& fields, const std::vector<std::string_view>& names) {
    std::optional<std::pair<std::string_view, Value>> only;
    for (const std::string_view name : names) {
        const auto value = fields.find(name);
        if (!value) continue;
        if (only) {
            value->refuse(fmt::format("stands beside {}; write one of them", only->first));
            return std::nullopt;
        }
        only.emplace(name, *value);
    }
    if (!only && map.node().kind == Node::Kind::map && map.node().items.empty())
        map.refuse("is empty; must have one field");
    return only;
}

std::vector<Value> entries_of(const Value& map, std::size_t most) {
    std::vector<Value> entries;
    if (!is_map(map, "a map")) return entries;
    if (map.node().items.size() / 2 > most) {
        map.refuse(
            fmt::format("has {} entries; at most {} are read", map.node().items.size() / 2, most));
        return entries;
    }
    for_each_entry(map, [&](const Node& key, const Node& value) {
        entries.emplace_back(value, map, key.text);
    });
    return entries;
}

std::vector<Value> elements_of(const Value& list, std::size_t most) {
    std::vector<Value> elements;
    const std::vector<Node>& items = list.node().items;
    if (list.node().kind != Node::Kind::list) {
        list.refuse_type("a list");
        return elements;
    }
    if (items.size() > most) {
        list.refuse(fmt::format("has {} elements; at most {} are read", items.size(), most));
        return elements;
    }
    elements.reserve(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) elements.emplace_back(items[i], list, i);
    return elements;
}

}  // namespace muster::config
