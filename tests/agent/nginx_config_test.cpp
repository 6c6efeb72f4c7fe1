#include "agent/nginx_config.hpp"

#include "tests/agent/lb_samples.hpp"

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

RenderedNginx render(const LbState& state,
                     const NginxSettings& settings = {},
                     const NginxHost& host = {}) {
    return render_nginx(state, settings, host).value();
}

LbState tcp(std::vector<Server> servers) {
    LbState state = web(std::move(servers));
    state.listeners[0].mode = ListenMode::tcp;
    return state;
}

TEST(NginxConfig, OfOneListenerAndOneGroup) {
    Server down = server("b", "10.0.0.2");
    down.state = ServerState::maintenance;
    down.weight = 0;
    Server drains = server("[::1]:80", "::1");
    drains.state = ServerState::drain;
    const RenderedNginx made = render(web({server("a"), down, drains}));
    EXPECT_EQ(made.http,
              R"(# Written by muster-agent: changes made here are lost.

upstream muster_http_web {
    zone muster_http_web 67k;
    server 10.0.0.1:80 weight=100 max_fails=0;  # a
    server 10.0.0.2:80 weight=1 max_fails=0 down;  # b
    server [::1]:80 weight=100 max_fails=0 down;  # [::1]:80
}

map $http_upgrade $muster_connection {
    default upgrade;
    "" "";
}

# listener front

server {
    listen 127.0.0.1:8080 default_server;
    client_header_timeout 30000ms;
    client_body_timeout 30000ms;
    keepalive_timeout 30000ms;
    send_timeout 30000ms;
    client_max_body_size 0;
    merge_slashes off;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $muster_connection;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    location / {
        error_page 418 = @muster_tunnel_web;
        if ($muster_connection) {
            return 418;
        }
        proxy_pass http://muster_http_web;
        proxy_connect_timeout 5000ms;
        proxy_send_timeout 30000ms;
        proxy_read_timeout 30000ms;
        proxy_next_upstream_tries 3;
    }
    location @muster_tunnel_web {
        proxy_pass http://muster_http_web;
        proxy_connect_timeout 5000ms;
        proxy_send_timeout 3600000ms;
        proxy_read_timeout 3600000ms;
        proxy_next_upstream_tries 3;
    }
}
)");
    EXPECT_EQ(made.stream, "# Written by muster-agent: changes made here are lost.\n");
    EXPECT_THAT(made.notes, IsEmpty());
}

TEST(NginxConfig, OfATcpListener) {
    LbState state = tcp({server("a")});
    state.listeners[0].tls.certificates = {"/a.pem"};
    state.listeners[0].limits.connections_per_client = 5;
    state.pools[0].lb.retries = 0;
    EXPECT_EQ(render(state, {}, {.certificates = 0xab}).stream,
              R"(# Written by muster-agent: changes made here are lost.
# certificates 00000000000000ab

upstream muster_tcp_web {
    zone muster_tcp_web 65k;
    server 10.0.0.1:80 weight=100 max_fails=0;  # a
}

# listener front
limit_conn_zone $binary_remote_addr zone=muster_client_front:10m;

server {
    listen 127.0.0.1:8080 ssl;
    ssl_certificate /a.pem;
    ssl_certificate_key /a.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_handshake_timeout 30000ms;
    limit_conn muster_client_front 5;
    proxy_pass muster_tcp_web;
    proxy_connect_timeout 5000ms;
    proxy_timeout 3600000ms;
    proxy_next_upstream off;
}
)");
}

TEST(NginxConfig, IsTheSameForTheSame) {
    EXPECT_EQ(render(web({server("a")})), render(web({server("a")})));
}

TEST(NginxConfig, MapsEveryAlgorithm) {
    struct Row {
        Algorithm algorithm;
        ListenMode mode;
        std::string_view directive;
        std::string_view note;
    };
    const std::string_view by_source = "hash $remote_addr consistent;";
    for (const Row& row : {
             Row{Algorithm::round_robin, ListenMode::http, "", ""},
             Row{Algorithm::weighted_round_robin, ListenMode::tcp, "", ""},
             Row{Algorithm::least_connections, ListenMode::http, "least_conn;", ""},
             Row{Algorithm::least_response_time,
                 ListenMode::http,
                 "least_conn;",
                 "group 'web' in http mode: nginx can't do least_response_time: least connections "
                 "instead"},
             Row{Algorithm::source_hash, ListenMode::tcp, by_source, ""},
             Row{Algorithm::uri_hash, ListenMode::http, "hash $uri consistent;", ""},
             Row{Algorithm::uri_hash,
                 ListenMode::tcp,
                 by_source,
                 "group 'web' in tcp mode: there is no URI in tcp mode: consistent hash of the "
                 "source instead"},
             Row{Algorithm::maglev,
                 ListenMode::http,
                 by_source,
                 "group 'web' in http mode: nginx can't do maglev: consistent hash of the source "
                 "instead"},
             Row{Algorithm::random_two_choices, ListenMode::http, "random two least_conn;", ""},
         }) {
        LbState state = web({server("a")});
        state.listeners[0].mode = row.mode;
        state.pools[0].lb.algorithm = row.algorithm;
        const RenderedNginx made = render(state);
        const std::string& text = row.mode == ListenMode::http ? made.http : made.stream;
        const std::string expected = row.directive.empty()
                                         ? "k;\n    server 10"
                                         : fmt::format("k;\n    {}\n", row.directive);
        EXPECT_THAT(text, HasSubstr(expected));
        EXPECT_EQ(made.notes.empty() ? "" : made.notes.front(), row.note);
    }
}

