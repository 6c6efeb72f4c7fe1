#include "common/config/fleet_order.hpp"

#include <string_view>

namespace muster::config {
namespace {

/// *.example.org has all below example.org, at any depth, but not example.org.
bool host_covers(std::string_view host, std::string_view other) {
    if (host.empty() || host == other) return true;
    return host.starts_with("*.") && other.ends_with(host.substr(1));
}

/// Any path begins with /.
bool path_covers(std::string_view path, std::string_view other) {
    return path.empty() || path == "/" || other.starts_with(path);
}

bool is_any(std::string_view address) {
    return address.empty() || address == "0.0.0.0" || address == "::";
}

}  // namespace

bool takes_all_of(const Route& earlier, const Route& later) {
    return host_covers(earlier.host, later.host) && path_covers(earlier.path, later.path);
}

bool takes_everything(const Route& route) {
    return takes_all_of(route, Route{});
}

bool bind_alike(const Listener& one, const Listener& other) {
    if (one.port != other.port) return false;
    if (one.address == other.address) return true;
    return (one.address.empty() && is_any(other.address)) ||
           (other.address.empty() && is_any(one.address));
}

std::map<GroupName, std::set<std::string>> groups_of(const FleetSpec& fleet) {
    std::map<GroupName, std::set<std::string>> groups;
    for (const Listener& listener : fleet.listeners) {
        if (!listener.group.empty()) groups[listener.group].insert(listener.name);
        for (const Route& route : listener.routes) groups[route.group].insert(listener.name);
    }
    return groups;
}

}  // namespace muster::config
