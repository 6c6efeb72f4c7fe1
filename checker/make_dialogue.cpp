#include "checker/make_dialogue.hpp"

#include "checker/agent_dialogue.hpp"
#include "checker/compiled_probe.hpp"
#include "checker/dns_dialogue.hpp"
#include "checker/grpc_dialogue.hpp"
#include "checker/http2_dialogue.hpp"
#include "checker/http_dialogue.hpp"
#include "checker/ldap_dialogue.hpp"
#include "checker/mysql_dialogue.hpp"
#include "checker/ping_dialogue.hpp"
#include "checker/postgres_dialogue.hpp"
#include "checker/redis_dialogue.hpp"
#include "checker/smtp_dialogue.hpp"
#include "checker/tcp_dialogue.hpp"
#include "checker/udp_dialogue.hpp"
#include "checker/websocket_dialogue.hpp"

#include <cerrno>
#include <variant>

namespace muster::checker {

namespace {

using Made = tl::expected<std::unique_ptr<Dialogue>, Reason>;

struct Maker {
    const ProbeRequest& request;
    const DialogueSettings& settings;

    Made operator()(const config::HttpCheck& check) const {
        if (check.version == config::HttpVersion::http2)
            return std::make_unique<Http2Dialogue>(request, check, settings);
        return std::make_unique<HttpDialogue>(request, check, settings);
    }
    Made operator()(const config::TcpCheck& check) const {
        return std::make_unique<TcpDialogue>(check, *settings.patterns);
    }
    Made operator()(const config::GrpcCheck& check) const {
        return std::make_unique<GrpcDialogue>(request, check, settings);
    }
    Made operator()(const config::WebSocketCheck& check) const {
        return std::make_unique<WebSocketDialogue>(request, check, settings);
    }
    Made operator()(const config::UdpCheck& check) const {
        return std::make_unique<UdpDialogue>(check, *settings.patterns);
    }
    Made operator()(const config::DnsCheck& check) const {
        return std::make_unique<DnsDialogue>(check, *settings.patterns);
    }
    Made operator()(const config::PingCheck& check) const {
        return std::make_unique<PingDialogue>(check);
    }
    Made operator()(const config::RedisCheck& check) const {
        return with_secret<RedisDialogue>(check);
    }
    Made operator()(const config::PostgresCheck& check) const {
        return std::make_unique<PostgresDialogue>(check, request.probe->tls.has_value());
    }
    Made operator()(const config::MysqlCheck& check) const {
        return std::make_unique<MysqlDialogue>(check, request.probe->tls.has_value());
    }
    Made operator()(const config::SmtpCheck& check) const {
        return std::make_unique<SmtpDialogue>(check);
    }
    Made operator()(const config::LdapCheck& check) const {
        return with_secret<LdapDialogue>(check);
    }
    Made operator()(const config::AgentCheck& check) const {
        return std::make_unique<AgentDialogue>(check);
    }
    Made operator()(const config::PluginCheck& check) const {
        const CompiledProbe* const probe = find_compiled_probe(check.name);
        if (probe == nullptr) return tl::unexpected(Reason::prober_no_kind);
        auto dialogue = make_guarded(
            *probe, {.host = request.host, .port = request.port, .settings = check.settings});
        if (!dialogue) return tl::unexpected(Reason::prober_config);
        return dialogue;
    }
    template <class Other>
    Made operator()(const Other& /*check*/) const {
        return tl::unexpected(Reason::prober_no_kind);
    }

 private:
    template <class Kind, class Check>
    Made with_secret(const Check& check) const {
        if (check.secret.empty()) return std::make_unique<Kind>(check, "");
        auto secret = settings.secret ? settings.secret(check.secret) : std::nullopt;
        if (!secret) return tl::unexpected(Reason::prober_config);
        return std::make_unique<Kind>(check, std::move(*secret));
    }
};

template <class... Kinds>
void add_names(std::vector<std::string>& names) {
    (names.emplace_back(config::probe_kind_name<Kinds>()), ...);
}

}  // namespace

std::vector<std::string> probe_kinds() {
    std::vector<std::string> names;
    add_names<config::HttpCheck,
              config::TcpCheck,
              config::GrpcCheck,
              config::WebSocketCheck,
              config::UdpCheck,
              config::DnsCheck,
              config::RedisCheck,
              config::PostgresCheck,
              config::MysqlCheck,
              config::SmtpCheck,
              config::LdapCheck>(names);
    ProbeSocket echo;
    const int error = echo.connect(boost::asio::ip::address_v4::loopback(), 0, Transport::echo);
    if (error != EACCES && error != EPERM) add_names<config::PingCheck>(names);
    return names;
}

Transport transport_of(const config::ProbeKind& kind) {
    if (std::holds_alternative<config::PingCheck>(kind)) return Transport::echo;
    if (const auto* const plugin = std::get_if<config::PluginCheck>(&kind)) {
        const CompiledProbe* const probe = find_compiled_probe(plugin->name);
        return probe != nullptr ? probe->transport : Transport::stream;
    }
    const auto* const dns = std::get_if<config::DnsCheck>(&kind);
    const bool datagram =
        std::holds_alternative<config::UdpCheck>(kind) || (dns != nullptr && !dns->tcp);
    return datagram ? Transport::datagram : Transport::stream;
}

Made make_dialogue(const ProbeRequest& request, const DialogueSettings& settings) {
    return std::visit(Maker{request, settings}, request.probe->kind);
}

}  // namespace muster::checker
