#include "common/config/check_codec.hpp"

#include "common/config/enum_words.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/probe_codec.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace muster::config {

template <>
struct EnumWords<InitialState> {
    static constexpr std::array<std::pair<InitialState, std::string_view>, 3> words = {{
        {InitialState::first_result, "first_result"},
        {InitialState::up, "up"},
        {InitialState::down, "down"},
    }};
};

namespace {

std::vector<std::string_view> check_fields() {
    return with_probe_fields({"interval",
                              "fast_interval",
                              "down_interval",
                              "timeout",
                              "timeouts",
                              "jitter",
                              "rise",
                              "fall",
                              "initial",
                              "min_down",
                              "flap_damping",
                              "intent",
                              "confirm",
                              "port"});
}

/// A span that must not be longer than another one, which may be the default one.
void refuse_longer(const Fields& fields,
                   std::string_view name,
                   Duration span,
                   std::string_view limit_name,
                   Duration limit) {
    if (span <= limit) return;
    const std::string what = fmt::format("is {}, longer than the {} of {}; must be at most that",
                                         to_string(span),
                                         limit_name,
                                         to_string(limit));
    // With a short interval and the default timeout the interval is what the user wrote.
    if (const auto value = fields.find(name)) {
        value->refuse(what);
    } else if (const auto value_of_limit = fields.find(limit_name)) {
        value_of_limit->refuse(fmt::format("is {}, shorter than the default {} of {}; set {} too",
                                           to_string(limit),
                                           name,
                                           to_string(span),
                                           name));
    }
}

PhaseTimeouts decode_timeouts(const Value& value, Duration timeout) {
    PhaseTimeouts timeouts;
    const Fields fields(value, {"resolve", "connect", "tls", "first_byte", "reply"});
    const auto read = [&](std::string_view name, std::optional<Duration>& into) {
        const auto span = fields.find(name);
        if (!span) return;
        into = read_duration(*span, bounds::timeout);
        if (into && *into > timeout)
            span->refuse(fmt::format("is {}, longer than the timeout of {}; must be at most that",
                                     to_string(*into),
                                     to_string(timeout)));
    };
    read("resolve", timeouts.resolve);
    read("connect", timeouts.connect);
    read("tls", timeouts.tls);
    read("first_byte", timeouts.first_byte);
    read("reply", timeouts.reply);
    return timeouts;
}

json::object encode(const PhaseTimeouts& timeouts, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    writer.optional("resolve", timeouts.resolve);
    writer.optional("connect", timeouts.connect);
    writer.optional("tls", timeouts.tls);
    writer.optional("first_byte", timeouts.first_byte);
    writer.optional("reply", timeouts.reply);
    return writer.take();
}

SharedValue<FlapDamping> decode_damping(const Value& value) {
    if (value.node().is_scalar()) {
        const bool on = read_bool(value).value_or(false);
        return on ? SharedValue<FlapDamping>(FlapDamping{}) : SharedValue<FlapDamping>{};
    }
    FlapDamping damping;
    const Fields fields(value, {"half_life", "suppress", "reuse", "max_hold"});
    read_duration(fields, "half_life", damping.half_life, bounds::half_life);
    read_int(fields, "suppress", damping.suppress, bounds::flaps);
    read_int(fields, "reuse", damping.reuse, bounds::flaps);
    read_duration(fields, "max_hold", damping.max_hold, bounds::half_life);
    if (damping.reuse >= damping.suppress) {
        const auto reuse = fields.find("reuse");
        (reuse ? *reuse : value)
            .refuse(fmt::format("reuse is {} and suppress {}; reuse must be less than suppress",
                                damping.reuse,
                                damping.suppress));
    }
    return damping;
}

json::object encode(const FlapDamping& damping) {
    FieldWriter writer(Verbosity::full);
    const FlapDamping standard;
    writer.field("half_life", damping.half_life, standard.half_life);
    writer.field("suppress", damping.suppress, standard.suppress);
    writer.field("reuse", damping.reuse, standard.reuse);
    writer.field("max_hold", damping.max_hold, standard.max_hold);
    return writer.take();
}

/// What a fixed word or a header field can't be looked for in.
void refuse_intent_elsewhere(const Fields& fields, const CheckSpec& check) {
    if (!check.intent || std::holds_alternative<HttpCheck>(check.probe.kind)) return;
    if (check.intent->header.empty() && !check.intent->json) return;
    fields.find("intent")->refuse(
        "looks for a header or JSON, which only http replies have; other kinds have agent");
}

bool has_key(const Node& map, std::string_view key) {
    for (std::size_t i = 0; i < map.items.size(); i += 2) {
        if (map.items[i].text == key) return true;
    }
    return false;
}

}  // namespace

