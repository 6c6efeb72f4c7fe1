#pragma once

#include "checker/intent_words.hpp"
#include "common/base/shared_value.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::checker {

enum class Result : std::uint8_t {
    success,
    degraded,  ///< it works, and something about it is to be looked at: counts as a success
    failure,
    inconclusive,  ///< the prober's own trouble: never counts for or against a backend
};

/// HAProxy's L4/L6/L7 ladder, and the prober's own troubles.
enum class Reason : std::uint8_t {
    unknown,         ///< UNK      not checked yet
    l4_ok,           ///< L4OK     connected
    l4_timeout,      ///< L4TOUT   no answer to connect in time
    l4_refused,      ///< L4CON    connection refused, host or network unreachable
    l6_ok,           ///< L6OK     TLS stands
    l6_timeout,      ///< L6TOUT   no TLS in time
    l6_handshake,    ///< L6RSP    no TLS, or an alert (the code says which: RFC 8446, 6)
    l6_certificate,  ///< L6CERT   not verified (the code is X509_V_ERR_*)
    l6_expiry,       ///< L6EXP    the certificate has expired, or does soon (the code: days left)
    l7_ok,           ///< L7OK     expected reply
    l7_timeout,      ///< L7TOUT   connected, but no complete reply in time
    l7_closed,       ///< L7CLS    the peer closed or reset before a complete reply
    l7_invalid,      ///< L7RSP    the reply is not of the protocol
    l7_status,       ///< L7STS    a status that is not expected
    l7_auth,         ///< L7AUTH   not let in with the credentials that the check has
    l7_header,       ///< L7HDR    the header fields do not match
    l7_body,         ///< L7BODY   the body does not match
    l7_json,         ///< L7JSON   the body is not the expected JSON
    l7_too_large,    ///< L7BIG    endless or oversized header section
    resolve_failed,  ///< DNSERR   the name has no address (the server said so)
    // Inconclusive: said by the prober about itself.
    prober_late,      ///< PRLATE   started or finished late by our own fault
    prober_ports,     ///< PRPORT   no free local port
    prober_files,     ///< PRFILE   out of file descriptors
    prober_memory,    ///< PRMEM    out of memory or buffers
    prober_resolver,  ///< PRDNS    no answer from any name server
    prober_no_kind,   ///< PRKIND   this build or this node has no such probe
    prober_config,    ///< PRCONF   this node lacks a secret or certificate that the check names
    prober_stopped,   ///< PRSTOP   stopped while under way
    prober_custom,    ///< PRCUST   a command or plug-in failed itself (the code: its exit code)
    prober_custom_timeout,  ///< PRCTOUT  a command or plug-in had no answer in time
    prober_doubt,           ///< PRDOUBT  this worker has reason to doubt its own view of the world
};

/// One probe's result. The ring keeps a packed 16-byte form. Times are all from the start of the
/// probe; 0 = not reached, or nothing to do.
struct ProbeOutcome {
    Result result = Result::inconclusive;
    Reason reason = Reason::unknown;
    std::uint16_t code = 0;  ///< the protocol's own, such as an HTTP status; or errno; 0 = none
    std::chrono::microseconds resolve{0};     ///< to the addresses of a name
    std::chrono::microseconds connect{0};     ///< to connected
    std::chrono::microseconds tls{0};         ///< to a finished handshake
    std::chrono::microseconds sent{0};        ///< to the last byte of our first words
    std::chrono::microseconds first_byte{0};  ///< to the first byte of the reply
    std::chrono::microseconds total{0};       ///< to the verdict
    /// What the backend, a command or a plug-in said in words; hostile, at most 512 bytes.
    SharedValue<std::string> said;
    SharedValue<IntentWords> intent;  ///< what the backend wants for itself
    bool operator==(const ProbeOutcome&) const = default;
};

/// Whether the node lacked what every probe needs: ports, descriptors, memory or time.
[[nodiscard]] bool is_shortage(Reason reason);
/// "L4CON" and so on.
[[nodiscard]] std::string_view to_string(Reason reason);
[[nodiscard]] std::optional<Reason> reason_from(std::string_view code);
[[nodiscard]] std::string_view to_string(Result result);

}  // namespace muster::checker
