#include "common/config/settings_overrides.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::config {

namespace {

Node text_node(std::string_view text) {
    return {.kind = Node::Kind::text, .text = std::string(text)};
}

Node override_node(const Override& setting, SettingForm form) {
    if (form == SettingForm::plain) return {.kind = Node::Kind::plain, .text = setting.value};
    if (form == SettingForm::text) return text_node(setting.value);
    Node list{.kind = Node::Kind::list};
    for (std::size_t start = 0; start <= setting.value.size();) {
        const std::size_t end = std::min(setting.value.find(',', start), setting.value.size());
        list.items.push_back(text_node(setting.value.substr(start, end - start)));
        start = end + 1;
    }
    return list;
}

/// The value of a key, added to the map when it isn't there.
Node& member(Node& map, std::string_view key) {
    for (std::size_t i = 0; i + 1 < map.items.size(); i += 2)
        if (map.items[i].text == key) return map.items[i + 1];
    map.items.push_back(text_node(key));
    return map.items.emplace_back(Node{.kind = Node::Kind::map});
}

void apply_one(const Override& setting, SettingForm form, Node& settings) {
    Node* at = &settings;
    for (std::size_t start = 0; start <= setting.field.size();) {
        if (at->kind != Node::Kind::map) return;
        const std::size_t end = std::min(setting.field.find('.', start), setting.field.size());
        at = &member(*at, std::string_view(setting.field).substr(start, end - start));
        start = end + 1;
    }
    *at = override_node(setting, form);
}

std::string variable_of(std::string_view prefix, std::string_view field) {
    std::string variable(prefix);
    for (const char c : field)
        variable += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return variable;
}

}  // namespace

std::vector<Override> overrides_from(const Environment& environment,
                                     std::string_view prefix,
                                     std::span<const SettingName> names) {
    std::vector<Override> overrides;
    for (const SettingName& name : names) {
        std::string variable = variable_of(prefix, name.field);
        // An empty variable is how compose files and units say "not set".
        if (auto value = environment(variable); value && !value->empty())
            overrides.push_back({.field = std::string(name.field),
                                 .value = std::move(*value),
                                 .source = std::move(variable)});
    }
    return overrides;
}

void apply(const std::vector<Override>& overrides, std::span<const SettingName> names, Node& file) {
    for (const Override& setting : overrides) {
        const auto name = std::ranges::find(names, setting.field, &SettingName::field);
        apply_one(setting, name == names.end() ? SettingForm::text : name->form, file);
    }
}

void name_sources(const std::vector<Override>& overrides, std::vector<Problem>& problems) {
    for (Problem& problem : problems) {
        for (const Override& setting : overrides) {
            if (problem.path.starts_with(setting.field) && problem.line == 0)
                problem.what += fmt::format(" (from {})", setting.source);
        }
    }
}

}  // namespace muster::config
