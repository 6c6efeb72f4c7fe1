#pragma once

#include <string>

namespace muster {

/// What a client needs for TLS beside the address, in PEM files. All may be empty.
struct TlsFiles {
    std::string ca;           ///< whom to trust; empty: the system's authorities
    std::string certificate;  ///< to show when asked for one, with its chain
    std::string key;          ///< of the certificate, without a passphrase
    std::string server_name;  ///< what the server's certificate must be for; empty: the URL's host
    bool operator==(const TlsFiles&) const = default;
};

}  // namespace muster
