#pragma once

#include <openssl/x509.h>

#include <chrono>
#include <memory>
#include <string>

namespace muster::test {

/// A certificate authority of a test, with keys on P-256. Throws std::runtime_error when OpenSSL
/// refuses something.
class Authority {
 public:
    Authority();

    struct Leaf {
        /// Of subjectAltName, as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1".
        std::string names = "DNS:localhost,IP:127.0.0.1";
        std::string common_name = "leaf";  ///< empty: none
        std::chrono::seconds expires_in = std::chrono::hours(24 * 90);
    };
    struct Pem {
        std::string certificate;
        std::string key;
        [[nodiscard]] std::string both() const { return certificate + key; }
    };
    [[nodiscard]] Pem issue(const Leaf& leaf) const;

    /// Its own certificate: what clients trust.
    [[nodiscard]] std::string bundle() const;

 private:
    using Key = std::shared_ptr<EVP_PKEY>;
    using Certificate = std::shared_ptr<X509>;
    Key key_;
    Certificate certificate_;
};

}  // namespace muster::test
