#include "agent/nginx_config.hpp"

#include "agent/lb_values.hpp"
#include "agent/nginx_sites.hpp"
#include "agent/nginx_upstreams.hpp"
#include "agent/nginx_words.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>

namespace muster::agent {
namespace {

using config::Listener;
using config::ListenMode;

/// Clients that a listener counts: some 160,000 of them.
constexpr std::string_view memory_of_clients = "10m";

/// Directives and blocks, with their indent.
class Text {
 public:
    explicit Text(std::uint64_t certificates)
        : text_("# Written by muster-agent: changes made here are lost.\n") {
        if (certificates != 0) text_ += fmt::format("# certificates {:016x}\n", certificates);
    }

    template <class... Args>
    void line(fmt::format_string<Args...> format, Args&&... args) {
        text_.append(depth_ * 4, ' ');
        fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
        text_ += ";\n";
    }
    void open(std::string_view heading) {
        if (depth_ == 0) text_ += '\n';
        text_.append(depth_ * 4, ' ');
        fmt::format_to(std::back_inserter(text_), "{} {{\n", heading);
        ++depth_;
    }
    void close() {
        --depth_;
        text_.append(depth_ * 4, ' ');
        text_ += "}\n";
    }
    void block(std::string_view text) {
        if (!text.empty()) fmt::format_to(std::back_inserter(text_), "\n{}", text);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

 private:
    std::string text_;
    std::size_t depth_ = 0;
};

class Renderer {
 public:
    Renderer(const LbState& state, const NginxSettings& settings, const NginxHost& host)
        : state_(state),
          settings_(settings),
          upstreams_(state, settings, host),
          http_(host.certificates),
          stream_(host.certificates) {}

    RenderedNginx render() {
        RenderedNginx made;
        bool maps = false;
        for (const Listener& listener : state_.listeners) {
            maps = maps || listener.mode == ListenMode::http;
            if (listener.mode == ListenMode::tcp && settings_.stream_file.empty())
                note(listener, "nginx has no `stream {}` here (stream_file): it is not served");
        }
        for (const Use& use : uses_of(state_.listeners)) {
            if (use.second == ListenMode::tcp && settings_.stream_file.empty()) continue;
            (use.second == ListenMode::http ? http_ : stream_)
                .block(upstreams_.render(use, notes_));
        }
        if (maps) {
            http_.open("map $http_upgrade $muster_connection");
            http_.line("default upgrade");
            http_.line("\"\" \"\"");
            http_.close();
        }
        for (const Listener& listener : state_.listeners) {
            if (listener.mode == ListenMode::http) {
                http(listener);
            } else if (!settings_.stream_file.empty()) {
                tcp(listener);
            }
        }
        made.http = http_.take();
        made.stream = stream_.take();
        made.notes = std::move(notes_);
        return made;
    }

 private:
    void note(const Listener& listener, std::string_view text) {
        notes_.push_back(fmt::format("listener '{}': {}", listener.name, text));
    }

    void listen(Text& text, const Listener& listener, std::string_view options) {
        if (!listener.address.empty())
            return text.line("listen {}{}", nginx_place(listener.address, listener.port), options);
        text.line("listen {}{}", listener.port, options);
        if (settings_.ipv6) text.line("listen [::]:{}{}", listener.port, options);
    }

    void tls(Text& text, const Listener& listener) {
        if (listener.tls.certificates.empty()) return;
        for (const std::string& file : listener.tls.certificates) {
            text.line("ssl_certificate {}", file);
            text.line("ssl_certificate_key {}", file);
        }
        std::string versions;
        for (const std::string_view version : tls_versions) {
            if (version >= listener.tls.minimum)
                versions += fmt::format(" TLSv{}", version == "1.0" ? "1" : version);
        }
        text.line("ssl_protocols{}", versions);
    }

    /// What is counted is declared beside the servers, and limited within them.
    void limit_zones(Text& text, const Listener& listener) {
        const std::string name = nginx_name(listener.name);
        const config::ClientLimits& limits = listener.limits;
        if (limits.connections > 0)
            text.line("limit_conn_zone $server_port zone=muster_all_{}:64k", name);
        if (limits.connections_per_client > 0) {
            text.line("limit_conn_zone $binary_remote_addr zone=muster_client_{}:{}",
                      name,
                      memory_of_clients);
        }
        if (limits.requests_per_client > 0 && listener.mode == ListenMode::http) {
            text.line("limit_req_zone $binary_remote_addr zone=muster_rate_{}:{} rate={}r/m",
                      name,
                      memory_of_clients,
                      rate_per_minute(limits.requests_per_client, limits.period));
        }
    }

    void limits(Text& text, const Listener& listener) {
        const std::string name = nginx_name(listener.name);
        const config::ClientLimits& limits = listener.limits;
        if (limits.connections > 0) text.line("limit_conn muster_all_{} {}", name, most_of(limits));
        if (limits.connections_per_client > 0)
            text.line("limit_conn muster_client_{} {}", name, of_client(limits));
        if (limits.requests_per_client == 0 || listener.mode == ListenMode::tcp) return;
        // So many at once, and then one for each that the rate allows.
        const int burst = limits.requests_per_client - 1;
        text.line("limit_req zone=muster_rate_{}{}",
                  name,
                  burst > 0 ? fmt::format(" burst={} nodelay", burst) : "");
        text.line("limit_req_status 429");
    }

