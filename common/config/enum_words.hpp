#pragma once

#include "common/config/model.hpp"
#include "common/config/value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::config {

/// The words of an enum in documents. One table for reading, writing and the messages.
template <class Enum>
struct EnumWords;

template <>
struct EnumWords<Algorithm> {
    static constexpr std::array<std::pair<Algorithm, std::string_view>, 8> words = {{
        {Algorithm::round_robin, "round_robin"},
        {Algorithm::weighted_round_robin, "weighted_round_robin"},
        {Algorithm::least_connections, "least_connections"},
        {Algorithm::least_response_time, "least_response_time"},
        {Algorithm::source_hash, "source_hash"},
        {Algorithm::uri_hash, "uri_hash"},
        {Algorithm::maglev, "maglev"},
        {Algorithm::random_two_choices, "random_two_choices"},
    }};
};

template <>
struct EnumWords<Admin> {
    static constexpr std::array<std::pair<Admin, std::string_view>, 3> words = {{
        {Admin::active, "active"},
        {Admin::drain, "drain"},
        {Admin::maintenance, "maintenance"},
    }};
};

template <>
struct EnumWords<OutlierAction> {
    static constexpr std::array<std::pair<OutlierAction, std::string_view>, 2> words = {{
        {OutlierAction::probe, "probe"},
        {OutlierAction::eject, "eject"},
    }};
};

template <>
struct EnumWords<TlsVersion> {
    static constexpr std::array<std::pair<TlsVersion, std::string_view>, 2> words = {{
        {TlsVersion::tls12, "1.2"},
        {TlsVersion::tls13, "1.3"},
    }};
};

template <class Enum>
[[nodiscard]] std::optional<Enum> parse_enum(std::string_view text) {
    for (const auto& [value, word] : EnumWords<Enum>::words)
        if (word == text) return value;
    return std::nullopt;
}

template <class Enum>
[[nodiscard]] std::string_view word_of(Enum value) {
    for (const auto& [known, word] : EnumWords<Enum>::words)
        if (known == value) return word;
    return "?";
}

/// Reads one of the words; another is answered with all of them and the nearest one.
template <class Enum>
void read_enum(const Fields& fields, std::string_view name, Enum& into) {
    const auto value = fields.find(name);
    if (!value) return;
    const Node& node = value->node();
    if (const auto known = node.is_scalar() ? parse_enum<Enum>(node.text) : std::nullopt) {
        into = *known;
        return;
    }
    std::vector<std::string_view> words;
    for (const auto& [known, word] : EnumWords<Enum>::words) words.push_back(word);
    const auto near = node.is_scalar() ? nearest(node.text, words) : std::nullopt;
    value->refuse_type(fmt::format("one of {}{}",
                                   fmt::join(words, ", "),
                                   near ? fmt::format("; did you mean {}?", *near) : ""));
}

}  // namespace muster::config
