#include "common/config/json_node.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <string_view>

namespace muster::config {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

Node plain(std::string text) {
    return {.kind = Node::Kind::plain, .text = std::move(text)};
}

Node convert(const json::value& value, std::size_t depth) {
    if (depth > max_depth) return {.kind = Node::Kind::null};
    Node node;
    switch (value.kind()) {
        case json::kind::null:
            break;
        case json::kind::bool_:
            return plain(value.get_bool() ? "true" : "false");
        case json::kind::int64:
            return plain(fmt::format("{}", value.get_int64()));
        case json::kind::uint64:
            return plain(fmt::format("{}", value.get_uint64()));
        case json::kind::double_:
            // Exponent form, so that 200.0 does not pass as a whole number here either.
            return plain(fmt::format("{:e}", value.get_double()));
        case json::kind::string:
            return {.kind = Node::Kind::text, .text = std::string(view(value.get_string()))};
        case json::kind::array:
            node.kind = Node::Kind::list;
            for (const json::value& element : value.get_array())
                node.items.push_back(convert(element, depth + 1));
            break;
        case json::kind::object:
            node.kind = Node::Kind::map;
            for (const json::key_value_pair& member : value.get_object()) {
                node.items.push_back({.kind = Node::Kind::text, .text = std::string(member.key())});
                node.items.push_back(convert(member.value(), depth + 1));
            }
            break;
    }
    return node;
}

}  // namespace

Node to_node(const json::value& value) {
    return convert(value, 1);
}

json::value to_json(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
        case Node::Kind::refused:
            return nullptr;
        case Node::Kind::text:
            return json::string(node.text);
        case Node::Kind::plain: {
            boost::system::error_code not_json;
            json::value scalar = json::parse(node.text, not_json);
            return not_json ? json::string(node.text) : scalar;
        }
        case Node::Kind::list: {
            json::array list;
            for (const Node& element : node.items) list.push_back(to_json(element));
            return list;
        }
        case Node::Kind::map:
            break;
    }
    json::object map;
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2)
        map.emplace(node.items[i].text, to_json(node.items[i + 1]));
    return map;
}

}  // namespace muster::config
