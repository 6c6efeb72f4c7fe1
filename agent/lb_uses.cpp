#include "agent/lb_uses.hpp"

namespace muster::agent {

std::set<Use> uses_of(const std::vector<config::Listener>& listeners) {
    std::set<Use> uses;
    for (const config::Listener& listener : listeners) {
        if (!listener.group.empty()) uses.emplace(listener.group, listener.mode);
        for (const config::Route& route : listener.routes) uses.emplace(route.group, listener.mode);
    }
    return uses;
}

}  // namespace muster::agent
