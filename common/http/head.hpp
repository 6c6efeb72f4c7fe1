#pragma once

#include "common/http/message.hpp"

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The heads of requests and replies, parsed strictly by RFC 9112. Pure.
//
// Not Beast's parser: it joins folded lines and accepts repeated content-lengths, unknown transfer
// codings and a missing Host, so every rule would have to be checked in front of it, and two
// parsers that disagree are how requests are smuggled. Beast 1.81 also stops the process by an
// assertion when the end of an empty chunked body arrives in pieces ("0\r\n", then one byte more).
namespace muster::http {

/// Why a message is refused, and with which status when it is a request.
struct Refusal {
    int status = 400;
    std::string_view why;  ///< static text
    bool operator==(const Refusal&) const = default;
};

template <class T>
using Parsed = tl::expected<T, Refusal>;

struct HeadLimits {
    std::size_t max_bytes = 16UZ << 10U;
    std::size_t max_fields = 64;
    std::size_t max_target_bytes = 4UZ << 10U;
    std::size_t max_body_bytes = 32UZ << 20U;
};

/// What the fields say about the body and the connection.
struct Framing {
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool keep_alive = true;
    bool expects_continue = false;
};

struct RequestHead {
    std::string method;
    std::string target;
    std::vector<Field> fields;
    Framing framing;
};

struct ReplyHead {
    int status = 0;
    std::vector<Field> fields;
    Framing framing;
};

/// `head`: the start line and the field lines, each with its CRLF, and the empty line at the end.
[[nodiscard]] Parsed<RequestHead> parse_request_head(std::string_view head,
                                                     const HeadLimits& limits);
[[nodiscard]] Parsed<ReplyHead> parse_reply_head(std::string_view head, const HeadLimits& limits);

/// Finds the end of a head in bytes that arrive in pieces, and refuses control characters, bare
/// line ends and over-long heads at once rather than when (or if) the end comes.
class HeadFinder {
 public:
    /// `bytes`: all since the head's beginning. The head's length, or nothing yet.
    [[nodiscard]] Parsed<std::optional<std::size_t>> find(std::string_view bytes,
                                                          const HeadLimits& limits);
    void reset() { checked_ = 0; }

 private:
    std::size_t checked_ = 0;
};

}  // namespace muster::http
