#pragma once

#include "checker/outcome.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster::checker {

/// Bounds on what a backend may send. Interim (1xx) replies and trailers draw on the same budget as
/// the final header section.
struct ReplyLimits {
    std::size_t header_bytes = 16U * 1024U;
    int header_fields = 100;
    std::size_t chunk_line_bytes = 256;
};

/// Reads one HTTP/1.x reply, byte by byte, without keeping it (but for its fields, if asked): a
/// strict incremental state machine that does no I/O and takes no memory beyond itself. Strict
/// means: CRLF line ends, no folding, no control bytes, one consistent framing. What it says
/// depends on the bytes alone and not on how they are split.
///
/// Call next() until it wants more. Body bytes are handed out as views into the input.
class HttpReplyParser {
 public:
    enum class Method : std::uint8_t { head, other };

    explicit HttpReplyParser(Method method, const ReplyLimits& limits = {})
        : limits_(limits), method_(method) {}

    /// From now on the field lines of the final reply are kept for fields().
    void keep_fields() { keeps_fields_ = true; }

    enum class Step : std::uint8_t {
        need_more,    ///< all input used
        header_done,  ///< status() is final; nothing of the body has been read
        body,         ///< body() has some bytes
        complete,
        failed,  ///< failure() says why; for good
    };

    /// Uses up a part of `input`, from its front.
    [[nodiscard]] Step next(std::string_view& input);

    /// The peer has closed: complete if that is how this reply ends, failed (l7_closed) if not.
    [[nodiscard]] Step end_of_input();

    [[nodiscard]] std::uint16_t status() const { return status_; }
    [[nodiscard]] std::string_view body() const { return body_; }
    /// Each line with its CRLF, once the header section is complete.
    [[nodiscard]] std::string_view fields() const { return kept_; }
    [[nodiscard]] Reason failure() const { return failure_; }
    /// When complete: the connection can carry another request (RFC 9112, 9.3).
    [[nodiscard]] bool persists() const { return persists_ && state_ == State::complete; }

 private:
    enum class State : std::uint8_t {
        version,
        minor_version,
        space_before_status,
        status,
        after_status,
        reason_phrase,
        status_line_lf,
        field_start,
        field_name,
        before_value,
        value,
        value_lf,
        header_end_lf,
        framing,
        body_by_length,
        body_until_close,
        chunk_size,
        chunk_extension,
        chunk_size_lf,
        chunk_data,
        chunk_data_cr,
        chunk_data_lf,
        trailer_start,
        trailer,
        trailer_lf,
        last_lf,
        complete,
        failed,
    };
    enum class Field : std::uint8_t { other, content_length, transfer_encoding, connection };

    Step fail(Reason reason);
    void take_name(std::string_view& input);
    void skip_text(std::string_view& input);
    Step take(std::string_view& input, std::uint64_t wanted);
    [[nodiscard]] bool in_header() const { return state_ < State::framing; }
    [[nodiscard]] bool in_trailer() const;

    /// Each takes one byte and tells whether it was right.
    bool on_header_byte(char c);
    bool on_status_line_byte(char c);
    bool on_field_byte(char c);
    bool on_chunk_byte(char c);
    bool on_trailer_byte(char c);

    bool begin_field();
    bool end_field();
    bool take_length(std::string_view value);
    bool take_encoding(std::string_view value);
    void take_connection(std::string_view value);
    bool end_header();
    void choose_framing();

    ReplyLimits limits_;
    Method method_;
    State state_ = State::version;
    Reason failure_ = Reason::l7_invalid;
    std::uint16_t status_ = 0;
    std::size_t header_bytes_ = 0;
    int fields_ = 0;
    std::size_t position_ = 0;  ///< within version, status code, or chunk line

    Field field_ = Field::other;
    bool has_length_ = false;
    bool has_encoding_ = false;
    bool chunked_ = false;
    bool persists_ = true;
    std::uint64_t length_ = 0;  ///< Content-Length; later what is left of it, or of the chunk

    /// Name, then value, of the field being read; longer ones than ours are not interesting.
    std::array<char, 64> text_{};
    std::size_t text_size_ = 0;
    bool text_overflow_ = false;

    std::string_view body_;
    bool keeps_fields_ = false;
    std::string kept_;
};

}  // namespace muster::checker
