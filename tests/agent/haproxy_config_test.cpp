#include "agent/haproxy_config.hpp"

#include "tests/agent/haproxy_samples.hpp"
#include "tests/agent/hostile_states.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace muster::agent {
namespace {

using config::Algorithm;
using config::ListenMode;
using namespace std::chrono_literals;
using test::server;
using test::web;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

RenderedHaproxy render(const LbState& state, const HaproxySettings& settings = {}) {
    return render_haproxy(state, settings).value();
}

/// The lines of one section, without their indent.
std::vector<std::string> section(const std::string& text, const std::string& heading) {
    std::vector<std::string> lines;
    for (std::size_t at = text.find("\n" + heading + "\n") + heading.size() + 2;;) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        if (!line.starts_with("    ")) return lines;
        lines.push_back(line.substr(4));
        at = end + 1;
    }
}

TEST(HaproxyConfig, OfOneListenerAndOneGroup) {
    Server down = server("b", "10.0.0.2");
    down.state = ServerState::maintenance;
    down.weight = 0;
    Server drains = server("[::1]:80", "::1");
    drains.state = ServerState::drain;
    const RenderedHaproxy made = render(web({server("a"), down, drains}));
    EXPECT_THAT(section(made.text, "global"),
                ElementsAre("stats socket /run/haproxy/admin.sock mode 600 level admin expose-fd "
                            "listeners",
                            "server-state-file /var/lib/haproxy/state",
                            "hard-stop-after 1800000ms",
                            "description \"muster " + made.structure + "\""));
    EXPECT_THAT(section(made.text, "frontend front"),
                ElementsAre("mode http",
                            "bind 127.0.0.1:8080",
                            "timeout client 30000ms",
                            "timeout http-request 30000ms",
                            "option forwardfor",
                            "http-after-response set-header Connection close if { "
                            "nbsrv(_leaving) gt 0 } !{ status 101 }",
                            "default_backend web:http"));
    EXPECT_THAT(section(made.text, "backend web:http"),
                ElementsAre("mode http",
                            "timeout tunnel 3600000ms",
                            "balance roundrobin",
                            "timeout connect 5000ms",
                            "timeout server 30000ms",
                            "retries 2",
                            "option redispatch 1",
                            "retry-on conn-failure empty-response",
                            "http-request disable-l7-retry unless { method GET HEAD OPTIONS }",
                            "server a 10.0.0.1:80 id 399572 weight 26",
                            "server b 10.0.0.2:80 id 400880 weight 26 disabled",
                            "server _5B::1_5D:80 [::1]:80 id 952408 weight 0"));
    EXPECT_THAT(made.notes, IsEmpty());
}

TEST(HaproxyConfig, SendsClientsAwayWhereItLeaves) {
    LbState state = web({server("a")});
    const RenderedHaproxy stays = render(state);
    EXPECT_THAT(section(stays.text, "frontend front"),
                testing::Contains("http-after-response set-header Connection close if { "
                                  "nbsrv(_leaving) gt 0 } !{ status 101 }"))
        << "not where a WebSocket begins";
    EXPECT_THAT(section(stays.text, "backend _leaving"),
                testing::ElementsAre("mode http", "server clients 127.0.0.1:1 id 1 disabled"));
    state.leaving = true;
    const RenderedHaproxy leaves = render(state);
    EXPECT_THAT(section(leaves.text, "backend _leaving"),
                testing::ElementsAre("mode http", "server clients 127.0.0.1:1 id 1"));
    EXPECT_EQ(leaves.structure, stays.structure) << "no reload";
}

TEST(HaproxyConfig, IsTheSameForTheSame) {
    EXPECT_EQ(render(web({server("a")})), render(web({server("a")})));
}

TEST(HaproxyConfig, SendsHostsAndPathsToTheirGroupsInOrder) {
    LbState state = web({});
    state.listeners[0].group = {};
    state.listeners[0].routes = {
        {.host = "WWW.example.org", .path = "/api/", .group = GroupName("web")},
        {.host = "*.example.org", .group = GroupName("web")},
        {.path = "/static/", .group = GroupName("web")},
        {.group = GroupName("web")}};
    EXPECT_THAT(
        section(render(state).text, "frontend front"),
        testing::IsSupersetOf(
            {"use_backend web:http if { hdr(host),host_only,lower -m str -- 'www.example.org' } { "
             "path -m beg -- '/api/' }",
             "use_backend web:http if { hdr(host),host_only,lower -m end -- '.example.org' }",
             "use_backend web:http if { path -m beg -- '/static/' }",
             "use_backend web:http",
             "default_backend _404"}));
}

