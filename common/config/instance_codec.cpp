#include "common/config/instance_codec.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/enum_words.hpp"
#include "common/config/fleet_limits.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace muster::config {
namespace {

void read_address(const Value& value, FleetInstance& instance) {
    const auto text = read_text(value, rules::endpoint);
    if (!text) return;
    const auto endpoint = parse_endpoint(*text);
    if (!is_destination(endpoint->host)) {
        value.refuse(
            fmt::format("is {}, where nothing can listen; must be the LB's own address", *text));
        return;
    }
    instance.address = endpoint->host;
    instance.port = endpoint->port;
}

FleetInstance decode_instance(const Value& value) {
    FleetInstance instance;
    const Fields fields(value, {"name", "address", "weight", "zone", "state"});
    if (const auto name = fields.require("name", "the instance's name"))
        instance.id = InstanceId(read_text(*name, rules::name).value_or(""));
    if (const auto address = fields.require("address", "host:port"))
        read_address(*address, instance);
    read_int(fields, "weight", instance.weight, bounds::weight);
    read_text(fields, "zone", instance.zone, rules::zone);
    read_enum(fields, "state", instance.admin);
    return instance;
}

std::string address_of(const FleetInstance& instance) {
    return to_string(Endpoint{.host = instance.address, .port = instance.port});
}

}  // namespace

std::vector<FleetInstance> decode_instances(const Value& list) {
    std::vector<FleetInstance> instances;
    const std::vector<Value> elements = elements_of(list, bounds::instances);
    for (const Value& element : elements) {
        FleetInstance instance = decode_instance(element);
        const auto place_of = [&](auto found) {
            return elements[static_cast<std::size_t>(found - instances.begin())].path();
        };
        const auto same_name = std::ranges::find(instances, instance.id, &FleetInstance::id);
        if (!instance.id.empty() && same_name != instances.end())
            element.refuse(fmt::format("is instance {} a second time; the first is {}",
                                       instance.id.str(),
                                       place_of(same_name)));
        const auto same_place = std::ranges::find(instances, address_of(instance), address_of);
        if (instance.port != 0 && same_place != instances.end())
            element.refuse(fmt::format("is at {}, as {} is; each LB must have its own address",
                                       address_of(instance),
                                       place_of(same_place)));
        instances.push_back(std::move(instance));
    }
    std::ranges::sort(instances, {}, &FleetInstance::id);
    return instances;
}

InstanceHealth decode_instance_health(const Value& value) {
    InstanceHealth health;
    const Fields fields(
        value, {"interval", "timeout", "rise", "fall", "requests", "agent_port", "forget_after"});
    read_duration(fields, "interval", health.interval, bounds::interval);
    // Who only probes more often means no more than that.
    health.timeout = std::min(health.timeout, health.interval);
    read_duration(fields, "timeout", health.timeout, bounds::timeout);
    if (health.timeout > health.interval)
        fields.find("timeout")->refuse(
            fmt::format("is {}, and interval is {}; must be at most that",
                        to_string(health.timeout),
                        to_string(health.interval)));
    read_int(fields, "rise", health.rise, bounds::threshold);
    read_int(fields, "fall", health.fall, bounds::threshold);
    read_bool(fields, "requests", health.requests);
    if (const auto port = fields.find("agent_port")) {
        if (const auto number = read_int(*port, bounds::port))
            health.agent_port = static_cast<std::uint16_t>(*number);
    }
    read_duration(fields, "forget_after", health.forget_after, bounds::forget_after);
    return health;
}

json::array encode(const std::vector<FleetInstance>& instances, Verbosity verbosity) {
    const FleetInstance standard;
    json::array list;
    for (const FleetInstance& instance : instances) {
        FieldWriter writer(verbosity);
        writer.put("name", json::string(instance.id.str()));
        writer.put("address", json::string(address_of(instance)));
        writer.field("weight", instance.weight, standard.weight);
        writer.optional("zone", instance.zone);
        writer.field("state", instance.admin, standard.admin);
        list.push_back(writer.take());
    }
    return list;
}

json::object encode(const InstanceHealth& health, Verbosity verbosity) {
    const InstanceHealth standard;
    FieldWriter writer(verbosity);
    writer.field("interval", health.interval, standard.interval);
    // What it is without being written depends on the interval.
    writer.field("timeout", health.timeout, std::min(standard.timeout, health.interval));
    writer.field("rise", health.rise, standard.rise);
    writer.field("fall", health.fall, standard.fall);
    writer.field("requests", health.requests, standard.requests);
    writer.optional("agent_port", health.agent_port);
    writer.field("forget_after", health.forget_after, standard.forget_after);
    return writer.take();
}

}  // namespace muster::config
