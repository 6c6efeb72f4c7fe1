#pragma once

#include "common/base/id.hpp"

#include <compare>
#include <string>
#include <string_view>

namespace muster::znodes {

/// What users define; `config/` holds a head of each.
enum class ConfigKind { group, fleet };

[[nodiscard]] constexpr std::string_view to_string(ConfigKind kind) {
    return kind == ConfigKind::group ? "group" : "fleet";
}

/// A group or a fleet by its name. Made of either where one is asked for.
struct ConfigName {
    ConfigKind kind = ConfigKind::group;
    std::string name;

    ConfigName(const GroupName& group) : name(group.str()) {}
    ConfigName(const FleetName& fleet) : kind(ConfigKind::fleet), name(fleet.str()) {}
    ConfigName(ConfigKind of, std::string_view called) : kind(of), name(called) {}

    auto operator<=>(const ConfigName&) const = default;

    /// "group web", as sentences name it.
    [[nodiscard]] std::string str() const { return std::string(to_string(kind)) + " " + name; }

    /// "web", "fleet/edge": in one word, as the audit and callers of the API write it. No name has
    /// a / in it.
    [[nodiscard]] std::string word() const {
        return kind == ConfigKind::group ? name : std::string(to_string(kind)) + "/" + name;
    }
    [[nodiscard]] static ConfigName from_word(std::string_view word) {
        constexpr std::string_view of_fleet = "fleet/";
        if (!word.starts_with(of_fleet)) return {ConfigKind::group, word};
        return {ConfigKind::fleet, word.substr(of_fleet.size())};
    }
};

}  // namespace muster::znodes
