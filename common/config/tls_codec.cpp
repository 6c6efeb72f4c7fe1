#include "common/config/enum_words.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/probe_codec.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace muster::config {

namespace {

void read_protocols(const Fields& fields, std::vector<std::string>& into) {
    const auto alpn = fields.find("alpn");
    if (!alpn) return;
    for (const Value& element : elements_of(*alpn, bounds::alpn_protocols)) {
        if (auto name = read_text(element, rules::alpn_protocol)) into.push_back(std::move(*name));
    }
}

void refuse_failed_before_degraded(const Fields& fields, const TlsSettings& tls) {
    if (tls.expires_degraded_days == 0 || tls.expires_failed_days < tls.expires_degraded_days)
        return;
    if (const auto value = fields.find("expires_failed_days")) {
        value->refuse(fmt::format("is {}, and expires_degraded_days is {}; must be less than that",
                                  tls.expires_failed_days,
                                  tls.expires_degraded_days));
    }
}

}  // namespace

std::optional<TlsSettings> decode_tls(const Value& value) {
    if (value.node().is_scalar()) {
        const auto on = read_bool(value);
        return on.value_or(false) ? std::optional(TlsSettings{}) : std::nullopt;
    }
    TlsSettings tls;
    const Fields fields(value,
                        {"sni",
                         "verify",
                         "ca",
                         "certificate",
                         "min_version",
                         "alpn",
                         "expires_degraded_days",
                         "expires_failed_days",
                         "resume"});
    read_text(fields, "sni", tls.sni, rules::server_name);
    read_bool(fields, "verify", tls.verify);
    read_text(fields, "ca", tls.ca, rules::name);
    read_text(fields, "certificate", tls.certificate, rules::name);
    read_enum(fields, "min_version", tls.min_version);
    read_protocols(fields, tls.alpn);
    read_int(fields, "expires_degraded_days", tls.expires_degraded_days, bounds::expiry_days);
    read_int(fields, "expires_failed_days", tls.expires_failed_days, bounds::expiry_days);
    refuse_failed_before_degraded(fields, tls);
    read_bool(fields, "resume", tls.resume);
    return tls;
}

json::object encode(const TlsSettings& tls, Verbosity verbosity) {
    const TlsSettings standard;
    FieldWriter writer(verbosity);
    writer.optional("sni", tls.sni);
    writer.field("verify", tls.verify, standard.verify);
    writer.optional("ca", tls.ca);
    writer.optional("certificate", tls.certificate);
    writer.field("min_version",
                 std::string(word_of(tls.min_version)),
                 std::string(word_of(standard.min_version)));
    json::array protocols;
    for (const std::string& name : tls.alpn) protocols.emplace_back(name);
    if (!protocols.empty()) writer.put("alpn", std::move(protocols));
    writer.field(
        "expires_degraded_days", tls.expires_degraded_days, standard.expires_degraded_days);
    writer.field("expires_failed_days", tls.expires_failed_days, standard.expires_failed_days);
    writer.field("resume", tls.resume, standard.resume);
    return writer.take();
}

}  // namespace muster::config
