#pragma once

#include "checker/intent_words.hpp"
#include "checker/outcome.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::checker {

/// What a dialogue has found out: the end of its probe.
struct Finding {
    Result result = Result::failure;
    Reason reason = Reason::l7_invalid;
    std::uint16_t code = 0;  ///< the protocol's own: HTTP status, SMTP reply, ...; 0 = none
    bool operator==(const Finding&) const = default;
};

/// What one probe says to a backend and expects of it: a protocol without any I/O, one object a
/// probe. The prober owns it, carries its bytes, and watches its deadline; TLS and the PROXY
/// protocol lie below it and it does not see them.
///
/// Over a stream, bytes come split in whatever way; over datagrams each receive() is one datagram
/// and what is put out at once is one. A backend is hostile: memory is bounded whatever it sends
/// (96 KiB a probe in all; beside that what TlsClient says of certificates), and nothing throws.
/// With a finding there may be last words in `out`; after it nothing more is called.
class Dialogue {
 public:
    /// What is to happen next. Neither: wait for more.
    struct Turn {
        std::optional<Finding> finding;
        bool start_tls = false;  ///< after what was put out has been sent; then secured() is called
        bool reconnect = false;  ///< begin() is to be called again, on a new connection
    };

    Dialogue() = default;
    Dialogue(const Dialogue&) = delete;
    Dialogue& operator=(const Dialogue&) = delete;
    virtual ~Dialogue() = default;

    /// The connection stands, with TLS where the check wants that from the beginning. What is to
    /// be sent is appended to `out`.
    virtual Turn begin(std::string& out) = 0;
    virtual Turn receive(std::string_view bytes, std::string& out) = 0;
    /// TLS that start_tls asked for stands.
    virtual Turn secured(std::string& /*out*/) { return {}; }
    /// The peer has closed in order, and nothing more will come.
    virtual Finding end_of_input() = 0;

    /// The time is up, and this is what that means; nothing = a timeout.
    [[nodiscard]] virtual std::optional<Finding> on_silence() const { return std::nullopt; }

    /// Servers that count or log connections which end without a good-bye are left by FIN; the
    /// others by reset, which costs both sides less.
    [[nodiscard]] virtual bool leaves_in_order() const { return false; }

    /// After a finding: the connection stands as it was at the beginning, and the next probe of the
    /// same request can use it.
    [[nodiscard]] virtual bool leaves_open() const { return false; }

    /// What the backend has said of itself on the way. Also asked when the probe ended before
    /// begin(), in TLS.
    [[nodiscard]] virtual std::optional<IntentWords> intent() const { return std::nullopt; }

    /// Of a probe that got no further: what has been heard so far, such as a status.
    [[nodiscard]] virtual std::uint16_t code() const { return 0; }

 protected:
    static Turn wait() { return {}; }
    static Turn succeed(std::uint16_t code = 0) {
        return {.finding =
                    Finding{.result = Result::success, .reason = Reason::l7_ok, .code = code}};
    }
    static Turn fail(Reason reason, std::uint16_t code = 0) {
        return {.finding = Finding{.result = Result::failure, .reason = reason, .code = code}};
    }
};

}  // namespace muster::checker
