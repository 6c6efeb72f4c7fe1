#pragma once

#include "common/http/head.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster::http {

/// Extensions and trailers of a chunked body: a request that has them is refused (no client sends
/// them, and they have hidden requests); in a reply they are skipped, within limits.
enum class ChunkExtras : std::uint8_t { refuse, skip };

/// Takes the framing off a body that arrives in pieces: by length, in chunks, or to the end of the
/// connection. Pure.
class BodyDecoder {
 public:
    static BodyDecoder none() { return {State::done, 0, 0, ChunkExtras::refuse}; }
    static BodyDecoder by_length(std::uint64_t length);
    static BodyDecoder in_chunks(std::size_t max_bytes, ChunkExtras extras);
    static BodyDecoder to_end(std::size_t max_bytes);

    /// Appends what `bytes` hold of the body to `out`. How many bytes were used: all of them, or up
    /// to the body's end.
    [[nodiscard]] Parsed<std::size_t> feed(std::string_view bytes, std::string& out);
    [[nodiscard]] bool done() const { return state_ == State::done; }
    /// The peer has closed: whether that may end this body.
    [[nodiscard]] bool ends_by_close() const { return done() || state_ == State::to_end; }

 private:
    enum class State : std::uint8_t {
        length,
        to_end,
        size,       ///< hex digits of a chunk's size
        extension,  ///< behind them
        size_end,   ///< the LF behind
        data,
        data_end,  ///< the CR behind a chunk
        data_end_lf,
        trailer,  ///< the beginning of a line behind the last chunk
        trailer_line,
        trailer_line_end,
        last_lf,
        done,
    };

    BodyDecoder(State state, std::uint64_t left, std::size_t max_bytes, ChunkExtras extras)
        : state_(state), left_(left), max_bytes_(max_bytes), extras_(extras) {}

    [[nodiscard]] Parsed<std::size_t> copy(std::string_view bytes, std::string& out);
    [[nodiscard]] Parsed<void> step(char c);
    [[nodiscard]] Parsed<void> step_size(char c);
    [[nodiscard]] Parsed<void> step_trailer(char c);
    [[nodiscard]] Parsed<void> expect(char c, char wanted, State next);

    State state_;
    std::uint64_t left_;  ///< of the body, or of the chunk
    std::size_t max_bytes_;
    ChunkExtras extras_;
    std::uint64_t total_ = 0;     ///< data so far
    std::uint64_t overhead_ = 0;  ///< framing so far
    int digits_ = 0;
};

}  // namespace muster::http
