#include "common/config/check_codec.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/text_rules.hpp"

namespace muster::config {

std::optional<IntentSource> decode_intent(const Value& value) {
    IntentSource intent;
    const Fields fields(value, {"header", "json", "agent", "ttl"});
    read_text(fields, "header", intent.header, rules::field_name);
    if (const auto pointer = fields.find("json")) {
        intent.json = true;
        intent.json_pointer = read_text(*pointer, rules::json_pointer).value_or("");
    }
    if (const auto agent = fields.find("agent")) {
        const Fields settings(*agent, {"port", "send", "interval"});
        if (const auto port = settings.require("port", "the port of the agent, from 1 to 65535")) {
            if (const auto number = read_int(*port, bounds::port))
                intent.agent_port = static_cast<std::uint16_t>(*number);
        }
        read_text(settings, "send", intent.agent_send, rules::script_text);
        read_duration(settings, "interval", intent.agent_interval, bounds::interval);
    }
    read_duration(fields, "ttl", intent.ttl, bounds::intent_ttl);
    if (!fields.find("header") && !fields.find("json") && !fields.find("agent")) {
        value.refuse("says nowhere to look; name header, json or agent");
        return std::nullopt;
    }
    return intent;
}

json::object encode(const IntentSource& intent, Verbosity verbosity) {
    const IntentSource standard;
    FieldWriter writer(verbosity);
    writer.optional("header", intent.header);
    if (intent.json) writer.put("json", json::string(intent.json_pointer));
    if (intent.agent_port) {
        FieldWriter agent(verbosity);
        agent.put("port", *intent.agent_port);
        agent.optional("send", intent.agent_send);
        agent.field("interval", intent.agent_interval, standard.agent_interval);
        writer.put("agent", agent.take());
    }
    writer.field("ttl", intent.ttl, standard.ttl);
    return writer.take();
}

}  // namespace muster::config
