#include "agent/certificate_settings.hpp"

#include "common/config/text_rules.hpp"

namespace muster::agent {

namespace rules = config::rules;

CertificateSettings read_certificate_settings(const config::Value& value) {
    constexpr std::size_t most_secrets = 256;
    CertificateSettings settings;
    const config::Fields fields(value, {"directory", "secrets"});
    read_text(fields, "directory", settings.directory, rules::certificate_path);
    const auto secrets = fields.find("secrets");
    if (!secrets) return settings;
    for (const config::Value& entry : entries_of(*secrets, most_secrets)) {
        const std::string name(entry.key());
        if (const std::string_view complaint = rules::name(name); !complaint.empty())
            entry.refuse("has a name that " + std::string(complaint));
        if (auto path = read_text(entry, rules::certificate_path))
            settings.secrets.insert_or_assign(name, std::move(*path));
    }
    return settings;
}

}  // namespace muster::agent
