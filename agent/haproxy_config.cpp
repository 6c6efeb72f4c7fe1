#include "agent/haproxy_config.hpp"

#include "agent/haproxy_names.hpp"
#include "agent/haproxy_values.hpp"
#include "common/config/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace muster::agent {
namespace {

using config::Algorithm;
using config::Duration;
using config::Listener;
using config::ListenMode;

/// HAProxy's round robin holds 4,095 active servers, by design.
constexpr std::size_t most_in_round_robin = 4000;

std::string milliseconds(Duration span) {
    return fmt::format("{}ms", std::chrono::ceil<std::chrono::milliseconds>(span).count());
}

std::string place(std::string_view address, std::uint16_t port) {
    return config::is_ipv6(address) ? fmt::format("[{}]:{}", address, port)
                                    : fmt::format("{}:{}", address, port);
}

std::string_view word(ListenMode mode) {
    return mode == ListenMode::http ? "http" : "tcp";
}

/// Of servers with an IP address nothing belongs to the structure.
enum class Extent { everything, structure };

class Renderer {
 public:
    Renderer(const LbState& state, const HaproxySettings& settings, Extent extent)
        : state_(state), settings_(settings), extent_(extent) {
        for (const Pool& pool : state.pools) pools_.emplace(pool.group, &pool);
        for (const Listener& listener : state.listeners) {
            for (const Use& use : uses_of({listener})) {
                Duration& tunnel = tunnels_[use];
                tunnel = std::max(tunnel, listener.tunnel_timeout);
            }
        }
    }

    RenderedHaproxy render(std::string_view files) {
        defaults();
        if (settings_.stats_port != 0) stats();
        for (const Listener& listener : state_.listeners) frontend(listener);
        section("backend _404");
        line("mode http");
        line("http-request return status 404 content-type text/plain string \"no route\"");
        section(fmt::format("backend {}", leaving_backend));
        line("mode http");
        flexible_line(fmt::format(
            "server {} 127.0.0.1:1 id 1{}", leaving_server, state_.leaving ? "" : " disabled"));
        for (const auto& [use, tunnel] : tunnels_) backend(use, tunnel);

        RenderedHaproxy rendered;
        std::string body = std::exchange(text_, {});
        std::string structure = std::exchange(structure_, {});
        global();
        structure += structure_;
        structure += files;
        rendered.structure = fmt::format("{:016x}", hash_of(structure));
        line(fmt::format("description \"muster {}\"", rendered.structure));
        rendered.text = "# Written by muster-agent: changes made here are lost.\n" + text_ + body;
        rendered.notes = std::move(notes_);
        return rendered;
    }

 private:
    void section(std::string_view heading) {
        fmt::format_to(std::back_inserter(text_), "\n{}\n", heading);
        fmt::format_to(std::back_inserter(structure_), "\n{}\n", heading);
    }
    void line(std::string_view words) {
        flexible_line(words);
        fmt::format_to(std::back_inserter(structure_), "    {}\n", words);
    }
    /// What can change at run time.
    void flexible_line(std::string_view words) {
        fmt::format_to(std::back_inserter(text_), "    {}\n", words);
    }
    void note(std::string text) { notes_.push_back(std::move(text)); }

    void global() {
        section("global");
        line(fmt::format("stats socket {} mode 600 level admin expose-fd listeners",
                         settings_.stats_socket));
        line(fmt::format("server-state-file {}", settings_.state_file));
        line(fmt::format("hard-stop-after {}", milliseconds(settings_.hard_stop_after)));
        if (settings_.max_connections > 0)
            line(fmt::format("maxconn {}", settings_.max_connections));
        if (!settings_.user.empty()) line(fmt::format("user {}", settings_.user));
        if (!settings_.group.empty()) line(fmt::format("group {}", settings_.group));
        if (!settings_.log.empty()) line(fmt::format("log {} local0", settings_.log));
        if (!settings_.peers_socket.empty()) line("localpeer muster");
        // In the lines of servers, which are no structure; changing them all is.
        if (settings_.own_checks) {
            line(fmt::format("# own checks: {}, rise {}, fall {}",
                             milliseconds(settings_.own_checks->interval),
                             settings_.own_checks->rise,
                             settings_.own_checks->fall));
        }
    }

    void defaults() {
        section("defaults");
        line("load-server-state-from-file global");
        if (!settings_.log.empty()) line("log global");
        line("option dontlognull");
        line("timeout connect 5s");
        line("timeout client 30s");
        line("timeout server 30s");
        if (!settings_.peers_socket.empty()) {
            section("peers _local");
            line(fmt::format("bind unix@{} mode 600", settings_.peers_socket));
            line("server muster");
        }
        const bool names = std::ranges::any_of(state_.pools, [](const Pool& pool) {
            return std::ranges::any_of(pool.servers, is_named);
        });
        if (!names) return;
        // A name server that has no answer, or a wrong one, is no reason to stop using a server.
        section("resolvers _system");
        line("parse-resolv-conf");
        // Not "obsolete": with that an address that a name has no longer would stay in use.
        for (const std::string_view lost : {"nx", "other", "refused", "timeout"})
            line(fmt::format("hold {} 24d", lost));
    }

