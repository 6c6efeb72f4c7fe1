#pragma once

#include "common/config/value.hpp"

#include <map>
#include <string>

namespace muster::agent {

/// What of this host a fleet may name. Its definition comes over the network: it can choose among
/// these, and read nothing else.
struct CertificateSettings {
    std::string directory = "/etc/muster/tls";   ///< `certificates` must lie below it
    std::map<std::string, std::string> secrets;  ///< `secrets`: a PEM file or a directory each
    bool operator==(const CertificateSettings&) const = default;
};

/// `tls` of an agent's settings; complaints go where the value's do. Pure.
[[nodiscard]] CertificateSettings read_certificate_settings(const config::Value& value);

}  // namespace muster::agent
