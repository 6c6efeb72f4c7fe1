#include "agent/envoy_config.hpp"

#include "tests/agent/hostile_states.hpp"
#include "tests/agent/lb_samples.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::agent {
namespace {

using config::Algorithm;
using namespace std::chrono_literals;
using test::full_state;
using test::HostileState;
using test::server;
using test::web;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RenderedEnvoy render(const LbState& state) {
    return render_envoy(state, {}).value();
}

boost::json::value only_resource(const std::string& text) {
    return boost::json::parse(text).at("resources").as_array().at(0);
}

std::string endpoints(const LbState& state) {
    return render(state).endpoints.at("endpoints/web.json");
}

TEST(EnvoyConfig, OfOneGroup) {
    Server down = server("b", "10.0.0.2");
    down.state = ServerState::maintenance;
    down.weight = 0;
    Server drains = server("c", "::1");
    drains.state = ServerState::drain;
    const RenderedEnvoy made = render(web({server("a"), down, drains}));
    EXPECT_EQ(only_resource(made.clusters), boost::json::parse(R"({
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": "web",
        "type": "EDS",
        "eds_cluster_config": {
            "service_name": "web",
            "eds_config": {
                "resource_api_version": "V3",
                "path_config_source": {"path": "/etc/envoy/muster/endpoints/web.json"}}},
        "connect_timeout": "5.000s",
        "lb_policy": "ROUND_ROBIN",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": {"thresholds": [{
            "max_connections": 100000,
            "max_pending_requests": 100000,
            "max_requests": 100000,
            "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 10}}]}
    })"));
    ASSERT_EQ(made.endpoints.size(), 1U);
    EXPECT_EQ(only_resource(made.endpoints.at("endpoints/web.json")), boost::json::parse(R"({
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": "web",
        "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {"address": "10.0.0.1", "port_value": 80}}},
             "health_status": "HEALTHY", "load_balancing_weight": 100},
            {"endpoint": {"address": {"socket_address": {"address": "10.0.0.2", "port_value": 80}}},
             "health_status": "UNHEALTHY", "load_balancing_weight": 1},
            {"endpoint": {"address": {"socket_address": {"address": "::1", "port_value": 80}}},
             "health_status": "DRAINING", "load_balancing_weight": 100}]}]
    })"));
    EXPECT_THAT(made.notes, IsEmpty());
}

TEST(EnvoyConfig, IsTheSameForTheSameAndHasAnotherVersionForAnother) {
    EXPECT_EQ(render(web({server("a")})), render(web({server("a")})));
    const std::string text = endpoints(web({server("a")}));
    EXPECT_NE(endpoints(web({server("b", "10.0.0.2")})).substr(0, 40), text.substr(0, 40));
    EXPECT_EQ(render(web({})).clusters, render(web({server("a")})).clusters)
        << "servers are no part of a cluster";
}

