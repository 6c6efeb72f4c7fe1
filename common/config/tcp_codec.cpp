#include "common/config/group_limits.hpp"
#include "common/config/hex.hpp"
#include "common/config/probe_codec.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::config {

namespace {

using Kind = ScriptStep::Kind;

const std::vector<std::string_view> step_names{
    "send", "send_hex", "expect", "expect_hex", "expect_regex", "starttls"};

std::optional<ScriptStep> decode_step(const Value& value) {
    const Fields fields(value, step_names);
    const auto only = only_field(value, fields, step_names);
    if (!only) return std::nullopt;
    if (only->first == "starttls") {
        const Node& node = only->second.node();
        if (node.kind == Node::Kind::plain && node.text == "true")
            return ScriptStep{.kind = Kind::start_tls};
        only->second.refuse_type("true");
        return std::nullopt;
    }
    const bool hex = only->first.ends_with("_hex");
    const bool regex = only->first.ends_with("_regex");
    auto text = read_text(only->second,
                          hex     ? rules::hex_bytes
                          : regex ? rules::pattern
                                  : rules::script_text);
    if (!text) return std::nullopt;
    return ScriptStep{.kind = only->first.starts_with("send") ? Kind::send : Kind::expect,
                      .bytes = hex ? bytes_of(*text) : std::move(*text),
                      .regex = regex};
}

/// As text where the decoder would take it as such.
json::object encode_step(const ScriptStep& step) {
    if (step.kind == Kind::start_tls) return json::object({{"starttls", true}});
    std::string name = step.kind == Kind::send ? "send" : "expect";
    std::string text = step.bytes;
    if (step.regex) {
        name += "_regex";
    } else if (!is_readable(text)) {
        name += "_hex";
        text = hex_of(step.bytes);
    }
    json::object map;
    map.emplace(name, text);
    return map;
}

}  // namespace

TcpCheck decode_tcp(const Value& value) {
    TcpCheck tcp;
    const Fields fields(value, {"script"});
    const auto script = fields.find("script");
    if (!script) return tcp;
    if (script->node().kind == Node::Kind::list && script->node().items.empty())
        script->refuse("is an empty list; must have at least one step");
    for (const Value& element : elements_of(*script, bounds::script_steps)) {
        auto step = decode_step(element);
        if (!step) continue;
        if (step->kind == Kind::start_tls && starts_tls(tcp)) {
            element.refuse("is a second starttls; TLS begins once in a script");
            continue;
        }
        tcp.script.push_back(std::move(*step));
    }
    return tcp;
}

json::object encode(const TcpCheck& tcp, Verbosity /*verbosity*/) {
    json::object map;
    if (tcp.script.empty()) return map;
    json::array script;
    for (const ScriptStep& step : tcp.script) script.push_back(encode_step(step));
    map.emplace("script", std::move(script));
    return map;
}

}  // namespace muster::config
