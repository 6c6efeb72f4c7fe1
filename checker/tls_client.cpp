#include "checker/tls_client.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <new>

namespace muster::checker {

namespace {

using config::TlsSettings;

constexpr int first_alert = 1000;  // SSL_R_*_ALERT_* are this plus the alert (RFC 8446, 6)
constexpr int last_alert = first_alert + 255;

/// No handshake takes as much, and what goes on for ever does. After it there are a few tickets.
constexpr std::size_t most_of_handshake = 128UZ * 1024UZ;
constexpr std::size_t most_overhead = 32UZ * 1024UZ;
constexpr int most_messages = 64;
/// A change of keys has 27 bytes and takes 0.1 ms: not many at a time.
constexpr std::size_t step_size = 2048;
/// A record of one byte has some 30 more.
constexpr std::size_t overhead_per_byte = 64;
/// Our own certificates have room in it; a cookie that somebody wants back has, too.
constexpr std::size_t most_to_say = 24UZ * 1024UZ;
/// What is read of a peer's certificates and names may take so much: a whole trust store's names do
/// not.
constexpr std::size_t heaviest_peer = 192UZ * 1024UZ;

bool is_address(const std::string& host) {
    boost::system::error_code error;
    boost::asio::ip::make_address(host, error);
    return !error;
}

/// RFC 7301, 3.1: each name behind its length.
void add_protocol(std::string& list, std::string_view name) {
    if (name.empty() || name.size() > 255) return;
    list += static_cast<char>(name.size());
    list += name;
}

/// What OpenSSL makes of them, as measured: a dozen times their own size where they mean ill.
std::size_t weight_of(const X509_NAME* name) {
    return 160 + 200 * static_cast<std::size_t>(X509_NAME_entry_count(name));
}
std::size_t weight_of(const X509* certificate) {
    const auto size = static_cast<std::size_t>(std::max(0, i2d_X509(certificate, nullptr)));
    return 2048 + 12 * size + weight_of(X509_get_subject_name(certificate)) +
           weight_of(X509_get_issuer_name(certificate));
}

void count_message(int is_sent,
                   int /*version*/,
                   int type,
                   const void* /*message*/,
                   std::size_t /*size*/,
                   SSL* /*ssl*/,
                   void* count) {
    if (is_sent == 0 && type == SSL3_RT_HANDSHAKE) ++*static_cast<int*>(count);
}

const unsigned char* bytes_of(std::string_view text) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's word for a byte.
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::uint16_t to_code(std::int64_t value) {
    return static_cast<std::uint16_t>(std::clamp<std::int64_t>(value, 0, 65'535));
}

}  // namespace

TlsClient::TlsClient(SSL_CTX& context,
                     const TlsSettings& settings,
                     const std::string& host,
                     std::string_view alpn)
    : settings_(settings), ssl_(SSL_new(&context), SSL_free) {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    if (!ssl_ || in_ == nullptr || out_ == nullptr) {
        BIO_free(in_);
        BIO_free(out_);
        throw std::bad_alloc();
    }
    BIO_set_mem_eof_return(in_, -1);
    BIO_set_mem_eof_return(out_, -1);
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_connect_state(ssl_.get());
    SSL_set_msg_callback(ssl_.get(), count_message);
    SSL_set_msg_callback_arg(ssl_.get(), &messages_);

    const std::string& name = settings.sni.empty() ? host : settings.sni;
    if (is_address(name)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), name.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl_.get(), name.c_str());
        SSL_set1_host(ssl_.get(), name.c_str());
    }
    std::string protocols;
    add_protocol(protocols, alpn);
    for (const std::string& one : settings.alpn) add_protocol(protocols, one);
    if (!protocols.empty()) {
        SSL_set_alpn_protos(
            ssl_.get(), bytes_of(protocols), static_cast<unsigned int>(protocols.size()));
    }
}

void TlsClient::resume(SSL_SESSION* session) {
    if (session != nullptr) SSL_set_session(ssl_.get(), session);
}

TlsClient::Session TlsClient::session() const {
    const SSL_SESSION* const own = SSL_get0_session(ssl_.get());
    // A copy: the connection, which isn't ended in order, takes its own one with it.
    const bool resumable = own != nullptr && SSL_SESSION_is_resumable(own) == 1;
    return {resumable ? SSL_SESSION_dup(own) : nullptr, SSL_SESSION_free};
}

TlsClient::State TlsClient::start(std::string& out) {
    std::string nothing;
    return go_on(nothing, out);
}

TlsClient::State TlsClient::receive(std::string_view bytes, std::string& plain, std::string& out) {
    State state = open_ ? State::open : State::handshaking;
    while (!bytes.empty() && (state == State::open || state == State::handshaking)) {
        const std::string_view some = bytes.substr(0, step_size);
        state = step(some, plain, out);
        bytes.remove_prefix(some.size());
    }
    return state;
}

TlsClient::State TlsClient::step(std::string_view bytes, std::string& plain, std::string& out) {
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
    const std::size_t before = plain.size();
    const bool was_open = open_;
    const State state = go_on(plain, out);
    if (state == State::failed) return state;
    overhead_ = open_ && !was_open ? 0 : overhead_ + bytes.size();
    overhead_ -= std::min(overhead_, (plain.size() - before) * overhead_per_byte);
    if (overhead_ <= (open_ ? most_overhead : most_of_handshake) && messages_ <= most_messages)
        return state;
    failure_.reason = open_ ? Reason::l7_invalid : Reason::l6_handshake;
    return State::failed;
}

bool TlsClient::is_overweight() const {
    std::size_t weight = 0;
    const STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl_.get());
    for (int i = 0; i < sk_X509_num(chain); ++i) weight += weight_of(sk_X509_value(chain, i));
    const STACK_OF(X509_NAME)* const names = SSL_get0_peer_CA_list(ssl_.get());
    for (int i = 0; i < sk_X509_NAME_num(names); ++i)
        weight += weight_of(sk_X509_NAME_value(names, i));
    return weight > heaviest_peer;
}