CheckSpec decode_check(const Value& value) {
    CheckSpec check;
    const Fields fields(value, check_fields());
    check.probe = decode_probe(fields);
    read_duration(fields, "interval", check.interval, bounds::interval);
    if (const auto fast = fields.find("fast_interval")) {
        check.fast_interval = read_duration(*fast, bounds::interval);
        if (check.fast_interval)
            refuse_longer(
                fields, "fast_interval", *check.fast_interval, "interval", check.interval);
    }
    if (const auto down = fields.find("down_interval"))
        check.down_interval = read_duration(*down, bounds::interval);
    read_duration(fields, "timeout", check.timeout, bounds::timeout);
    refuse_longer(fields, "timeout", check.timeout, "interval", check.interval);
    if (const auto timeouts = fields.find("timeouts"))
        check.timeouts = decode_timeouts(*timeouts, check.timeout);
    read_duration(fields, "jitter", check.jitter, bounds::jitter);
    refuse_longer(fields, "jitter", check.jitter, "interval", check.interval);
    read_int(fields, "rise", check.rise, bounds::threshold);
    read_int(fields, "fall", check.fall, bounds::threshold);
    read_enum(fields, "initial", check.initial);
    read_duration(fields, "min_down", check.min_down, bounds::min_down);
    if (const auto damping = fields.find("flap_damping"))
        check.flap_damping = decode_damping(*damping);
    if (const auto intent = fields.find("intent")) {
        if (auto source = decode_intent(*intent)) check.intent = std::move(*source);
        refuse_intent_elsewhere(fields, check);
    }
    if (const auto confirm = fields.find("confirm")) {
        if (const auto number = read_int(*confirm, bounds::confirm))
            check.confirm = static_cast<int>(*number);
    }
    if (const auto port = fields.find("port")) {
        if (const auto number = read_int(*port, bounds::port))
            check.port = static_cast<std::uint16_t>(*number);
    }
    return check;
}

SharedValue<BackendCheck> decode_backend_check(const Value& value,
                                               const std::optional<Value>& of_group) {
    const Node& own = value.node();
    if (own.kind != Node::Kind::map || own.items.empty()) {
        // Says what is wrong with it.
        const Fields fields(value, check_fields());
        return {};
    }
    // One map of both, as if it had been written so; what is the backend's keeps its place.
    Node both = own;
    if (of_group && of_group->node().kind == Node::Kind::map) {
        const std::vector<std::string_view> around = probe_fields();
        const bool own_probe = std::ranges::any_of(
            around, [&own](std::string_view name) { return has_key(own, name); });
        const std::vector<Node>& theirs = of_group->node().items;
        for (std::size_t i = 0; i + 1 < theirs.size(); i += 2) {
            const std::string& key = theirs[i].text;
            const bool replaced = own_probe && std::ranges::find(around, key) != around.end();
            if (replaced || has_key(own, key)) continue;
            both.items.push_back(theirs[i]);
            both.items.push_back(theirs[i + 1]);
        }
    }
    BackendCheck check{.check = decode_check(value.with(both))};
    const json::object all = encode(check.check, Verbosity::full);
    json::object fields;
    for (const std::string_view name : check_fields()) {
        if (!has_key(own, name)) continue;
        const auto* const written = all.if_contains(name);
        fields.emplace(name, written != nullptr ? *written : json::object{});
    }
    check.fields = json::serialize(fields);
    return check;
}

json::object encode(const CheckSpec& check, Verbosity verbosity) {
    const CheckSpec standard;
    FieldWriter writer(verbosity);
    encode_probe(check.probe, verbosity, writer);
    writer.field("interval", check.interval, standard.interval);
    writer.optional("fast_interval", check.fast_interval);
    writer.optional("down_interval", check.down_interval);
    writer.field("timeout", check.timeout, standard.timeout);
    writer.map("timeouts", encode(check.timeouts, verbosity));
    writer.field("jitter", check.jitter, standard.jitter);
    writer.field("rise", check.rise, standard.rise);
    writer.field("fall", check.fall, standard.fall);
    writer.field(
        "initial", std::string(word_of(check.initial)), std::string(word_of(standard.initial)));
    writer.field("min_down", check.min_down, standard.min_down);
    if (check.flap_damping) writer.put("flap_damping", encode(*check.flap_damping));
    if (check.intent) writer.put("intent", encode(*check.intent, verbosity));
    writer.optional("confirm", check.confirm);
    writer.optional("port", check.port);
    return writer.take();
}

}  // namespace muster::config
