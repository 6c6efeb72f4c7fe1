#include "tests/agent/hostile_states.hpp"

#include "tests/agent/lb_samples.hpp"

#include <chrono>

namespace muster::test {
namespace {

using agent::LbState;
using agent::Server;
using config::ListenMode;
using namespace std::chrono_literals;
using namespace std::string_literals;

Server& first(LbState& state) {
    return state.pools[0].servers[0];
}
config::Listener& front(LbState& state) {
    return state.listeners[0];
}

}  // namespace

agent::LbState full_state() {
    LbState state = web({server("a"), server("[::1]:80", "::1")});
    state.pools[0].lb.sticky_cookie = "SRV";
    state.pools[0].servers[0].max_connections = 10;
    config::Listener& served = state.listeners[0];
    served.tls.certificates = {"/etc/muster/a.pem"};
    served.routes = {{.host = "*.example.org", .path = "/api/v1", .group = GroupName("web")}};
    served.limits = {.connections = 9, .connections_per_client = 2, .requests_per_client = 3};
    return state;
}

std::vector<HostileState> hostile_texts() {
    std::vector<HostileState> rows;
    const auto add = [&](std::string_view complaint, auto place, std::vector<std::string> texts) {
        for (const std::string& text : texts)
            rows.push_back({text, [=](LbState& state) { place(state, text); }, complaint});
    };
    add("group '",
        [](LbState& state, const std::string& text) { state.pools[0].group = GroupName(text); },
        {"", "web 1", "web;", "web\n", "web/a", "../web", "web#1", "w\0b"s, "wéb", "-web"});
    add("server '",
        [](LbState& state, const std::string& text) { first(state).id = BackendId(text); },
        {"",
         "a b",
         "a;shutdown frontend front",
         "a\nbackend evil",
         "a\rb",
         "a/b",
         "a\"",
         "a'",
         "a\\",
         "a#",
         "a\0"s,
         "a\tb",
         "${HOME}",
         "\x80",
         "[::1]:80 disabled",
         std::string(500, 'a')});
    add("server 'a': address",
        [](LbState& state, const std::string& text) { first(state).address = text; },
        {"",
         "10.0.0.1 check",
         "10.0.0.1;quit",
         "10.0.0.1\n",
         "10.0.0.1:81",
         "10.0.0.256",
         "unix@/run/x",
         "[::1]",
         "::1%lo",
         "fd@3",
         "ipv4@10.0.0.1",
         "host name",
         "host\\ name",
         "$HOST",
         "10.0.0.1\0"s});
    add("sticky cookie",
        [](LbState& state, const std::string& text) { state.pools[0].lb.sticky_cookie = text; },
        {"SRV insert", "SRV;", "SRV\n", "S'V", "S\"V", "S\\V", "S#V", std::string(65, 'S')});
    add("listener '",
        [](LbState& state, const std::string& text) { front(state).name = text; },
        {"", "front end", "front\n", "_stats", "front;"});
    add("address",
        [](LbState& state, const std::string& text) { front(state).address = text; },
        {"*", "localhost", "127.0.0.1:1 ", "unix@/x", "127.0.0.1\nbind *", "[::]", "fd@1"});
    add("certificate",
        [](LbState& state, const std::string& text) {
            front(state).tls.certificates.push_back(text);
        },
        {"", "a.pem", "/a b.pem", "/a\n.pem", "/a.pem;", "/a'", "/a\"", "/a\\", "/a#b", "/$HOME"});
    add("oldest TLS version",
        [](LbState& state, const std::string& text) { front(state).tls.minimum = text; },
        {"", "1.4", "TLSv1.2", "1.2 crt /x", "1.2\n"});
    add("route for host",
        [](LbState& state, const std::string& text) { front(state).routes[0].host = text; },
        {"*", "*.*", "a b", "a' }", "a\n", "*.exa;mple", "a}", "x.example.org:80", "[::1]"});
    add("route for path",
        [](LbState& state, const std::string& text) { front(state).routes[0].path = text; },
        {"api", "/a b", "/a'", "/a\"", "/a\\", "/a\n", "/a#", "/a;", "/a}", "/a{", "/$a", "/\x7f"});
    add("route to group",
        [](LbState& state, const std::string& text) {
            front(state).routes[0].group = GroupName(text);
        },
        {"", "web if TRUE", "web\n"});
    return rows;
}

std::vector<HostileState> senseless_numbers() {
    return {
        {"no port", [](LbState& s) { first(s).port = 0; }, "server 'a': port '0' must be"},
        {"weight below", [](LbState& s) { first(s).weight = -1; }, "weight '-1' must be 0 to"},
        {"weight above", [](LbState& s) { first(s).weight = 1001; }, "weight '1001'"},
        {"no limit", [](LbState& s) { first(s).max_connections = 0; }, "max_connections '0'"},
        {"algorithm",
         [](LbState& s) { s.pools[0].lb.algorithm = config::Algorithm(77); },
         "algorithm '77' is none"},
        {"retries", [](LbState& s) { s.pools[0].lb.retries = -1; }, "retries '-1'"},
        {"connect", [](LbState& s) { s.pools[0].lb.connect_timeout = -1s; }, "connect timeout"},
        {"server", [](LbState& s) { s.pools[0].lb.server_timeout = 900h; }, "server timeout"},
        {"client", [](LbState& s) { front(s).client_timeout = 0s; }, "client timeout"},
        {"tunnel", [](LbState& s) { front(s).tunnel_timeout = 0s; }, "tunnel timeout"},
        {"period", [](LbState& s) { front(s).limits.period = 0s; }, "period"},
        {"limit", [](LbState& s) { front(s).limits.connections = -1; }, "limit of connections"},
        {"listener port", [](LbState& s) { front(s).port = 0; }, "port '0' must be"},
        {"mode", [](LbState& s) { front(s).mode = ListenMode(9); }, "mode '9' is none"},
        {"tcp routes", [](LbState& s) { front(s).mode = ListenMode::tcp; }, "tcp' has no routes"},
        {"two of an id",
         [](LbState& s) { s.pools[0].servers[1].id = BackendId("a"); },
         "group 'web': server 'a' is there twice"},
        {"two of a group", [](LbState& s) { s.pools.push_back(s.pools[0]); }, "is there twice"},
        {"two of a name",
         [](LbState& s) { s.listeners.push_back(s.listeners[0]); },
         "listener 'front' is there twice"},
        {"two of a port",
         [](LbState& s) {
             s.listeners.push_back(s.listeners[0]);
             s.listeners[1].name = "other";
         },
         "port '8080' is another listener's already"},
    };
}

}  // namespace muster::test
