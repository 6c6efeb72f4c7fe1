#include "agent/certificate.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

namespace muster::agent {
namespace {

template <auto release>
struct Release {
    template <class T>
    void operator()(T* object) const {
        release(object);
    }
};
using Bio = std::unique_ptr<BIO, Release<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Release<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;

tl::unexpected<Error> wrong(std::string what) {
    ERR_clear_error();
    return fail(std::make_error_code(std::errc::bad_message), std::move(what));
}

/// OpenSSL's own word for what it refused last.
std::string reason() {
    const unsigned long code = ERR_peek_last_error();
    const char* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
    return text == nullptr ? "no reason given" : text;
}

/// Never asks for a passphrase: nobody is there.
int no_passphrase(char*, int, int, void*) {
    return -1;
}

Bio view_of(std::string_view text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<std::vector<X509Ptr>> read_chain(std::string_view text) {
    const Bio bio = view_of(text);
    std::vector<X509Ptr> chain;
    ERR_clear_error();
    for (;;) {
        X509Ptr next(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
        if (!next) break;
        if (chain.size() == max_chain)
            return wrong(fmt::format("has more than {} certificates", max_chain));
        chain.push_back(std::move(next));
    }
    // "No more" is the one good end: one that is cut off in the middle ends otherwise.
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return wrong("its certificate can't be read: " + reason());
    if (chain.empty()) return wrong("has no certificate");
    ERR_clear_error();
    return chain;
}

Result<Key> read_key(std::string_view text) {
    if (!text.contains("PRIVATE KEY-----")) return wrong("has no key");
    const Bio bio = view_of(text);
    ERR_clear_error();
    Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    if (key) return key;
    return wrong("its key can't be read (encrypted, or cut off): " + reason());
}

Result<WallTime> time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1)
        return wrong("its time of validity can't be read");
    return WallTime(std::chrono::seconds(::timegm(&parts)));
}

/// Does OpenSSL, and so whatever LB uses it, take them? Too short keys are refused here, too.
Result<void> try_out(const std::vector<X509Ptr>& chain, EVP_PKEY* key) {
    const Context context(SSL_CTX_new(TLS_server_method()));
    if (!context) return wrong(reason());
    ERR_clear_error();
    if (X509_check_private_key(chain.front().get(), key) != 1)
        return wrong("its key is not that of its first certificate");
    ERR_clear_error();
    if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key) != 1)
        return wrong("is not fit for a server: " + reason());
    for (std::size_t i = 1; i < chain.size(); ++i) {
        if (SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) != 1)
            return wrong("its chain is not fit for a server: " + reason());
    }
    return {};
}

Result<std::string> write_pem(const std::vector<X509Ptr>& chain, EVP_PKEY* key) {
    const Bio out(BIO_new(BIO_s_mem()));
    bool written = out != nullptr;
    for (const X509Ptr& each : chain)
        written = written && PEM_write_bio_X509(out.get(), each.get()) == 1;
    written = written &&
              PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
    if (!written) return wrong("can't be written again: " + reason());
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

std::string fingerprint_of(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    if (X509_digest(certificate, EVP_sha1(), hash.data(), &size) != 1) return {};
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02X}", hash.at(i));
    return text;
}

std::string subject_of(const X509* certificate) {
    const Bio out(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(size)).substr(0, 200);
}

}  // namespace

Result<Certificate> read_certificate(std::string_view chain_text, std::string_view key_text) {
    if (chain_text.size() > max_certificate_bytes || key_text.size() > max_certificate_bytes)
        return wrong(fmt::format("is longer than {} bytes", max_certificate_bytes));
    const auto chain = read_chain(chain_text);
    if (!chain) return tl::unexpected(chain.error());
    const auto key = read_key(key_text);
    if (!key) return tl::unexpected(key.error());
    if (const auto fit = try_out(*chain, key->get()); !fit) return tl::unexpected(fit.error());
    const X509* const leaf = chain->front().get();
    const auto not_before = time_of(X509_get0_notBefore(leaf));
    if (!not_before) return tl::unexpected(not_before.error());
    const auto not_after = time_of(X509_get0_notAfter(leaf));
    if (!not_after) return tl::unexpected(not_after.error());
    auto pem = write_pem(*chain, key->get());
    if (!pem) return tl::unexpected(pem.error());
    return Certificate{.pem = std::move(*pem),
                       .fingerprint = fingerprint_of(leaf),
                       .subject = subject_of(leaf),
                       .not_before = *not_before,
                       .not_after = *not_after};
}

}  // namespace muster::agent