TEST(HaproxyConfig, SpeaksTlsWhereThereAreCertificates) {
    LbState state = web({});
    state.listeners[0].tls = {.certificates = {"/a.pem", "/b.pem"}, .minimum = "1.3"};
    state.listeners[0].address = "";
    EXPECT_THAT(section(render(state).text, "frontend front"),
                testing::IsSupersetOf({"bind :::8080 v4v6 ssl crt /a.pem crt /b.pem ssl-min-ver "
                                       "TLSv1.3 alpn h2,http/1.1",
                                       "http-request set-header X-Forwarded-Proto https"}));
}

TEST(HaproxyConfig, LimitsClients) {
    LbState state = web({});
    state.listeners[0].limits = {
        .connections = 100, .connections_per_client = 5, .requests_per_client = 20, .period = 3s};
    EXPECT_THAT(
        section(render(state).text, "frontend front"),
        testing::IsSupersetOf(
            {"maxconn 100",
             "stick-table type ipv6 size 100000 expire 3000ms store conn_cur,http_req_rate(3000ms)",
             "tcp-request connection track-sc0 src",
             "tcp-request connection reject if { sc0_conn_cur gt 5 }",
             "http-request deny deny_status 429 if { sc0_http_req_rate gt 20 }"}));
    state.listeners[0].mode = ListenMode::tcp;
    EXPECT_THAT(section(render(state).text, "frontend front"),
                testing::Contains("tcp-request connection reject if { sc0_conn_rate gt 20 }"));
}

TEST(HaproxyConfig, HasABackendForEachModeOfAPool) {
    LbState state = web({server("a")});
    state.listeners.push_back(test::listener("web", "raw"));
    state.listeners[1].mode = ListenMode::tcp;
    state.listeners[1].port = 8081;
    state.listeners[1].tunnel_timeout = 2h;
    const std::string text = render(state).text;
    EXPECT_THAT(section(text, "backend web:http"), testing::Contains("timeout tunnel 3600000ms"));
    EXPECT_THAT(
        section(text, "backend web:tcp"),
        testing::IsSupersetOf(
            {"mode tcp", "timeout tunnel 7200000ms", "server a 10.0.0.1:80 id 399572 weight 26"}));
}

TEST(HaproxyConfig, MapsEveryAlgorithm) {
    struct Row {
        Algorithm algorithm;
        ListenMode mode;
        std::vector<std::string> lines;
        std::string_view note;
    };
    const std::vector<std::string> by_source = {"balance source", "hash-type consistent"};
    for (const Row& row : {
             Row{Algorithm::round_robin, ListenMode::http, {"balance roundrobin"}, ""},
             Row{Algorithm::weighted_round_robin, ListenMode::tcp, {"balance roundrobin"}, ""},
             Row{Algorithm::least_connections, ListenMode::http, {"balance leastconn"}, ""},
             Row{Algorithm::least_response_time,
                 ListenMode::http,
                 {"balance leastconn"},
                 "backend web:http: HAProxy can't do least_response_time: least connections "
                 "instead"},
             Row{Algorithm::source_hash, ListenMode::tcp, by_source, ""},
             Row{Algorithm::uri_hash,
                 ListenMode::http,
                 {"balance uri", "hash-type consistent"},
                 ""},
             Row{Algorithm::uri_hash,
                 ListenMode::tcp,
                 by_source,
                 "backend web:tcp: there is no URI in tcp mode: consistent hash of the source "
                 "instead"},
             Row{Algorithm::maglev,
                 ListenMode::http,
                 by_source,
                 "backend web:http: HAProxy can't do maglev: consistent hash of the source "
                 "instead"},
             Row{Algorithm::random_two_choices, ListenMode::http, {"balance random(2)"}, ""},
         }) {
        LbState state = web({});
        state.listeners[0].mode = row.mode;
        state.pools[0].lb.algorithm = row.algorithm;
        const RenderedHaproxy made = render(state);
        const bool http = row.mode == ListenMode::http;
        EXPECT_THAT(section(made.text, http ? "backend web:http" : "backend web:tcp"),
                    testing::IsSupersetOf(row.lines));
        EXPECT_EQ(made.notes.empty() ? "" : made.notes.front(), row.note);
    }
}

