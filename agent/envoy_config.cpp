#include "agent/envoy_config.hpp"

#include "agent/lb_addresses.hpp"
#include "agent/lb_hash.hpp"
#include "agent/lb_uses.hpp"
#include "agent/lb_values.hpp"
#include "common/config/endpoint.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

namespace muster::agent {
namespace {

namespace json = boost::json;
using config::Algorithm;

constexpr std::string_view cluster_type = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
constexpr std::string_view endpoints_type =
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "envoy"; }

    std::string message(int value) const override {
        switch (static_cast<EnvoyErrc>(value)) {
            case EnvoyErrc::hostile_value:
                return "refused for Envoy";
            case EnvoyErrc::not_ready:
                return "Envoy is not ready";
        }
        return "unknown error";
    }
};

Result<void> check_for_envoy(const LbState& state, const EnvoySettings& settings) {
    ValueCheck check("settings: ", EnvoyErrc::hostile_value);
    check.file("directory", settings.directory);
    check.must(settings.admin.empty() || config::parse_endpoint(settings.admin).has_value(),
               "admin",
               settings.admin,
               "must be host:port");
    check.number("capacity", settings.capacity, 1, most_of_anything);
    check.number("retry percent", settings.retry_percent, 0, 100);
    if (const auto right = check.result(); !right) return right;
    return check_state(state, EnvoyErrc::hostile_value);
}

std::string seconds(config::Duration span) {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(span).count();
    return fmt::format("{}.{:03}s", count / 1000, count % 1000);
}

std::string response(std::string_view type, json::array resources) {
    const std::uint64_t version = hash_of(json::serialize(resources));
    return json::serialize(json::object{{"version_info", fmt::format("{:016x}", version)},
                                        {"type_url", type},
                                        {"resources", std::move(resources)}}) +
           "\n";
}

std::string endpoints_file(const GroupName& group) {
    return fmt::format("endpoints/{}.json", group.str());
}

std::string_view health_of(const Server& server) {
    switch (server.state) {
        case ServerState::ready:
            return server.weight > 0 ? "HEALTHY" : "DRAINING";
        case ServerState::drain:
            return "DRAINING";
        case ServerState::maintenance:
            break;
    }
    return "UNHEALTHY";
}

class Renderer {
 public:
    Renderer(const LbState& state,
             const EnvoySettings& settings,
             const std::map<std::string, std::string>& addresses)
        : state_(state), settings_(settings), addresses_(addresses) {}

    RenderedEnvoy render() {
        std::map<GroupName, const Pool*> pools;
        for (const Use& use : uses_of(state_.listeners)) pools[use.first] = nullptr;
        for (const Pool& pool : state_.pools) pools[pool.group] = &pool;
        json::array clusters;
        for (const auto& [group, known] : pools) {
            const Pool pool = known != nullptr ? *known : Pool{.group = group};
            if (known == nullptr) note(pool, "there is no such group: it has no servers");
            clusters.push_back(cluster(pool));
            made_.endpoints.emplace(endpoints_file(group),
                                    response(endpoints_type, {assignment(pool)}));
        }
        made_.clusters = response(cluster_type, std::move(clusters));
        return std::move(made_);
    }

 private:
    void note(const Pool& pool, std::string_view text) {
        made_.notes.push_back(fmt::format("group '{}': {}", pool.group.str(), text));
    }

    void hashed(json::object& cluster,
                const Pool& pool,
                std::string_view policy,
                std::string_view of) {
        cluster["lb_policy"] = policy;
        note(pool, fmt::format("Envoy hashes what the route's hash_policy names: give it {}", of));
    }

    void least(json::object& cluster, int of) {
        cluster["lb_policy"] = "LEAST_REQUEST";
        cluster["least_request_lb_config"] = json::object{{"choice_count", of}};
    }

    void policy(json::object& cluster, const Pool& pool) {
        constexpr std::string_view source = "connection_properties.source_ip";
        if (pool.lb.sticky_source) return hashed(cluster, pool, "RING_HASH", source);
        switch (pool.lb.algorithm) {
            case Algorithm::round_robin:
            case Algorithm::weighted_round_robin:
                cluster["lb_policy"] = "ROUND_ROBIN";
                return;
            case Algorithm::least_response_time:
                note(pool, "Envoy can't do least_response_time: least requests instead");
                return least(cluster, 5);
            case Algorithm::least_connections:
                return least(cluster, 5);
            case Algorithm::random_two_choices:
                return least(cluster, 2);
            case Algorithm::source_hash:
                return hashed(cluster, pool, "RING_HASH", source);
            case Algorithm::uri_hash:
                return hashed(cluster, pool, "RING_HASH", "the header :path");
            case Algorithm::maglev:
                return hashed(cluster, pool, "MAGLEV", source);
        }
    }