    void stats() {
        section("frontend _stats");
        line("mode http");
        line(fmt::format("bind {}", place(settings_.stats_address, settings_.stats_port)));
        line("http-request use-service prometheus-exporter if { path /metrics }");
        line("stats enable");
        line("stats uri /stats");
    }

    [[nodiscard]] std::string peers() const {
        return settings_.peers_socket.empty() ? "" : " peers _local";
    }

    void bind(const Listener& listener) {
        std::string words =
            fmt::format("bind {}",
                        listener.address.empty() ? fmt::format(":::{} v4v6", listener.port)
                                                 : place(listener.address, listener.port));
        if (!listener.tls.certificates.empty()) {
            words += " ssl";
            for (const std::string& file : listener.tls.certificates) words += " crt " + file;
            words += fmt::format(" ssl-min-ver {}", tls_word(listener.tls.minimum));
            if (listener.mode == ListenMode::http) words += " alpn h2,http/1.1";
        }
        line(words);
    }

    void limits(const Listener& listener) {
        const config::ClientLimits& limits = listener.limits;
        if (limits.connections > 0) line(fmt::format("maxconn {}", limits.connections));
        if (limits.connections_per_client == 0 && limits.requests_per_client == 0) return;
        const bool http = listener.mode == ListenMode::http;
        const std::string period = milliseconds(limits.period);
        const std::string_view counter = http ? "http_req_rate" : "conn_rate";
        line(fmt::format("stick-table type ipv6 size {} expire {} store conn_cur,{}({}){}",
                         settings_.sticky_clients,
                         period,
                         counter,
                         period,
                         peers()));
        line("tcp-request connection track-sc0 src");
        if (limits.connections_per_client > 0) {
            line(fmt::format("tcp-request connection reject if {{ sc0_conn_cur gt {} }}",
                             limits.connections_per_client));
        }
        if (limits.requests_per_client > 0) {
            line(fmt::format(
                "{} if {{ sc0_{} gt {} }}",
                http ? "http-request deny deny_status 429" : "tcp-request connection reject",
                counter,
                limits.requests_per_client));
        }
    }

    void route(const config::Route& route) {
        std::string words =
            fmt::format("use_backend {}", backend_name(route.group, ListenMode::http));
        const bool wild = route.host.starts_with("*.");
        std::string condition;
        if (!route.host.empty()) {
            std::string host = wild ? route.host.substr(1) : route.host;
            std::ranges::transform(host, host.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
            });
            condition += fmt::format(
                " {{ hdr(host),host_only,lower -m {} -- '{}' }}", wild ? "end" : "str", host);
        }
        if (!route.path.empty()) condition += fmt::format(" {{ path -m beg -- '{}' }}", route.path);
        line(condition.empty() ? words : words + " if" + condition);
    }

    void frontend(const Listener& listener) {
        section("frontend " + frontend_name(listener));
        line(fmt::format("mode {}", word(listener.mode)));
        bind(listener);
        line(fmt::format("timeout client {}", milliseconds(listener.client_timeout)));
        if (listener.mode == ListenMode::http) {
            // In all, so that a client can't keep a request open by a byte now and then.
            line(fmt::format("timeout http-request {}", milliseconds(listener.client_timeout)));
            line("option forwardfor");
            line(fmt::format(
                "http-after-response set-header Connection close if {{ nbsrv({}) gt 0 }} "
                "!{{ status 101 }}",
                leaving_backend));
            if (!listener.tls.certificates.empty())
                line("http-request set-header X-Forwarded-Proto https");
        }
        limits(listener);
        for (const config::Route& each : listener.routes) route(each);
        line(fmt::format(
            "default_backend {}",
            listener.group.empty() ? "_404" : backend_name(listener.group, listener.mode)));
    }

    void balance(const Pool& pool, ListenMode mode, const std::string& of) {
        switch (pool.lb.algorithm) {
            case Algorithm::round_robin:
            case Algorithm::weighted_round_robin:
                if (pool.servers.size() <= most_in_round_robin) return line("balance roundrobin");
                note(of + "HAProxy's round robin ends at 4,095 servers: least connections instead");
                return line("balance leastconn");
            case Algorithm::least_connections:
                return line("balance leastconn");
            case Algorithm::least_response_time:
                note(of + "HAProxy can't do least_response_time: least connections instead");
                return line("balance leastconn");
            case Algorithm::source_hash:
                return consistent("source");
            case Algorithm::uri_hash:
                if (mode == ListenMode::http) return consistent("uri");
                note(of + "there is no URI in tcp mode: consistent hash of the source instead");
                return consistent("source");
            case Algorithm::maglev:
                note(of + "HAProxy can't do maglev: consistent hash of the source instead");
                return consistent("source");
            case Algorithm::random_two_choices:
                return line("balance random(2)");
        }
    }

