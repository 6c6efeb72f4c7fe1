#include "common/config/yaml_text.hpp"

#include "common/config/decode.hpp"
#include "common/config/scalar_shape.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace muster::config {
namespace {

namespace json = boost::json;

/// Narrower than YAML's plain scalars: what is left needs no thought.
bool is_plain(std::string_view text) {
    const auto inner = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("_-./+:").contains(c);
    };
    if (text.empty() || text.front() == '-' || text.front() == ':' || text.back() == ':')
        return false;
    if (!std::ranges::all_of(text, inner) || shape_of(text) != Shape::word) return false;
    constexpr std::array nulls = {"null", "Null", "NULL"};
    return std::ranges::find(nulls, text) == nulls.end();
}

std::string scalar(std::string_view text) {
    // A JSON string is a YAML string in double quotes.
    return is_plain(text) ? std::string(text) : json::serialize(json::string(text));
}

bool is_block(const json::value& value) {
    return (value.is_object() && !value.get_object().empty()) ||
           (value.is_array() && !value.get_array().empty());
}

/// YAML 1.1 takes a number for one only with a point, and a sign in its exponent.
std::string fraction(double number) {
    std::string text = fmt::format("{}", number);
    if (text.find('.') == std::string::npos)
        text.insert(std::min(text.find('e'), text.size()), ".0");
    return text;
}

std::string inline_text(const json::value& value) {
    if (value.is_string()) return scalar(std::string_view(value.get_string()));
    if (value.is_double()) return fraction(value.get_double());
    return json::serialize(value);
}

/// `out` stands where the block begins: at the start of a line with its indent written, or after
/// the "- " of a list.
void write_block(const json::value& value, std::size_t indent, std::string& out) {
    const std::string margin(indent, ' ');
    bool first = true;
    const auto start_line = [&] {
        if (!first) out += margin;
        first = false;
    };
    if (value.is_object()) {
        for (const json::key_value_pair& member : value.get_object()) {
            start_line();
            out += scalar(std::string_view(member.key())) + ":";
            if (is_block(member.value())) {
                out += "\n" + margin + "  ";
                write_block(member.value(), indent + 2, out);
            } else {
                out += " " + inline_text(member.value()) + "\n";
            }
        }
        return;
    }
    for (const json::value& element : value.get_array()) {
        start_line();
        out += "- ";
        if (is_block(element)) {
            write_block(element, indent + 2, out);
        } else {
            out += inline_text(element) + "\n";
        }
    }
}

}  // namespace

std::string to_yaml(const json::value& value) {
    if (!is_block(value)) return inline_text(value) + "\n";
    std::string out;
    write_block(value, 0, out);
    return out;
}

std::string encode_yaml(const GroupSpec& group) {
    return to_yaml(encode(group));
}

std::string encode_yaml(const FleetSpec& fleet) {
    return to_yaml(encode(fleet));
}

}  // namespace muster::config
