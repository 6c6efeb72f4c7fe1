#include "common/config/scalar_shape.hpp"
#include "common/config/unicode.hpp"
#include "common/config/value.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace muster::config {
namespace {

std::string shortened(std::string_view text) {
    constexpr std::size_t longest = 48;
    if (text.size() <= longest) return std::string(text);
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
    return fmt::format("{}...", text.substr(0, end));
}

/// Escapes and folded lines can bring any character into a text; a message stays one clean line.
bool is_one_line(std::string_view text) {
    return text.find_first_of("\r\n\t") == std::string_view::npos && !find_bad_byte(text);
}

/// What was found, for messages.
std::string describe(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
            return "empty (null)";
        case Node::Kind::plain:
            if (shape_of(node.text) != Shape::word) return shortened(node.text);
            return is_one_line(node.text) ? fmt::format("\"{}\"", shortened(node.text))
                                          : "a text of several lines";
        case Node::Kind::text:
            return is_one_line(node.text) ? fmt::format("the text \"{}\"", shortened(node.text))
                                          : "a quoted text";
        case Node::Kind::list:
            return "a list";
        case Node::Kind::map:
            return "a map";
        case Node::Kind::refused:
            break;
    }
    return "not readable";
}

/// "is 070; must be ...", with a hint where YAML readers disagree.
std::string wrong_number(const Node& node, std::string_view right) {
    std::string what = fmt::format("is {}", describe(node));
    if (node.kind == Node::Kind::plain) {
        switch (shape_of(node.text)) {
            case Shape::octal_looking:
                what += ", which some readers take as octal";
                break;
            case Shape::base_60:
                what += ", which some readers take as a base 60 number";
                break;
            case Shape::word:
            case Shape::whole:
            case Shape::other_number:
            case Shape::boolean:
            case Shape::boolean_looking:
            case Shape::date:
                break;
        }
    }
    return fmt::format("{}; must be {}", what, right);
}

}  // namespace

void Value::refuse_found(std::string_view complaint) const {
    if (node_.kind == Node::Kind::refused) return;
    refuse(fmt::format("is {}; {}", describe(node_), complaint));
}

void Value::refuse_type(std::string_view right) const {
    refuse_found(fmt::format("must be {}", right));
}

std::optional<std::string> read_text(const Value& value, TextRule rule) {
    const Node& node = value.node();
    if (!node.is_scalar()) {
        value.refuse_type("a text");
        return std::nullopt;
    }
    if (const std::optional<BadByte> bad = find_bad_byte(node.text)) {
        value.refuse(
            fmt::format("holds what is not allowed in a text: byte {} {}", bad->offset, bad->what));
        return std::nullopt;
    }
    if (const std::string_view complaint = rule(node.text); !complaint.empty()) {
        value.refuse_found(complaint);
        return std::nullopt;
    }
    if (node.kind == Node::Kind::plain && shape_of(node.text) != Shape::word) {
        value.refuse(fmt::format("is {0}, which is not a text; write it in quotes: \"{0}\"",
                                 shortened(node.text)));
        return std::nullopt;
    }
    return node.text;
}

std::optional<std::int64_t> read_int(const Value& value, IntRange range) {
    const Node& node = value.node();
    const std::string right = fmt::format("a whole number from {} to {}", range.least, range.most);
    if (node.kind == Node::Kind::plain && shape_of(node.text) == Shape::whole) {
        std::int64_t number = 0;
        const char* end = node.text.data() + node.text.size();
        const auto [rest, error] = std::from_chars(node.text.data(), end, number);
        if (error == std::errc{} && rest == end && number >= range.least && number <= range.most)
            return number;
    }
    if (node.kind == Node::Kind::refused) return std::nullopt;
    const bool quoted = node.kind == Node::Kind::text && shape_of(node.text) == Shape::whole;
    value.refuse(wrong_number(node, right) + (quoted ? ", without quotes" : ""));
    return std::nullopt;
}

std::optional<bool> read_bool(const Value& value) {
    const Node& node = value.node();
    if (node.kind == Node::Kind::plain && node.text == "true") return true;
    if (node.kind == Node::Kind::plain && node.text == "false") return false;
    value.refuse_type("true or false");
    return std::nullopt;
}

std::optional<Duration> read_duration(const Value& value, DurationRange range) {
    const Node& node = value.node();
    const std::string right =
        fmt::format("a duration from {} to {}, such as {}",
                    to_string(range.least),
                    to_string(range.most),
                    to_string(std::min(std::max(range.least, Duration(2s)), range.most)));
    if (node.is_scalar()) {
        if (const std::optional<Duration> duration = parse_duration(node.text)) {
            if (*duration >= range.least && *duration <= range.most) return duration;
            value.refuse(fmt::format("is {}; must be {}", shortened(node.text), right));
            return std::nullopt;
        }
        if (shape_of(node.text) == Shape::whole) {
            value.refuse(fmt::format("is {} without a unit; must be {}", node.text, right));
            return std::nullopt;
        }
    }
    if (node.kind == Node::Kind::refused) return std::nullopt;
    value.refuse(wrong_number(node, right));
    return std::nullopt;
}

void read_text(const Fields& fields, std::string_view name, std::string& into, TextRule rule) {
    if (const auto value = fields.find(name)) {
        if (auto text = read_text(*value, rule)) into = std::move(*text);
    }
}

void read_int(const Fields& fields, std::string_view name, int& into, IntRange range) {
    if (const auto value = fields.find(name)) {
        if (const auto number = read_int(*value, range)) into = static_cast<int>(*number);
    }
}

void read_bool(const Fields& fields, std::string_view name, bool& into) {
    if (const auto value = fields.find(name)) into = read_bool(*value).value_or(into);
}

void read_duration(const Fields& fields,
                   std::string_view name,
                   Duration& into,
                   DurationRange range) {
    if (const auto value = fields.find(name)) {
        if (const auto duration = read_duration(*value, range)) into = *duration;
    }
}

}  // namespace muster::config