TEST(HaproxyConfig, LeavesRoundRobinWhereItEnds) {
    LbState state = web({});
    for (int i = 0; i < 4001; ++i)
        state.pools[0].servers.push_back(server(fmt::format("b{:05}", i)));
    const RenderedHaproxy made = render(state);
    EXPECT_THAT(made.text, HasSubstr("balance leastconn"));
    EXPECT_THAT(made.notes, ElementsAre(HasSubstr("round robin ends at 4,095 servers")));
}

TEST(HaproxyConfig, SticksByCookieOrSource) {
    LbState state = web({});
    state.pools[0].lb.sticky_cookie = "SRV";
    EXPECT_THAT(section(render(state, {.cookie_key = "secret"}).text, "backend web:http"),
                testing::IsSupersetOf(
                    {"cookie SRV insert indirect nocache dynamic", "dynamic-cookie-key secret"}));
    state.listeners[0].mode = ListenMode::tcp;
    const RenderedHaproxy made = render(state, {.peers_socket = "/run/peers"});
    EXPECT_THAT(
        section(made.text, "backend web:tcp"),
        testing::IsSupersetOf(
            {"stick-table type ipv6 size 100000 expire 1800000ms peers _local", "stick on src"}));
    EXPECT_THAT(section(made.text, "peers _local"),
                ElementsAre("bind unix@/run/peers mode 600", "server muster"));
    EXPECT_THAT(made.notes, ElementsAre(HasSubstr("no cookies in tcp mode")));
}

TEST(HaproxyConfig, ServesAGroupThatIsNotKnownWithNothing) {
    LbState state = web({});
    state.pools.clear();
    const RenderedHaproxy made = render(state);
    EXPECT_THAT(section(made.text, "backend web:http"),
                ElementsAre("mode http", "timeout tunnel 3600000ms"));
    EXPECT_THAT(made.notes,
                ElementsAre("backend web:http: there is no such group: it has no servers"));
}

TEST(HaproxyConfig, LooksUpHostNamesAndNeverForgetsAnAddress) {
    const RenderedHaproxy made = render(web({server("a", "b.example.org")}));
    EXPECT_THAT(section(made.text, "backend web:http"),
                testing::Contains("server a b.example.org:80 id 399572 weight 26 resolvers "
                                  "_system init-addr libc,none"));
    EXPECT_THAT(section(made.text, "resolvers _system"), testing::Contains("hold nx 24d"));
    EXPECT_THAT(render(web({server("a")})).text, Not(HasSubstr("resolvers")));
}

TEST(HaproxyConfig, ServesMetricsWhereItIsTold) {
    EXPECT_THAT(section(render(web({}), {.stats_port = 9101}).text, "frontend _stats"),
                ElementsAre("mode http",
                            "bind 127.0.0.1:9101",
                            "http-request use-service prometheus-exporter if { path /metrics }",
                            "stats enable",
                            "stats uri /stats"));
    EXPECT_THAT(render(web({})).text, Not(HasSubstr("_stats")));
}

TEST(HaproxyStructure, IsToldWithoutTheText) {
    LbState state = test::full_state();
    for (const bool named : {false, true}) {
        for (const bool limited : {false, true}) {
            state.pools[0].servers[0].address = named ? "name.example.org" : "10.0.0.1";
            state.pools[0].servers[0].max_connections = limited ? std::optional(5) : std::nullopt;
            EXPECT_EQ(structure_of(state, {}, "42"),
                      render_haproxy(state, {}, "42").value().structure);
            EXPECT_NE(structure_of(state, {}, "42"), structure_of(state, {}, "43"));
        }
    }
}

TEST(HaproxyStructure, IsAllButWhatServersCanChangeAtRunTime) {
    const std::string structure = render(web({server("a")})).structure;
    Server other = server("z", "10.0.0.9");
    other.state = ServerState::maintenance;
    other.weight = 3;
    EXPECT_EQ(render(web({other, server("y")})).structure, structure);
    EXPECT_NE(render(web({server("a", "b.example.org")})).structure, structure);
    LbState state = web({server("a")});
    state.pools[0].lb.retries = 3;
    EXPECT_NE(render(state).structure, structure);
    state = web({server("a")});
    state.pools[0].servers[0].max_connections = 3;
    EXPECT_NE(render(state).structure, structure) << "a pool with limits is another";
    EXPECT_NE(render(web({server("a")}), {.own_checks = OwnChecks()}).structure, structure);
    EXPECT_NE(render_haproxy(web({server("a")}), {}, "another certificate")->structure, structure);
}

}  // namespace
}  // namespace muster::agent