TEST(NginxConfig, SticksByAHashOfTheSourceAndSaysSo) {
    LbState state = web({server("a")});
    state.pools[0].lb.sticky_cookie = "SRV";
    EXPECT_THAT(render(state).http, HasSubstr("hash $remote_addr consistent;"));
    EXPECT_THAT(render(state).notes, ElementsAre(HasSubstr("nginx can't do sticky cookies")));
    state.pools[0].lb = {.sticky_source = true};
    EXPECT_THAT(render(state).http, HasSubstr("hash $remote_addr consistent;"));
    EXPECT_THAT(render(state).notes, ElementsAre(HasSubstr("instead of the algorithm")));
    state.pools[0].lb.algorithm = Algorithm::source_hash;
    EXPECT_THAT(render(state).notes, IsEmpty());
}

TEST(NginxConfig, GivesConsistentHashesSmallWeights) {
    LbState state = web({server("a"), server("b"), server("c")});
    state.pools[0].lb.algorithm = Algorithm::source_hash;
    state.pools[0].servers[1].weight = 1000;
    state.pools[0].servers[2].weight = 1;
    const std::string text = render(state).http;
    EXPECT_THAT(text, HasSubstr("weight=4 max_fails=0;  # a"));
    EXPECT_THAT(text, HasSubstr("weight=40 max_fails=0;  # b"));
    EXPECT_THAT(text, HasSubstr("weight=1 max_fails=0;  # c"));
}

TEST(NginxConfig, AnswersForAPoolWithoutServersItself) {
    Server down = server("a");
    down.state = ServerState::maintenance;
    for (std::vector<Server> servers : {std::vector<Server>(), std::vector<Server>{down}}) {
        const RenderedNginx made = render(web(servers));
        EXPECT_THAT(made.http, HasSubstr("return 503"));
        EXPECT_THAT(made.http, Not(HasSubstr("upstream")));
        EXPECT_THAT(render(tcp(servers)).stream, HasSubstr("return \"\";"));
    }
    LbState unknown = web({});
    unknown.pools.clear();
    EXPECT_THAT(render(unknown).http, HasSubstr("return 503"));
    EXPECT_THAT(render(unknown).notes,
                ElementsAre("group 'web' in http mode: there is no such group: it has no servers"));
}

TEST(NginxConfig, LeavesOutServersWhoseNameHasNoAddress) {
    const LbState state = web({server("a", "b.example.org"), server("c")});
    const RenderedNginx lost = render(state);
    EXPECT_THAT(lost.http, Not(HasSubstr("# a")));
    EXPECT_THAT(lost.notes,
                ElementsAre("group 'web' in http mode: server 'a': no address is known for "
                            "'b.example.org': it is down"));
    EXPECT_THAT(render(state, {}, {.addresses = {{"b.example.org", "10.0.0.9"}}}).http,
                HasSubstr("server 10.0.0.9:80 weight=100 max_fails=0;  # a"));
}

TEST(NginxConfig, SpeaksTlsWhereThereAreCertificates) {
    LbState state = web({server("a")});
    state.listeners[0].tls = {.certificates = {"/a.pem", "/b.pem"}, .minimum = "1.0"};
    state.listeners[0].address = "";
    const RenderedNginx made = render(state);
    EXPECT_THAT(made.http,
                HasSubstr("    listen 8080 ssl http2 default_server;\n"
                          "    listen [::]:8080 ssl http2 default_server;\n"
                          "    ssl_certificate /a.pem;\n"
                          "    ssl_certificate_key /a.pem;\n"
                          "    ssl_certificate /b.pem;\n"
                          "    ssl_certificate_key /b.pem;\n"
                          "    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;\n"));
    EXPECT_THAT(made.http, HasSubstr("X-Forwarded-Proto https;"));
    EXPECT_THAT(made.notes, ElementsAre(HasSubstr("not by the name")));
    EXPECT_THAT(render(state, {.ipv6 = false}).http, Not(HasSubstr("[::]")));
}

TEST(NginxConfig, LimitsClients) {
    LbState state = web({server("a")});
    state.listeners[0].limits = {.connections = 100000,
                                 .connections_per_client = 5,
                                 .requests_per_client = 20,
                                 .period = 3s};
    const std::string text = render(state).http;
    EXPECT_THAT(text,
                HasSubstr("limit_conn_zone $server_port zone=muster_all_front:64k;\n"
                          "limit_conn_zone $binary_remote_addr "
                          "zone=muster_client_front:10m;\n"
                          "limit_req_zone $binary_remote_addr zone=muster_rate_front:10m "
                          "rate=400r/m;\n"));
    EXPECT_THAT(text,
                HasSubstr("    limit_conn muster_all_front 65535;\n"
                          "    limit_conn muster_client_front 5;\n"
                          "    limit_req zone=muster_rate_front burst=19 nodelay;\n"
                          "    limit_req_status 429;\n"));
    state.listeners[0].limits.requests_per_client = 1;
    EXPECT_THAT(render(state).http, HasSubstr("    limit_req zone=muster_rate_front;\n"));
    state.listeners[0].mode = ListenMode::tcp;
    EXPECT_THAT(render(state).notes, ElementsAre(HasSubstr("no such limit")));
}

TEST(NginxConfig, KeepsToWhatTheSettingsSay) {
    const LbState state = web({server("a")});
    EXPECT_THAT(render(state, {.idle_connections = 8}).http, HasSubstr("    keepalive 8;\n"));
    EXPECT_THAT(render(state, {.passive_checks = PassiveChecks()}).http,
                HasSubstr("max_fails=3 fail_timeout=10s;"));
    const RenderedNginx without = render(tcp({server("a")}), {.stream_file = ""});
    EXPECT_THAT(without.stream, Not(HasSubstr("upstream")));
    EXPECT_THAT(without.notes, ElementsAre(HasSubstr("it is not served")));
}

}  // namespace
}  // namespace muster::agent
