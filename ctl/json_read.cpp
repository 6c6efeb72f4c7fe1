#include "ctl/json_read.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace muster::ctl {

namespace {

namespace json = boost::json;

void append_pretty(std::string& out, const json::value& value, std::size_t depth) {
    const std::string indent(2 * depth + 2, ' ');
    const std::string end = "\n" + std::string(2 * depth, ' ');
    const char* separator = "\n";
    if (const auto* object = value.if_object(); object && !object->empty()) {
        out += '{';
        for (const auto& [key, member] : *object) {
            out += separator + indent + json::serialize(json::value(key)) + ": ";
            append_pretty(out, member, depth + 1);
            separator = ",\n";
        }
        out += end + "}";
    } else if (const auto* array = value.if_array(); array && !array->empty()) {
        out += '[';
        for (const json::value& element : *array) {
            out += separator + indent;
            append_pretty(out, element, depth + 1);
            separator = ",\n";
        }
        out += end + "]";
    } else if (value.is_double()) {
        out += fmt::format("{}", value.get_double());  // 0.25, where Boost writes 2.5E-1
    } else {
        out += json::serialize(value);
    }
}

}  // namespace

const json::value& at(const json::value& from, std::string_view path) {
    static const json::value null;
    const json::value* here = &from;
    while (!path.empty()) {
        const std::size_t dot = path.find('.');
        const auto* object = here->if_object();
        const json::value* member = object ? object->if_contains(path.substr(0, dot)) : nullptr;
        if (!member) return null;
        here = member;
        path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    }
    return *here;
}

std::string text_at(const json::value& from, std::string_view path) {
    const json::value& value = at(from, path);
    if (const auto* text = value.if_string()) return std::string(*text);
    if (value.is_number()) {
        const auto number = number_at(value, "");
        if (value.is_double()) return fmt::format("{:.3g}", *number);
        return json::serialize(value);
    }
    if (const auto* truth = value.if_bool()) return *truth ? "yes" : "no";
    return {};
}

std::optional<double> number_at(const json::value& from, std::string_view path) {
    const json::value& value = at(from, path);
    if (const auto* number = value.if_double()) return *number;
    if (const auto* number = value.if_int64()) return static_cast<double>(*number);
    if (const auto* number = value.if_uint64()) return static_cast<double>(*number);
    return std::nullopt;
}

bool true_at(const json::value& from, std::string_view path) {
    const auto* truth = at(from, path).if_bool();
    return truth && *truth;
}

const json::array& list_at(const json::value& from, std::string_view path) {
    static const json::array none;
    const auto* list = at(from, path).if_array();
    return list ? *list : none;
}

std::string pretty_json(const json::value& value) {
    std::string out;
    append_pretty(out, value, 0);
    out += '\n';
    return out;
}

}  // namespace muster::ctl
