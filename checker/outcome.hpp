#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace muster::checker {

enum class Result : std::uint8_t {
    success,
    failure,
    inconclusive,  ///< the prober's own trouble: never counts for or against a backend
};

/// HAProxy's L4/L6/L7 ladder, and the prober's own troubles.
enum class Reason : std::uint8_t {
    unknown,         ///< UNK      not checked yet
    l4_ok,           ///< L4OK     connected
    l4_timeout,      ///< L4TOUT   no answer to connect in time
    l4_refused,      ///< L4CON    connection refused, host or network unreachable
    l7_ok,           ///< L7OK     expected reply
    l7_timeout,      ///< L7TOUT   connected, but no complete reply in time
    l7_closed,       ///< L7CLS    the peer closed or reset before a complete reply
    l7_invalid,      ///< L7RSP    the reply is not HTTP
    l7_status,       ///< L7STS    a status code that is not expected
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
    prober_stopped,   ///< PRSTOP   stopped while under way
};

/// One probe's result. 32 bytes; the ring keeps a packed 16-byte form.
struct ProbeOutcome {
    Result result = Result::inconclusive;
    Reason reason = Reason::unknown;
    std::uint16_t code = 0;                ///< HTTP status, or errno; 0 = none
    std::chrono::microseconds connect{0};  ///< time to connected; 0 = not reached
    std::chrono::microseconds first_byte{
        0};  ///< from start to the first byte of the reply; 0 = not reached
    std::chrono::microseconds total{0};  ///< from start to verdict
    bool operator==(const ProbeOutcome&) const = default;
};

/// "L4CON" and so on.
[[nodiscard]] std::string_view to_string(Reason reason);
[[nodiscard]] std::optional<Reason> reason_from(std::string_view code);
[[nodiscard]] std::string_view to_string(Result result);

}  // namespace muster::checker
