#include "common/config/instance_check.hpp"

#include "common/config/endpoint.hpp"
#include "common/config/fleet_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster::config {
namespace {

bool is_any(std::string_view address) {
    return address.empty() || address == "0.0.0.0" || address == "::";
}

/// What is asked for to get to a group.
struct Target {
    GroupName group;
    Route request;  ///< its host may be empty: the LB's address
};

/// Where the listener sends the request.
const GroupName& group_for(const Listener& listener, const Route& request) {
    const auto takes = [&](const Route& route) { return takes_all_of(route, request); };
    const auto route = std::ranges::find_if(listener.routes, takes);
    return route == listener.routes.end() ? listener.group : route->group;
}

Route request_for(const Route& route) {
    Route request{.host = route.host, .path = route.path.empty() ? "/" : route.path};
    if (request.host.starts_with("*.")) request.host = "muster" + request.host.substr(1);
    return request;
}

/// Of each group that it leads to the first request that is sure to get there.
std::vector<Target> targets_of(const Listener& listener) {
    std::vector<Target> targets;
    const auto add = [&](const GroupName& group, Route request) {
        const bool known = std::ranges::find(targets, group, &Target::group) != targets.end();
        if (known || group.empty() || group_for(listener, request) != group) return;
        targets.push_back({.group = group, .request = std::move(request)});
    };
    for (const Route& route : listener.routes) add(route.group, request_for(route));
    add(listener.group, request_for(Route{}));
    return targets;
}

ProbeSpec over(const Listener& listener, ProbeKind kind, const std::string& host) {
    ProbeSpec probe;
    probe.kind = std::move(kind);
    if (listener.tls.on()) {
        // Whether clients trust its certificate is another question than whether it serves.
        probe.tls = TlsSettings{.sni = is_host_name(host) ? host : "", .verify = false};
    }
    return probe;
}

std::string some_host(const Listener& listener) {
    return listener.routes.empty() ? "" : request_for(listener.routes.front()).host;
}

CompositePart listener_part(const Listener& listener) {
    return {.name = "listener " + listener.name,
            .probe = over(listener, TcpCheck{}, some_host(listener)),
            .port = listener.port,
            .of_lb = LbPart{.kind = LbPart::Kind::listener, .listener = listener.name}};
}

CompositePart request_part(const Listener& listener, const Target& target) {
    HttpCheck http{.path = target.request.path,
                   .host = target.request.host,
                   .expect_status = {{.first = 100, .last = 499}}};
    return {
        .name = fmt::format("group {} by listener {}", target.group.str(), listener.name),
        .probe = over(listener, std::move(http), target.request.host),
        .port = listener.port,
        .of_lb = LbPart{
            .kind = LbPart::Kind::request, .listener = listener.name, .group = target.group.str()}};
}

class Builder {
 public:
    explicit Builder(const FleetSpec& fleet) : fleet_(fleet) { check_.fleet = fleet.name.str(); }

    CompositeCheck run(std::string_view host) {
        for (const Listener& listener : fleet_.listeners) {
            const bool reached = is_any(listener.address) || listener.address == host;
            if (reached) add(listener);
        }
        if (check_.parts.empty()) {
            check_.parts.push_back({.name = "its address",
                                    .probe = TcpCheck{},
                                    .of_lb = LbPart{.kind = LbPart::Kind::listener}});
        }
        if (fleet_.health.agent_port) {
            check_.parts.push_back(
                {.name = "agent",
                 .probe =
                     HttpCheck{.path = "/healthz", .expect_status = {{.first = 200, .last = 200}}},
                 .port = fleet_.health.agent_port,
                 .of_lb = LbPart{.kind = LbPart::Kind::agent}});
        }
        return std::move(check_);
    }

 private:
    void add(const Listener& listener) {
        if (listener.mode == ListenMode::tcp || !fleet_.health.requests) {
            check_.parts.push_back(listener_part(listener));
            return;
        }
        // The requests of one probe come at once, and from one address.
        const int limit = listener.limits.connections_per_client;
        const std::size_t room = std::min(
            most_requests - requests_, limit > 0 ? static_cast<std::size_t>(limit) : most_requests);
        const std::vector<Target> targets = targets_of(listener);
        std::size_t sent = 0;
        for (const Target& target : targets) {
            if (sent == room || !requested_.insert(target.group).second) continue;
            check_.parts.push_back(request_part(listener, target));
            ++sent;
        }
        if (sent == 0 && room > 0 && !targets.empty()) {
            check_.parts.push_back(request_part(listener, targets.front()));
            ++sent;
        }
        if (sent == 0) check_.parts.push_back(listener_part(listener));
        requests_ += sent;
    }

    const FleetSpec& fleet_;
    CompositeCheck check_;
    std::set<GroupName> requested_;
    std::size_t requests_ = 0;
};

}  // namespace

CheckSpec check_of_instance(const FleetSpec& fleet, std::string_view host) {
    const InstanceHealth& health = fleet.health;
    CheckSpec check;
    check.probe.kind = Builder(fleet).run(host);
    check.interval = health.interval;
    check.timeout = health.timeout;
    check.rise = health.rise;
    check.fall = health.fall;
    return check;
}

}  // namespace muster::config
