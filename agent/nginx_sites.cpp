#include "agent/nginx_sites.hpp"

#include "agent/nginx_words.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace muster::agent {
namespace {

/// Does a route for `pattern` match every name of the site of `host`?
bool covers(std::string_view pattern, std::string_view host) {
    if (pattern.empty() || pattern == host) return true;
    if (host.starts_with('*')) host.remove_prefix(1);
    return pattern.starts_with("*.") && host.ends_with(pattern.substr(1));
}

bool any_path(const config::Route& route) {
    return route.path.empty() || route.path == "/";
}

NginxSite site_of(const std::string& host, const config::Listener& listener) {
    NginxSite site{.host = host};
    for (const config::Route& route : listener.routes) {
        if (!covers(server_name_of(route.host), host)) continue;
        site.routes.push_back({.path = any_path(route) ? "" : route.path, .group = route.group});
        if (any_path(route)) return site;
    }
    if (!listener.group.empty()) site.routes.push_back({.group = listener.group});
    return site;
}

}  // namespace

std::vector<NginxSite> sites_of(const config::Listener& listener) {
    std::set<std::string> hosts = {""};
    for (const config::Route& route : listener.routes) hosts.insert(server_name_of(route.host));
    std::vector<NginxSite> sites;
    for (const std::string& host : hosts) sites.push_back(site_of(host, listener));
    return sites;
}

}  // namespace muster::agent
