#include "common/config/fleet_codec.hpp"

#include "common/config/dns_codec.hpp"
#include "common/config/endpoint.hpp"
#include "common/config/enum_words.hpp"
#include "common/config/field_writer.hpp"
#include "common/config/fleet_limits.hpp"
#include "common/config/fleet_order.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/instance_codec.hpp"
#include "common/config/scaling_codec.hpp"
#include "common/config/text_rules.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace muster::config {

template <>
struct EnumWords<ListenMode> {
    static constexpr std::array<std::pair<ListenMode, std::string_view>, 2> words = {{
        {ListenMode::http, "http"},
        {ListenMode::tcp, "tcp"},
    }};
};

namespace {

constexpr std::string_view some_group = "a group's name";

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

GroupName group_of(const Value& value) {
    return GroupName(read_text(value, rules::name).value_or(""));
}

void read_certificates(const Value& list, TextRule rule, std::vector<std::string>& into) {
    if (list.node().kind == Node::Kind::list && list.node().items.empty())
        list.refuse("is an empty list; must have a certificate, or leave tls out");
    for (const Value& element : elements_of(list, bounds::certificates)) {
        auto text = read_text(element, rule);
        if (!text) continue;
        if (std::ranges::find(into, *text) != into.end()) {
            element.refuse(fmt::format("is {} a second time; each is read once", *text));
        } else {
            into.push_back(std::move(*text));
        }
    }
}

ListenerTls decode_tls_of_listener(const Value& value) {
    ListenerTls tls;
    const Fields fields(value, {"certificates", "secrets", "minimum"});
    const auto secrets = fields.find("secrets");
    const auto files = secrets
                           ? fields.find("certificates")
                           : fields.require("certificates", "a list of PEM files on the LB's host");
    if (files) read_certificates(*files, rules::certificate_path, tls.certificates);
    if (secrets) read_certificates(*secrets, rules::name, tls.secrets);
    TlsVersion minimum = TlsVersion::tls12;
    read_enum(fields, "minimum", minimum);
    tls.minimum = word_of(minimum);
    return tls;
}

/// Nothing when what it would match is not known.
std::optional<Route> decode_route(const Value& value) {
    Route route;
    const Fields fields(value, {"host", "path", "group"});
    const auto host = fields.find("host");
    const auto path = fields.find("path");
    if (host) route.host = lower(read_text(*host, rules::route_host).value_or(""));
    if (path) route.path = read_text(*path, rules::route_path).value_or("");
    if (const auto group = fields.require("group", some_group)) route.group = group_of(*group);
    if (value.node().kind == Node::Kind::map && !host && !path)
        value.refuse("has no host and no path; must have one of them, or both");
    const bool known = (!host || !route.host.empty()) && (!path || !route.path.empty());
    return known && (host || path) ? std::optional(std::move(route)) : std::nullopt;
}

void read_routes(const Value& list, const std::optional<Value>& group, Listener& listener) {
    const std::vector<Value> elements = elements_of(list, bounds::routes);
    std::vector<const Value*> places;
    for (const Value& element : elements) {
        std::optional<Route> route = decode_route(element);
        if (!route) continue;
        const auto hides = [&](const Route& earlier) { return takes_all_of(earlier, *route); };
        const auto first = std::ranges::find_if(listener.routes, hides);
        if (first != listener.routes.end()) {
            element.refuse(fmt::format(
                "is never reached: {} takes all that it would; must stand before that one",
                places[static_cast<std::size_t>(first - listener.routes.begin())]->path()));
            continue;
        }
        listener.routes.push_back(std::move(*route));
        places.push_back(&element);
    }
    // Nothing that is reached comes after one of these.
    if (group && !listener.routes.empty() && takes_everything(listener.routes.back()))
        group->refuse(fmt::format("is never reached: {} takes every request; leave one of them out",
                                  places.back()->path()));
}

ClientLimits decode_limits(const Value& value) {
    ClientLimits limits;
    const Fields fields(value,
                        {"connections", "connections_per_client", "requests_per_client", "period"});
    read_int(fields, "connections", limits.connections, bounds::client_limit);
    read_int(fields, "connections_per_client", limits.connections_per_client, bounds::client_limit);
    read_int(fields, "requests_per_client", limits.requests_per_client, bounds::client_limit);
    read_duration(fields, "period", limits.period, bounds::limit_period);
    if (limits.connections > 0 && limits.connections_per_client > limits.connections) {
        fields.find("connections_per_client")
            ->refuse(fmt::format("is {}, and connections is {}; must be at most that",
                                 limits.connections_per_client,
                                 limits.connections));
    }
    const bool counts = limits.requests_per_client > 0;
    if (!counts && limits.period != ClientLimits{}.period)
        fields.find("period")->refuse("stands without requests_per_client, whose period it is");
    return limits;
}

/// Where what comes in goes to.
void read_targets(const Value& value, const Fields& fields, Listener& listener) {
    const auto routes = fields.find("routes");
    const auto group = fields.find("group");
    if (group) listener.group = group_of(*group);
    if (listener.mode == ListenMode::tcp) {
        if (routes)
            routes->refuse("stands in a tcp listener, which sees no requests; leave it out");
        static_cast<void>(fields.require("group", some_group));
        return;
    }
    if (routes) read_routes(*routes, group, listener);
    const bool no_routes =
        !routes || (routes->node().kind == Node::Kind::list && routes->node().items.empty());
    if (value.node().kind == Node::Kind::map && !group && no_routes)
        value.refuse("leads nowhere; must have a group, or routes to groups");
}

Listener decode_listener(const Value& value) {
    Listener listener;
    const Fields fields(value,
                        {"name", "bind", "mode", "tls", "routes", "group", "timeouts", "limits"});
    if (const auto name = fields.require("name", "the listener's name"))
        listener.name = read_text(*name, rules::name).value_or("");
    if (const auto bind = fields.require("bind", ":port or address:port")) {
        if (const auto text = read_text(*bind, rules::bind)) {
            const auto place = parse_bind(*text);
            listener.address = place->host;
            listener.port = place->port;
        }
    }
    read_enum(fields, "mode", listener.mode);
    if (const auto tls = fields.find("tls")) listener.tls = decode_tls_of_listener(*tls);
    read_targets(value, fields, listener);
    if (const auto timeouts = fields.find("timeouts")) {
        const Fields spans(*timeouts, {"client", "tunnel"});
        read_duration(spans, "client", listener.client_timeout, bounds::lb_timeout);
        read_duration(spans, "tunnel", listener.tunnel_timeout, bounds::lb_timeout);
    }
    if (const auto limits = fields.find("limits")) listener.limits = decode_limits(*limits);
    return listener;
}

std::string bind_of(const Listener& listener) {
    return to_string(Endpoint{.host = listener.address, .port = listener.port});
}

/// `places` are those of `earlier`.
void refuse_doubles(const Value& element,
                    const Listener& listener,
                    const std::vector<Listener>& earlier,
                    const std::vector<Value>& places) {
    const auto place_of = [&](auto found) {
        return places[static_cast<std::size_t>(found - earlier.begin())].path();
    };
    const auto same_name = std::ranges::find(earlier, listener.name, &Listener::name);
    if (!listener.name.empty() && same_name != earlier.end())
        element.refuse(fmt::format(
            "is listener {} a second time; the first is {}", listener.name, place_of(same_name)));
    const auto same_bind = std::ranges::find_if(
        earlier, [&](const Listener& other) { return bind_alike(other, listener); });
    if (listener.port != 0 && same_bind != earlier.end())
        element.refuse(fmt::format("binds {}, as {} does ({}); only one of them can listen there",
                                   bind_of(listener),
                                   place_of(same_bind),
                                   bind_of(*same_bind)));
}

json::object encode(const Route& route) {
    FieldWriter writer(Verbosity::changed_only);
    writer.optional("host", route.host);
    writer.optional("path", route.path);
    writer.put("group", json::string(route.group.str()));
    return writer.take();
}

json::object encode(const ClientLimits& limits, Verbosity verbosity) {
    const ClientLimits standard;
    FieldWriter writer(verbosity);
    writer.field("connections", limits.connections, standard.connections);
    writer.field(
        "connections_per_client", limits.connections_per_client, standard.connections_per_client);
    writer.field("requests_per_client", limits.requests_per_client, standard.requests_per_client);
    writer.field("period", limits.period, standard.period);
    return writer.take();
}

json::object encode(const ListenerTls& tls, Verbosity verbosity) {
    FieldWriter writer(verbosity);
    if (!tls.on()) return writer.take();
    if (!tls.certificates.empty())
        writer.put("certificates", json::array(tls.certificates.begin(), tls.certificates.end()));
    if (!tls.secrets.empty())
        writer.put("secrets", json::array(tls.secrets.begin(), tls.secrets.end()));
    writer.field("minimum", tls.minimum, ListenerTls{}.minimum);
    return writer.take();
}

json::object encode(const Listener& listener, Verbosity verbosity) {
    const Listener standard;
    FieldWriter writer(verbosity);
    writer.put("name", json::string(listener.name));
    writer.put("bind", json::string(bind_of(listener)));
    writer.field("mode", std::string(word_of(listener.mode)), std::string(word_of(standard.mode)));
    writer.map("tls", encode(listener.tls, verbosity));
    json::array routes;
    for (const Route& route : listener.routes) routes.push_back(encode(route));
    if (!routes.empty()) writer.put("routes", std::move(routes));
    writer.optional("group", listener.group.str());
    FieldWriter timeouts(verbosity);
    timeouts.field("client", listener.client_timeout, standard.client_timeout);
    timeouts.field("tunnel", listener.tunnel_timeout, standard.tunnel_timeout);
    writer.map("timeouts", timeouts.take());
    writer.map("limits", encode(listener.limits, verbosity));
    return writer.take();
}

json::object encode_fields(const FleetSpec& fleet, Verbosity verbosity) {
    json::array listeners;
    for (const Listener& listener : fleet.listeners)
        listeners.push_back(encode(listener, verbosity));
    json::object fields{{"listeners", std::move(listeners)}};
    if (!fleet.instances.empty()) fields["instances"] = encode(fleet.instances, verbosity);
    if (json::object health = encode(fleet.health, verbosity); !health.empty())
        fields["health"] = std::move(health);
    if (!fleet.dns.empty()) fields["dns"] = encode(fleet.dns, verbosity);
    if (fleet.provider) fields["provider"] = encode(*fleet.provider, verbosity);
    if (fleet.scaling) fields["scaling"] = encode(*fleet.scaling, verbosity);
    return fields;
}

/// Who makes the LBs, and how many.
void read_scaling(const Fields& fields, FleetSpec& fleet) {
    const auto scaling = fields.find("scaling");
    const auto provider = fields.find("provider");
    const auto instances = fields.find("instances");
    if (scaling) fleet.scaling = decode_scaling(*scaling);
    if (provider) fleet.provider = decode_provider(*provider);
    if (provider && instances)
        instances->refuse("stands beside provider, which makes the LBs; write one of them");
    if (provider && !scaling)
        provider->refuse(
            "stands without scaling, which says how many LBs to make, such as {min: 2, max: 2}");
    const bool is_map = scaling && scaling->node().kind == Node::Kind::map;
    if (is_map && !provider && !fleet.scaling->shadow)
        scaling->refuse(
            "stands without provider, which makes the LBs; write it, or shadow: true to only see "
            "what would be done");
}

}  // namespace