    /// Servers come and go at run time, which a map-based hash can't.
    void consistent(std::string_view what) {
        line(fmt::format("balance {}", what));
        line("hash-type consistent");
    }

    void stickiness(const Pool& pool, ListenMode mode, const std::string& of) {
        if (!pool.lb.sticky_cookie.empty() && mode == ListenMode::http) {
            // Dynamic: from address and key, so that all LBs of a fleet give the same one.
            line(fmt::format("cookie {} insert indirect nocache dynamic", pool.lb.sticky_cookie));
            return line(fmt::format("dynamic-cookie-key {}", settings_.cookie_key));
        }
        if (!pool.lb.sticky_cookie.empty())
            note(of + "there are no cookies in tcp mode: stickiness by source instead");
        if (pool.lb.sticky_cookie.empty() && !pool.lb.sticky_source) return;
        line(fmt::format("stick-table type ipv6 size {} expire {}{}",
                         settings_.sticky_clients,
                         milliseconds(settings_.sticky_time),
                         peers()));
        line("stick on src");
    }

    void backend(const Use& use, Duration tunnel) {
        const auto& [group, mode] = use;
        const std::string name = backend_name(group, mode);
        const std::string of = fmt::format("backend {}: ", name);
        section("backend " + name);
        line(fmt::format("mode {}", word(mode)));
        line(fmt::format("timeout tunnel {}", milliseconds(tunnel)));
        const auto known = pools_.find(group);
        if (known == pools_.end()) return note(of + "there is no such group: it has no servers");
        const Pool& pool = *known->second;
        balance(pool, mode, of);
        stickiness(pool, mode, of);
        line(fmt::format("timeout connect {}", milliseconds(pool.lb.connect_timeout)));
        line(fmt::format("timeout server {}", milliseconds(pool.lb.server_timeout)));
        line(fmt::format("retries {}", pool.lb.retries));
        line("option redispatch 1");
        if (mode == ListenMode::http && pool.lb.retries > 0) {
            // A server that dies may have done what it was asked: only what can be repeated is.
            line("retry-on conn-failure empty-response");
            line("http-request disable-l7-retry unless { method GET HEAD OPTIONS }");
        }
        if (has_limits(pool)) line("# servers have limits");
        for (const Server& server : pool.servers) {
            if (!is_named(server)) continue;
            fmt::format_to(std::back_inserter(structure_),
                           "    {} {}:{}\n",
                           server_name(server.id),
                           server.address,
                           server.port);
        }
        if (extent_ == Extent::everything) servers(pool);
    }

    void servers(const Pool& pool) {
        const std::vector<int> numbers = server_numbers(pool.servers);
        for (std::size_t i = 0; i < pool.servers.size(); ++i) {
            const Server& server = pool.servers[i];
            const bool drains = server.state == ServerState::drain;
            const int weight = drains ? 0 : initial_weight(server);
            std::string words =
                "server " +
                server_words({.server = server, .number = numbers[i], .weight = weight}, settings_);
            if (is_named(server)) words += " resolvers _system init-addr libc,none";
            if (server.state == ServerState::maintenance) words += " disabled";
            flexible_line(words);
        }
    }

    const LbState& state_;
    const HaproxySettings& settings_;
    Extent extent_;
    std::map<GroupName, const Pool*> pools_;
    std::map<Use, Duration> tunnels_;
    std::string text_;
    std::string structure_;
    std::vector<std::string> notes_;
};

}  // namespace

Result<RenderedHaproxy> render_haproxy(const LbState& state,
                                       const HaproxySettings& settings,
                                       std::string_view files) {
    if (const auto right = check_settings(settings); !right) return tl::unexpected(right.error());
    if (const auto right = check_values(state); !right) return tl::unexpected(right.error());
    return Renderer(state, settings, Extent::everything).render(files);
}

std::string structure_of(const LbState& state,
                         const HaproxySettings& settings,
                         std::string_view files) {
    return Renderer(state, settings, Extent::structure).render(files).structure;
}

std::string server_words(const ServerLine& line, const HaproxySettings& settings) {
    const Server& server = line.server;
    std::string words = fmt::format("{} {} id {} weight {}",
                                    server_name(server.id),
                                    place(server.address, line.port.value_or(server.port)),
                                    line.number,
                                    line.weight);
    if (server.max_connections) words += fmt::format(" maxconn {}", *server.max_connections);
    if (settings.own_checks) {
        words += fmt::format(" check inter {} rise {} fall {}",
                             milliseconds(settings.own_checks->interval),
                             settings.own_checks->rise,
                             settings.own_checks->fall);
    }
    return words;
}

int initial_weight(const Server& server) {
    return haproxy_weight(server.weight > 0 ? server.weight : Server().weight);
}

bool is_named(const Server& server) {
    return !config::is_ipv4(server.address) && !config::is_ipv6(server.address);
}

bool has_limits(const Pool& pool) {
    return std::ranges::any_of(
        pool.servers, [](const Server& server) { return server.max_connections.has_value(); });
}

}  // namespace muster::agent
