#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

// The checks of RFC 9112 that Beast's parser leaves out (it joins folded lines, accepts repeated
// equal content-lengths, unknown transfer codings, a missing Host, bare control characters in the
// target ...). They run on the raw bytes before Beast sees them. Pure.
namespace muster::http {

struct Refusal {
    int status = 400;
    std::string_view why;  ///< static text
    bool operator==(const Refusal&) const = default;
};

struct HeadLimits {
    std::size_t max_bytes = 16UZ << 10U;
    std::size_t max_fields = 64;
    std::size_t max_target_bytes = 4UZ << 10U;
    std::size_t max_body_bytes = 32UZ << 20U;
};

/// `head`: the request line and field lines, each with its CRLF, and the empty line at the end.
[[nodiscard]] std::optional<Refusal> check_request_head(std::string_view head,
                                                        const HeadLimits& limits);
/// The same for a status line and its fields; `status` of a refusal means nothing here.
[[nodiscard]] std::optional<Refusal> check_reply_head(std::string_view head,
                                                      const HeadLimits& limits);

/// Control characters and line ends in a part of a head that need not be complete: lets a reader
/// refuse garbage before it has waited for the end. `before` is the byte in front of `part`.
[[nodiscard]] std::optional<Refusal> check_bytes(std::string_view part, char before);

}  // namespace muster::http
