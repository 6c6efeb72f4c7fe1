#include "checker/tls_contexts.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace muster::checker {

namespace {

/// The first of OpenSSL's errors, which is the cause; the queue is empty afterwards.
std::string openssl_error() {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    ERR_clear_error();
    return text.data();
}

TlsContexts::Context without(std::string problem) {
    return {.ssl = nullptr, .problem = std::move(problem)};
}

}  // namespace

std::filesystem::path TlsContexts::file(const std::string& name) const {
    return directory_ / (name + ".pem");
}

std::filesystem::file_time_type TlsContexts::newest_of(const Key& key) const {
    auto newest = std::filesystem::file_time_type::min();
    for (const std::string* name : {&key.ca, &key.certificate}) {
        if (name->empty()) continue;
        std::error_code ignored;
        newest = std::max(newest, std::filesystem::last_write_time(file(*name), ignored));
    }
    return newest;
}

const TlsContexts::Context& TlsContexts::of(const config::TlsSettings& settings, SteadyTime now) {
    Key key{.ca = settings.ca,
            .certificate = settings.certificate,
            .min_version = settings.min_version,
            .verify = settings.verify};
    const auto known = entries_.find(key);
    if (known != entries_.end() && now < known->second.looked + look_again)
        return known->second.context;
    const auto newest = newest_of(key);
    if (known != entries_.end() && known->second.context.ssl && newest == known->second.newest) {
        known->second.looked = now;
        return known->second.context;
    }
    Context context = make(key);
    // A file that is being replaced may be half there: what worked goes on working.
    if (!context.ssl && known != entries_.end() && known->second.context.ssl)
        context.ssl = known->second.context.ssl;
    Entry& entry = entries_[std::move(key)];
    entry = {.context = std::move(context), .looked = now, .newest = newest};
    return entry.context;
}

TlsContexts::Context TlsContexts::make(const Key& key) const {
    ERR_clear_error();
    const std::shared_ptr<SSL_CTX> ssl(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    if (!ssl) return without(openssl_error());
    const bool only_13 = key.min_version == config::TlsVersion::tls13;
    SSL_CTX_set_min_proto_version(ssl.get(), only_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    // A probe is one short exchange, and there are many at once.
    SSL_CTX_set_mode(ssl.get(), SSL_MODE_RELEASE_BUFFERS);
    // A peer that closes without saying so has closed.
    SSL_CTX_set_options(ssl.get(), SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    constexpr long longest_chain = 48 * 1024;  // half of what a probe may take
    SSL_CTX_set_max_cert_list(ssl.get(), longest_chain);
    SSL_CTX_set_session_cache_mode(ssl.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ssl.get(), key.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    const bool named = !key.ca.empty() || !key.certificate.empty();
    if (named && directory_.empty()) return without("this node has no tls_dir");
    if (!key.ca.empty()) {
        const std::string path = file(key.ca);
        if (SSL_CTX_load_verify_file(ssl.get(), path.c_str()) != 1)
            return without(path + ": " + openssl_error());
    } else if (key.verify && SSL_CTX_set_default_verify_paths(ssl.get()) != 1) {
        return without("the system's certificates: " + openssl_error());
    }
    if (!key.certificate.empty()) {
        const std::string path = file(key.certificate);
        if (SSL_CTX_use_certificate_chain_file(ssl.get(), path.c_str()) != 1 ||
            SSL_CTX_use_PrivateKey_file(ssl.get(), path.c_str(), SSL_FILETYPE_PEM) != 1) {
            return without(path + ": " + openssl_error());
        }
    }
    return {.ssl = ssl, .problem = ""};
}

}  // namespace muster::checker