    /// nginx counts them in 16 bits.
    static int most_of(const config::ClientLimits& limits) {
        return std::min(limits.connections, 65535);
    }
    static int of_client(const config::ClientLimits& limits) {
        return std::min(limits.connections_per_client, 65535);
    }

    void retries(Text& text, const Pool& pool) {
        if (pool.lb.retries == 0) return text.line("proxy_next_upstream off");
        text.line("proxy_next_upstream_tries {}", pool.lb.retries + 1);
    }

    void proxy(const Use& use, config::Duration answer_within) {
        const Pool& pool = *upstreams_.pool(use.first);
        http_.line("proxy_pass http://{}", upstream_name(use));
        http_.line("proxy_connect_timeout {}", nginx_time(pool.lb.connect_timeout));
        http_.line("proxy_send_timeout {}", nginx_time(answer_within));
        http_.line("proxy_read_timeout {}", nginx_time(answer_within));
        retries(http_, pool);
    }

    void location(const config::Route& route) {
        http_.open(route.path.empty() ? "location /"
                                      : fmt::format("location ~ {}", path_pattern(route.path)));
        if (!upstreams_.serves(route.group)) {
            http_.line("default_type text/plain");
            http_.line("return 503 \"no server\\n\"");
            return http_.close();
        }
        // The time-outs of WebSockets are others, and can't depend on a variable.
        http_.line("error_page 418 = @muster_tunnel_{}", nginx_name(route.group.str()));
        http_.open("if ($muster_connection)");
        http_.line("return 418");
        http_.close();
        proxy({route.group, ListenMode::http}, upstreams_.pool(route.group)->lb.server_timeout);
        http_.close();
    }

    void site(const Listener& listener, const NginxSite& site) {
        const bool secure = !listener.tls.certificates.empty();
        http_.open("server");
        listen(http_,
               listener,
               fmt::format(
                   "{}{}", secure ? " ssl http2" : "", site.host.empty() ? " default_server" : ""));
        if (!site.host.empty()) http_.line("server_name {}", site.host);
        tls(http_, listener);
        const std::string client = nginx_time(listener.client_timeout);
        for (const std::string_view what :
             {"client_header_timeout", "client_body_timeout", "keepalive_timeout", "send_timeout"})
            http_.line("{} {}", what, client);
        http_.line("client_max_body_size 0");
        http_.line("merge_slashes off");
        limits(http_, listener);
        http_.line("proxy_http_version 1.1");
        http_.line("proxy_set_header Host $http_host");
        http_.line("proxy_set_header Upgrade $http_upgrade");
        http_.line("proxy_set_header Connection $muster_connection");
        http_.line("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for");
        if (secure) http_.line("proxy_set_header X-Forwarded-Proto https");
        std::set<GroupName> groups;
        for (const config::Route& route : site.routes) {
            location(route);
            if (upstreams_.serves(route.group)) groups.insert(route.group);
        }
        if (site.routes.empty() || !site.routes.back().path.empty()) {
            http_.open("location /");
            http_.line("default_type text/plain");
            http_.line("return 404 \"no route\\n\"");
            http_.close();
        }
        for (const GroupName& group : groups) {
            http_.open(fmt::format("location @muster_tunnel_{}", nginx_name(group.str())));
            proxy({group, ListenMode::http}, listener.tunnel_timeout);
            http_.close();
        }
        http_.close();
    }

    void http(const Listener& listener) {
        if (listener.tls.certificates.size() > 1)
            note(listener, "nginx chooses among certificates by the kind of key, not by the name");
        http_.block(fmt::format("# listener {}\n", listener.name));
        limit_zones(http_, listener);
        for (const NginxSite& each : sites_of(listener)) site(listener, each);
    }

    void tcp(const Listener& listener) {
        const bool secure = !listener.tls.certificates.empty();
        if (listener.limits.requests_per_client > 0)
            note(listener, "nginx can't limit connections by time in tcp mode: no such limit");
        stream_.block(fmt::format("# listener {}\n", listener.name));
        limit_zones(stream_, listener);
        stream_.open("server");
        listen(stream_, listener, secure ? " ssl" : "");
        tls(stream_, listener);
        if (secure) stream_.line("ssl_handshake_timeout {}", nginx_time(listener.client_timeout));
        limits(stream_, listener);
        if (upstreams_.serves(listener.group)) {
            const Pool& pool = *upstreams_.pool(listener.group);
            stream_.line("proxy_pass {}", upstream_name({listener.group, ListenMode::tcp}));
            stream_.line("proxy_connect_timeout {}", nginx_time(pool.lb.connect_timeout));
            stream_.line("proxy_timeout {}", nginx_time(listener.tunnel_timeout));
            retries(stream_, pool);
        } else {
            stream_.line("return \"\"");
        }
        stream_.close();
    }

    const LbState& state_;
    const NginxSettings& settings_;
    NginxUpstreams upstreams_;
    Text http_;
    Text stream_;
    std::vector<std::string> notes_;
};

}  // namespace

Result<RenderedNginx> render_nginx(const LbState& state,
                                   const NginxSettings& settings,
                                   const NginxHost& host) {
    if (const auto right = check_for_nginx(state, settings); !right)
        return tl::unexpected(right.error());
    return Renderer(state, settings, host).render();
}

}  // namespace muster::agent