    json::object common(const Pool& pool) {
        json::object common{{"healthy_panic_threshold", json::object{{"value", 0}}}};
        if (pool.lb.sticky_cookie.empty()) return common;
        note(pool,
             fmt::format("Envoy sticks by the filter envoy.filters.http.stateful_session of its "
                         "listeners: give it the cookie {}",
                         pool.lb.sticky_cookie));
        common["override_host_status"] =
            json::object{{"statuses", json::array{"UNKNOWN", "HEALTHY", "DEGRADED", "DRAINING"}}};
        return common;
    }

    /// Envoy's own limits are 1,024 of each, which is little for an LB.
    json::object circuit_breakers(const Pool& pool) {
        json::object most{{"max_connections", settings_.capacity},
                          {"max_pending_requests", settings_.capacity},
                          {"max_requests", settings_.capacity}};
        if (pool.lb.retries == 0) {
            most["max_retries"] = 0;
        } else {
            most["retry_budget"] =
                json::object{{"budget_percent", json::object{{"value", settings_.retry_percent}}},
                             {"min_retry_concurrency", 10}};
        }
        json::object all{{"thresholds", json::array{std::move(most)}}};
        std::optional<int> least_of_servers;
        bool differ = false;
        for (const Server& server : pool.servers) {
            differ = differ || server.max_connections != pool.servers.front().max_connections;
            if (server.max_connections)
                least_of_servers =
                    std::min(*server.max_connections, least_of_servers.value_or(most_of_anything));
        }
        if (!least_of_servers) return all;
        if (differ) note(pool, "Envoy has one limit of connections for all servers: the least");
        all["per_host_thresholds"] =
            json::array{json::object{{"max_connections", *least_of_servers}}};
        return all;
    }

    json::object cluster(const Pool& pool) {
        json::object cluster{
            {"@type", cluster_type},
            {"name", pool.group.str()},
            {"type", "EDS"},
            {"eds_cluster_config",
             json::object{
                 {"service_name", pool.group.str()},
                 {"eds_config",
                  json::object{{"resource_api_version", "V3"},
                               {"path_config_source",
                                json::object{{"path",
                                              fmt::format("{}/{}",
                                                          settings_.directory,
                                                          endpoints_file(pool.group))}}}}}}},
            {"connect_timeout", seconds(pool.lb.connect_timeout)}};
        policy(cluster, pool);
        cluster["common_lb_config"] = common(pool);
        cluster["circuit_breakers"] = circuit_breakers(pool);
        return cluster;
    }

    json::object assignment(const Pool& pool) {
        json::array servers;
        for (const Server& server : pool.servers) {
            const std::string* address = address_of(server, addresses_);
            if (address == nullptr) {
                note(pool,
                     fmt::format("server '{}': no address is known for '{}': it is left out",
                                 server.id.str(),
                                 server.address));
                continue;
            }
            const json::object place{{"address", *address}, {"port_value", server.port}};
            servers.push_back(json::object{
                {"endpoint", json::object{{"address", json::object{{"socket_address", place}}}}},
                {"health_status", health_of(server)},
                {"load_balancing_weight", std::max(server.weight, 1)}});
        }
        json::object assignment{{"@type", endpoints_type}, {"cluster_name", pool.group.str()}};
        if (!servers.empty())
            assignment["endpoints"] =
                json::array{json::object{{"lb_endpoints", std::move(servers)}}};
        return assignment;
    }

    const LbState& state_;
    const EnvoySettings& settings_;
    const std::map<std::string, std::string>& addresses_;
    RenderedEnvoy made_;
};

}  // namespace

const std::error_category& envoy_category() {
    static const Category instance;
    return instance;
}

Result<RenderedEnvoy> render_envoy(const LbState& state,
                                   const EnvoySettings& settings,
                                   const std::map<std::string, std::string>& addresses) {
    if (const auto right = check_for_envoy(state, settings); !right)
        return tl::unexpected(right.error());
    return Renderer(state, settings, addresses).render();
}

}  // namespace muster::agent
