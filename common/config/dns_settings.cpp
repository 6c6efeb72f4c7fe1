#include "common/config/dns_settings.hpp"

#include "common/config/text_rules.hpp"

#include <algorithm>

namespace muster::config {

TlsFiles decode_tls_files(const Value& value, const std::vector<std::string>& endpoints) {
    TlsFiles tls;
    const Fields fields(value, {"ca", "certificate", "key", "server_name"});
    read_text(fields, "ca", tls.ca, rules::file_path);
    read_text(fields, "certificate", tls.certificate, rules::file_path);
    read_text(fields, "key", tls.key, rules::file_path);
    read_text(fields, "server_name", tls.server_name, rules::dns_name);
    if (tls.certificate.empty() != tls.key.empty())
        value.refuse("has one of certificate and key; must have both or none");
    const bool any =
        std::ranges::any_of(endpoints, [](const auto& one) { return one.starts_with("https://"); });
    if (!any && !endpoints.empty())
        value.refuse("stands without an endpoint that begins with https://");
    return tls;
}

}  // namespace muster::config