FleetSpec decode_fleet_spec(const Value& spec) {
    FleetSpec fleet;
    const Fields fields(spec, {"listeners", "instances", "health", "dns", "provider", "scaling"});
    if (const auto instances = fields.find("instances"))
        fleet.instances = decode_instances(*instances);
    if (const auto health = fields.find("health")) fleet.health = decode_instance_health(*health);
    if (const auto dns = fields.find("dns")) fleet.dns = decode_dns_entries(*dns);
    read_scaling(fields, fleet);
    const auto list = fields.require("listeners", "a list of at least one listener");
    if (!list) return fleet;
    if (list->node().kind == Node::Kind::list && list->node().items.empty())
        list->refuse("is an empty list; must have at least one listener");
    const std::vector<Value> elements = elements_of(*list, bounds::listeners);
    for (const Value& element : elements) {
        Listener listener = decode_listener(element);
        refuse_doubles(element, listener, fleet.listeners, elements);
        fleet.listeners.push_back(std::move(listener));
    }
    std::ranges::sort(fleet.listeners, {}, &Listener::name);
    if (const std::size_t bytes = json::serialize(encode_spec(fleet)).size();
        bytes > bounds::fleet_bytes)
        spec.refuse(fmt::format("takes {} bytes; must be at most {}", bytes, bounds::fleet_bytes));
    return fleet;
}

json::value encode(const FleetSpec& fleet, Verbosity verbosity) {
    return json::object{
        {"kind", "Fleet"}, {"name", fleet.name.str()}, {"spec", encode_fields(fleet, verbosity)}};
}

json::value encode_spec(const FleetSpec& fleet) {
    // In full: what is stored must not change its meaning when a later build has other defaults.
    return encode_fields(fleet, Verbosity::full);
}

}  // namespace muster::config
