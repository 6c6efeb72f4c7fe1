#include "tests/support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <stdexcept>

namespace muster::test {

namespace {

void require(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(std::string("certificates: ") + what);
}

std::shared_ptr<EVP_PKEY> new_key() {
    std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    require(key != nullptr, "no key");
    return key;
}

template <class Write>
std::string pem(const Write& write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
    require(write(memory.get()) == 1, "not written");
    char* data = nullptr;
    const auto size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* to, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), X509_EXTENSION_free);
    require(extension && X509_add_ext(to, extension.get(), -1) == 1, "no extension");
}

std::shared_ptr<X509> new_certificate(const std::string& name, std::chrono::seconds expires_in) {
    static std::atomic<long> serial{1};
    std::shared_ptr<X509> certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    constexpr std::chrono::seconds begun_before = std::chrono::hours(24 * 365);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -begun_before.count());
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), expires_in.count());
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's word for a byte.
    const auto* const bytes = reinterpret_cast<const unsigned char*>(name.c_str());
    if (!name.empty())
        X509_NAME_add_entry_by_txt(
            X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8, bytes, -1, -1, 0);
    return certificate;
}

}  // namespace

Authority::Authority()
    : key_(new_key()), certificate_(new_certificate("muster test", std::chrono::hours(24 * 3650))) {
    X509* const own = certificate_.get();
    X509_set_issuer_name(own, X509_get_subject_name(own));
    X509_set_pubkey(own, key_.get());
    add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
    require(X509_sign(own, key_.get(), EVP_sha256()) > 0, "not signed");
}

Authority::Pem Authority::issue(const Leaf& leaf) const {
    const Key key = new_key();
    const Certificate certificate = new_certificate(leaf.common_name, leaf.expires_in);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
    X509_set_pubkey(certificate.get(), key.get());
    add_extension(certificate.get(), certificate_.get(), NID_subject_alt_name, leaf.names);
    require(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "not signed");
    return {.certificate = pem([&](BIO* to) { return PEM_write_bio_X509(to, certificate.get()); }),
            .key = pem([&](BIO* to) {
                return PEM_write_bio_PrivateKey(
                    to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
            })};
}

std::string Authority::bundle() const {
    return pem([&](BIO* to) { return PEM_write_bio_X509(to, certificate_.get()); });
}

}  // namespace muster::test
