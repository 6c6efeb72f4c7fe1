#pragma once

#include "checker/dialogue.hpp"
#include "common/base/clock.hpp"
#include "common/config/probe_model.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace muster::checker {

/// The client's side of TLS 1.2 or 1.3 (RFC 5246, RFC 8446) without any I/O: the prober carries its
/// bytes. One object a connection. Memory: what OpenSSL takes (some 40 KiB in a handshake, beside
/// the peer's certificates), and what is appended to the caller's texts, which is at most what came
/// in. A peer fails whose certificates and names of authorities take more than 192 KiB when read,
/// which has us say more than 24 KiB of a handshake, or sends more than 128 KiB of one, more than
/// 32 KiB behind it that are no content, or more than 64 messages of TLS in all.
class TlsClient {
 public:
    /// `host` is what the backend is called: the name that is asked for (SNI) and that the
    /// certificate must have, unless the settings say another one. An address must be in the
    /// certificate, too, and is not asked for. `alpn` beside the settings' own.
    TlsClient(SSL_CTX& context,
              const config::TlsSettings& settings,
              const std::string& host,
              std::string_view alpn);
    TlsClient(TlsClient&&) = delete;  // OpenSSL knows where it is
    TlsClient& operator=(TlsClient&&) = delete;
    ~TlsClient() = default;

    enum class State { handshaking, open, closed, failed };

    using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;
    /// Before start(): an abbreviated handshake (RFC 8446, 2.2), if the peer agrees. Null: a whole
    /// one. The peer's certificates are then those of the whole handshake before it.
    void resume(SSL_SESSION* session);
    /// When open: what can be resumed later. Null: the peer gave nothing (yet).
    [[nodiscard]] Session session() const;
    [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

    /// The first flight.
    [[nodiscard]] State start(std::string& out);
    /// What the peer sent; `plain` gets what is for the dialogue.
    [[nodiscard]] State receive(std::string_view bytes, std::string& plain, std::string& out);
    /// Only when open.
    void send(std::string_view plain, std::string& out);

    /// When failed: why.
    [[nodiscard]] Finding failure() const { return failure_; }

    /// When open: what the peer's certificates, of which the first one to expire counts, are by the
    /// settings' limits. Nothing = they live long enough.
    [[nodiscard]] std::optional<Finding> expiry(WallTime now) const;

    /// When open: the protocol that the peer has chosen by ALPN.
    [[nodiscard]] std::string_view protocol() const;

 private:
    State go_on(std::string& plain, std::string& out);
    State fail();
    State step(std::string_view bytes, std::string& plain, std::string& out);
    [[nodiscard]] bool is_overweight() const;
    void take_output(std::string& out);

    const config::TlsSettings& settings_;
    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
    BIO* in_ = nullptr;  ///< both owned by ssl_
    BIO* out_ = nullptr;
    bool open_ = false;
    std::size_t overhead_ = 0;  ///< bytes that came in for TLS itself, less what content excuses
    int messages_ = 0;          ///< of TLS's own that came in
    Finding failure_{.result = Result::failure, .reason = Reason::l6_handshake};
};

}  // namespace muster::checker
