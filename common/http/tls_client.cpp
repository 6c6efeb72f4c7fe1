#include "common/http/tls_client.hpp"

#include "common/http/client.hpp"
#include "common/observe/log.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <sys/stat.h>

#include <utility>

namespace muster::http {

namespace {

using boost::system::error_code;

/// The first of OpenSSL's errors, which is the cause; the queue is empty afterwards.
std::string openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    const char* const reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : fmt::format("OpenSSL's error {:x}", code);
}

tl::unexpected<Error> unusable(const std::string& file, const std::string& what) {
    return fail(Errc::bad_tls_files, fmt::format("{}: {}", file, what));
}

/// Nobody is there to type a passphrase.
int no_passphrase(char* /*into*/, int /*room*/, int /*writing*/, void* /*unused*/) {
    return -1;
}

bool is_of_ssl(const error_code& error) {
    return error.category() == boost::asio::error::get_ssl_category();
}

int alert_of(const error_code& error) {
    const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
    // SSL_R_*_ALERT_* are this plus the alert (RFC 8446, 6).
    return is_of_ssl(error) && reason >= SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : -1;
}

}  // namespace

TlsClient::Stamp TlsClient::stamp_of(const std::string& file) {
    struct stat status{};
    if (file.empty() || ::stat(file.c_str(), &status) != 0) return {};
    return {.device = status.st_dev,
            .inode = status.st_ino,
            .bytes = status.st_size,
            .seconds = status.st_mtim.tv_sec,
            .nanoseconds = status.st_mtim.tv_nsec};
}

Result<std::shared_ptr<SSL_CTX>> TlsClient::context() {
    // Looked at before they are read: what changes in between is read again the next time.
    const Stamps now{stamp_of(files_.ca), stamp_of(files_.certificate), stamp_of(files_.key)};
    if (context_ && now == looked_at_) return context_;
    Result<std::shared_ptr<SSL_CTX>> made = make();
    if (made) {
        context_ = *made;
    } else if (context_) {
        log::warn("tls_files_unusable", {{"why", made.error().message()}});
        made = context_;
    }
    looked_at_ = now;
    return made;
}

Result<std::shared_ptr<SSL_CTX>> TlsClient::make() const {
    ERR_clear_error();
    std::shared_ptr<SSL_CTX> ssl(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    if (!ssl) return fail(Errc::bad_tls_files, openssl_error());
    SSL_CTX_set_min_proto_version(ssl.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(ssl.get(), SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ssl.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_default_passwd_cb(ssl.get(), no_passphrase);
    if (files_.ca.empty()) {
        if (SSL_CTX_set_default_verify_paths(ssl.get()) != 1)
            return unusable("the system's authorities", openssl_error());
    } else if (SSL_CTX_load_verify_file(ssl.get(), files_.ca.c_str()) != 1) {
        return unusable(files_.ca, "no certificates of authorities in PEM: " + openssl_error());
    }
    if (files_.certificate.empty()) return ssl;
    if (SSL_CTX_use_certificate_chain_file(ssl.get(), files_.certificate.c_str()) != 1)
        return unusable(files_.certificate, "no certificate in PEM: " + openssl_error());
    if (SSL_CTX_use_PrivateKey_file(ssl.get(), files_.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        const bool is_other = ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH ||
                              ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_TYPE_MISMATCH;
        return unusable(files_.key,
                        is_other ? "not the key of the certificate in " + files_.certificate
                                 : "no key in PEM without a passphrase: " + openssl_error());
    }
    return ssl;
}

bool expect_server(SSL* ssl, const std::string& host) {
    error_code not_an_address;
    boost::asio::ip::make_address(host, not_an_address);
    // An address is never asked for (RFC 6066, 3), but has to be in the certificate as well.
    if (!not_an_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 &&
           SSL_set1_host(ssl, host.c_str()) == 1;
}

bool is_refusal_of_ours(const error_code& error) {
    switch (alert_of(error)) {
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_ACCESS_DENIED:
        case TLS13_AD_CERTIFICATE_REQUIRED:
            return true;
        default:
            return false;
    }
}

std::string why_no_tls(const SSL* ssl,
                       const error_code& error,
                       const TlsFiles& files,
                       const std::string& host) {
    const long verdict = SSL_get_verify_result(ssl);
    const char* const words = X509_verify_cert_error_string(verdict);
    switch (verdict) {
        case X509_V_OK:
            break;
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "the server's certificate, or one of its chain, has expired";
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return fmt::format(
                "the server's certificate is not for {}; server_name may say what "
                "else it must be for",
                host);
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return fmt::format("the server's certificate is of no authority in {} ({})",
                               files.ca.empty() ? "the system's bundle" : files.ca,
                               words);
        default:
            return fmt::format("the server's certificate: {}", words);
    }
    if (is_refusal_of_ours(error) && files.certificate.empty())
        return fmt::format("the server wants a certificate of ours, and none is configured ({})",
                           error.message());
    if (is_refusal_of_ours(error))
        return fmt::format(
            "the server refuses our certificate {} ({})", files.certificate, error.message());
    if (is_of_ssl(error) &&
        ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_WRONG_VERSION_NUMBER)
        return "the server speaks no TLS there";
    return error.message();
}

}  // namespace muster::http