TlsClient::State TlsClient::go_on(std::string& plain, std::string& out) {
    ERR_clear_error();
    if (!open_) {
        const int done = SSL_do_handshake(ssl_.get());
        take_output(out);
        // For a moment it is all there: OpenSSL reads a message as a whole.
        if (is_overweight() || out.size() > most_to_say) return State::failed;
        if (done != 1) {
            const int error = SSL_get_error(ssl_.get(), done);
            return error == SSL_ERROR_WANT_READ ? State::handshaking : fail();
        }
        open_ = true;
    }
    std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): is written to
    for (;;) {
        const int got = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (got > 0) {
            plain.append(buffer.data(), static_cast<std::size_t>(got));
            continue;
        }
        const int error = SSL_get_error(ssl_.get(), got);
        take_output(out);
        if (error == SSL_ERROR_WANT_READ) return State::open;
        return error == SSL_ERROR_ZERO_RETURN ? State::closed : fail();
    }
}

void TlsClient::send(std::string_view plain, std::string& out) {
    // Memory takes all there is.
    if (!plain.empty()) SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
    take_output(out);
}

void TlsClient::take_output(std::string& out) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out_, &data);
    if (size > 0) out.append(data, static_cast<std::size_t>(size));
    (void)BIO_reset(out_);
}

TlsClient::State TlsClient::fail() {
    // The queue may begin with what led to the failure, such as a signature that is wrong.
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    ERR_clear_error();
    const long verified = SSL_get_verify_result(ssl_.get());
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK) {
        const bool expired = verified == X509_V_ERR_CERT_HAS_EXPIRED;
        failure_.reason = expired ? Reason::l6_expiry : Reason::l6_certificate;
        failure_.code = expired ? std::uint16_t{0} : to_code(verified);
    } else if (open_) {
        failure_.reason = Reason::l7_closed;
    }
    if (reason >= first_alert && reason <= last_alert)
        failure_.code = to_code(reason - first_alert);
    return State::failed;
}

std::optional<Finding> TlsClient::expiry(WallTime now) const {
    if (settings_.expires_failed_days == 0 && settings_.expires_degraded_days == 0)
        return std::nullopt;
    const std::time_t at = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> today(ASN1_TIME_set(nullptr, at),
                                                                      ASN1_TIME_free);
    std::optional<std::chrono::seconds> left;
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl_.get());
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        int days = 0;
        int seconds = 0;
        const ASN1_TIME* end = X509_get0_notAfter(sk_X509_value(chain, i));
        if (ASN1_TIME_diff(&days, &seconds, today.get(), end) != 1) continue;
        const auto this_one = std::chrono::days(days) + std::chrono::seconds(seconds);
        left = std::min(left.value_or(this_one), this_one);
    }
    if (!left) return std::nullopt;
    Finding finding{.reason = Reason::l6_expiry,
                    .code = to_code(std::chrono::floor<std::chrono::days>(*left).count())};
    if (*left < std::chrono::days(settings_.expires_failed_days)) {
        finding.result = Result::failure;
    } else if (*left < std::chrono::days(settings_.expires_degraded_days)) {
        finding.result = Result::degraded;
    } else {
        return std::nullopt;
    }
    return finding;
}

std::string_view TlsClient::protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's word for a byte.
    return {reinterpret_cast<const char*>(name), size};
}

}  // namespace muster::checker