TEST(EnvoyConfig, MapsEveryAlgorithm) {
    struct Row {
        Algorithm algorithm;
        std::string_view words;
        std::string_view note;
    };
    for (const Row& row : {
             Row{Algorithm::round_robin, R"("ROUND_ROBIN")", ""},
             Row{Algorithm::weighted_round_robin, R"("ROUND_ROBIN")", ""},
             Row{Algorithm::least_connections,
                 R"("LEAST_REQUEST","least_request_lb_config":{"choice_count":5})",
                 ""},
             Row{Algorithm::least_response_time,
                 R"("LEAST_REQUEST","least_request_lb_config":{"choice_count":5})",
                 "group 'web': Envoy can't do least_response_time: least requests instead"},
             Row{Algorithm::source_hash,
                 R"("RING_HASH")",
                 "group 'web': Envoy hashes what the route's hash_policy names: give it "
                 "connection_properties.source_ip"},
             Row{Algorithm::uri_hash,
                 R"("RING_HASH")",
                 "group 'web': Envoy hashes what the route's hash_policy names: give it the header "
                 ":path"},
             Row{Algorithm::maglev,
                 R"("MAGLEV")",
                 "group 'web': Envoy hashes what the route's hash_policy names: give it "
                 "connection_properties.source_ip"},
             Row{Algorithm::random_two_choices,
                 R"("LEAST_REQUEST","least_request_lb_config":{"choice_count":2})",
                 ""},
         }) {
        LbState state = web({});
        state.pools[0].lb.algorithm = row.algorithm;
        const RenderedEnvoy made = render(state);
        EXPECT_THAT(made.clusters, HasSubstr(fmt::format(R"("lb_policy":{},"common)", row.words)));
        EXPECT_EQ(made.notes.empty() ? "" : made.notes.front(), row.note);
    }
}

TEST(EnvoyConfig, SticksWithTheHelpOfTheListeners) {
    LbState state = web({});
    state.pools[0].lb.sticky_cookie = "SRV";
    EXPECT_THAT(render(state).clusters,
                HasSubstr(R"("statuses":["UNKNOWN","HEALTHY","DEGRADED","DRAINING"])"));
    EXPECT_THAT(render(state).notes, ElementsAre(HasSubstr("give it the cookie SRV")));
    state.pools[0].lb = {.sticky_source = true};
    EXPECT_THAT(render(state).clusters, HasSubstr(R"("lb_policy":"RING_HASH")"));
}

TEST(EnvoyConfig, LimitsRetriesAndConnections) {
    LbState state = web({server("a"), server("b", "10.0.0.2")});
    state.pools[0].lb.retries = 0;
    state.pools[0].lb.connect_timeout = 1500us;
    state.pools[0].servers[0].max_connections = 9;
    state.pools[0].servers[1].max_connections = 7;
    const RenderedEnvoy made = render(state);
    EXPECT_THAT(made.clusters, HasSubstr(R"("max_retries":0)"));
    EXPECT_THAT(made.clusters, HasSubstr(R"("connect_timeout":"0.002s")"));
    EXPECT_THAT(made.clusters, HasSubstr(R"("per_host_thresholds":[{"max_connections":7}])"));
    EXPECT_THAT(made.notes, ElementsAre(HasSubstr("one limit of connections")));
    state.pools[0].servers[0].max_connections = 7;
    EXPECT_THAT(render(state).notes, IsEmpty());
}

TEST(EnvoyConfig, ServesAGroupThatIsNotKnownWithNothing) {
    LbState state = web({});
    state.pools.clear();
    const RenderedEnvoy made = render(state);
    EXPECT_THAT(made.clusters, HasSubstr(R"("name":"web")"));
    EXPECT_THAT(made.endpoints.at("endpoints/web.json"), HasSubstr(R"("cluster_name":"web"}])"));
    EXPECT_THAT(made.notes, ElementsAre(HasSubstr("there is no such group")));
}

TEST(EnvoyConfig, LeavesOutServersWhoseNameHasNoAddress) {
    const LbState state = web({server("a", "b.example.org")});
    EXPECT_THAT(render(state).notes,
                ElementsAre("group 'web': server 'a': no address is known for 'b.example.org': it "
                            "is left out"));
    EXPECT_THAT(render_envoy(state, {}, {{"b.example.org", "10.0.0.9"}})
                    ->endpoints.at("endpoints/web.json"),
                HasSubstr(R"("address":"10.0.0.9")"));
}

TEST(EnvoyValues, ThatAreHostileOrMakeNoSenseAreRefusedByName) {
    ASSERT_TRUE(render_envoy(full_state(), {}));
    std::vector<HostileState> rows = test::hostile_texts();
    std::ranges::copy(test::senseless_numbers(), std::back_inserter(rows));
    EXPECT_GE(rows.size(), 110U);
    for (const HostileState& row : rows) {
        LbState state = full_state();
        row.spoil(state);
        const auto rendered = render_envoy(state, {});
        ASSERT_FALSE(rendered) << row.name;
        EXPECT_EQ(rendered.error().code, EnvoyErrc::hostile_value);
        EXPECT_THAT(rendered.error().context, HasSubstr(row.complaint));
    }
    const std::vector<std::pair<EnvoySettings, std::string_view>> settings = {
        {{.directory = "etc"}, "settings: directory 'etc' must be an absolute path"},
        {{.directory = "/a\"b"}, "directory"},
        {{.admin = "9901"}, "admin"},
        {{.capacity = 0}, "capacity"},
        {{.retry_percent = 101}, "retry percent"},
    };
    for (const auto& [each, complaint] : settings) {
        const auto rendered = render_envoy({}, each);
        ASSERT_FALSE(rendered) << complaint;
        EXPECT_THAT(rendered.error().context, HasSubstr(complaint));
    }
}

}  // namespace
}  // namespace muster::agent
