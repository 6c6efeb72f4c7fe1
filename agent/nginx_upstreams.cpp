#include "agent/nginx_upstreams.hpp"

#include "agent/lb_addresses.hpp"
#include "agent/nginx_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace muster::agent {
namespace {

using config::Algorithm;
using config::ListenMode;

constexpr std::string_view by_source = "hash $remote_addr consistent;";
/// A consistent hash has 160 points for each unit of weight, and sorts them all at every reload: so
/// it gets 4 units for the usual weight, not 100.
constexpr int weight_of_a_unit = 25;

struct Method {
    std::string_view directive;  ///< empty: round robin
    std::string note;
};

Method method_of(Algorithm algorithm, ListenMode mode) {
    switch (algorithm) {
        case Algorithm::round_robin:
        case Algorithm::weighted_round_robin:
            return {};
        case Algorithm::least_connections:
            return {.directive = "least_conn;"};
        case Algorithm::least_response_time:
            return {.directive = "least_conn;",
                    .note = "nginx can't do least_response_time: least connections instead"};
        case Algorithm::source_hash:
            return {.directive = by_source};
        case Algorithm::uri_hash:
            if (mode == ListenMode::http) return {.directive = "hash $uri consistent;"};
            return {.directive = by_source,
                    .note = "there is no URI in tcp mode: consistent hash of the source instead"};
        case Algorithm::maglev:
            return {.directive = by_source,
                    .note = "nginx can't do maglev: consistent hash of the source instead"};
        case Algorithm::random_two_choices:
            return {.directive = "random two least_conn;"};
    }
    return {};
}

Method method_of(const config::LbSettings& lb, ListenMode mode) {
    Method method = method_of(lb.algorithm, mode);
    if (!lb.sticky_cookie.empty()) {
        return {.directive = by_source,
                .note =
                    "nginx can't do sticky cookies: consistent hash of the source instead of "
                    "the algorithm"};
    }
    if (lb.sticky_source && method.directive != by_source) {
        return {.directive = by_source,
                .note =
                    "nginx sticks to a source by a consistent hash of it, instead of the "
                    "algorithm"};
    }
    return method;
}

}  // namespace

NginxUpstreams::NginxUpstreams(const LbState& state,
                               const NginxSettings& settings,
                               const NginxHost& host)
    : settings_(settings), host_(host) {
    for (const Pool& pool : state.pools) pools_.emplace(pool.group, &pool);
}

const Pool* NginxUpstreams::pool(const GroupName& group) const {
    const auto known = pools_.find(group);
    return known == pools_.end() ? nullptr : known->second;
}

bool NginxUpstreams::serves(const GroupName& group) const {
    const Pool* known = pool(group);
    return known != nullptr && std::ranges::any_of(known->servers, [this](const Server& server) {
               return is_usable(server);
           });
}

const std::string* NginxUpstreams::address(const Server& server) const {
    return address_of(server, host_.addresses);
}

bool NginxUpstreams::is_usable(const Server& server) const {
    return server.state == ServerState::ready && server.weight > 0 && address(server) != nullptr;
}

std::string NginxUpstreams::server_line(const Server& server, bool hashed) const {
    const int weight =
        hashed ? (server.weight + weight_of_a_unit / 2) / weight_of_a_unit : server.weight;
    std::string words = fmt::format(
        "    server {} weight={}", nginx_place(*address(server), server.port), std::max(weight, 1));
    if (server.max_connections) words += fmt::format(" max_conns={}", *server.max_connections);
    if (settings_.passive_checks) {
        words += fmt::format(
            " max_fails={} fail_timeout={}s",
            settings_.passive_checks->failures,
            std::chrono::ceil<std::chrono::seconds>(settings_.passive_checks->timeout).count());
    } else {
        words += " max_fails=0";
    }
    if (!is_usable(server)) words += " down";
    return fmt::format("{};  # {}\n", words, server.id.str());
}

std::string NginxUpstreams::render(const Use& use, std::vector<std::string>& notes) const {
    const auto& [group, mode] = use;
    const std::string of = fmt::format(
        "group '{}' in {} mode: ", group.str(), mode == ListenMode::http ? "http" : "tcp");
    const Pool* known = pool(group);
    if (known == nullptr) {
        notes.push_back(of + "there is no such group: it has no servers");
        return {};
    }
    const Method method = method_of(known->lb, mode);
    if (!method.note.empty()) notes.push_back(of + method.note);
    for (const Server& server : known->servers) {
        if (address(server) == nullptr) {
            notes.push_back(fmt::format("{}server '{}': no address is known for '{}': it is down",
                                        of,
                                        server.id.str(),
                                        server.address));
        }
    }
    if (!serves(group)) return {};

    const std::string name = upstream_name(use);
    std::string text = fmt::format("upstream {} {{\n", name);
    // Shared by the workers, so that they count connections and weights together.
    text += fmt::format("    zone {} {}k;\n", name, 64 + known->servers.size());
    if (!method.directive.empty()) text += fmt::format("    {}\n", method.directive);
    for (const Server& server : known->servers) {
        if (address(server) != nullptr)
            text += server_line(server, method.directive.starts_with("hash"));
    }
    if (mode == ListenMode::http && settings_.idle_connections > 0)
        text += fmt::format("    keepalive {};\n", settings_.idle_connections);
    return text + "}\n";
}

}  // namespace muster::agent
