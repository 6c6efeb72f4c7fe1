#pragma once

#include "common/base/clock.hpp"
#include "common/config/probe_model.hpp"

#include <openssl/ssl.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace muster::checker {

/// OpenSSL's contexts for the TLS settings of checks, one for all checks with the same. Bundles and
/// certificates are files of the node's own directory, DIRECTORY/NAME.pem (a client certificate
/// with its key in the same file); one that changes is read again within `look_again`. Executor:
/// none; one a prober.
class TlsContexts {
 public:
    static constexpr std::chrono::seconds look_again{10};

    /// An empty directory: this node has no such files.
    explicit TlsContexts(std::filesystem::path directory) : directory_(std::move(directory)) {}

    struct Context {
        std::shared_ptr<SSL_CTX> ssl;  ///< null: it can't be made
        std::string problem;           ///< then why: which file, and what OpenSSL says of it
    };
    [[nodiscard]] const Context& of(const config::TlsSettings& settings, SteadyTime now);

 private:
    /// What of the settings the context depends on; the rest is set for each connection.
    struct Key {
        std::string ca;
        std::string certificate;
        config::TlsVersion min_version = config::TlsVersion::tls12;
        bool verify = true;
        auto operator<=>(const Key&) const = default;
    };
    struct Entry {
        Context context;
        SteadyTime looked{};
        std::filesystem::file_time_type newest;
    };

    [[nodiscard]] std::filesystem::path file(const std::string& name) const;
    [[nodiscard]] std::filesystem::file_time_type newest_of(const Key& key) const;
    [[nodiscard]] Context make(const Key& key) const;

    std::filesystem::path directory_;
    std::map<Key, Entry> entries_;
};

}  // namespace muster::checker
