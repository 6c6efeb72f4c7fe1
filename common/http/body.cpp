#include "common/http/body.hpp"

#include "common/http/text.hpp"

#include <algorithm>

namespace muster::http {

namespace {

tl::unexpected<Refusal> refuse(int status, std::string_view why) {
    return tl::unexpected<Refusal>(Refusal{.status = status, .why = why});
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace

BodyDecoder BodyDecoder::by_length(std::uint64_t length) {
    return {length == 0 ? State::done : State::length, length, 0, ChunkExtras::refuse};
}

BodyDecoder BodyDecoder::in_chunks(std::size_t max_bytes, ChunkExtras extras) {
    return {State::size, 0, max_bytes, extras};
}

BodyDecoder BodyDecoder::to_end(std::size_t max_bytes) {
    return {State::to_end, 0, max_bytes, ChunkExtras::refuse};
}

Parsed<std::size_t> BodyDecoder::feed(std::string_view bytes, std::string& out) {
    // Framing may cost as much as small chunks make it cost, not more without end.
    constexpr std::uint64_t slack = 64U << 10U;
    std::size_t used = 0;
    while (used < bytes.size() && !done()) {
        if (state_ == State::length || state_ == State::to_end || state_ == State::data) {
            const auto copied = copy(bytes.substr(used), out);
            if (!copied) return copied;
            used += *copied;
            continue;
        }
        if (++overhead_ > slack + 8 * total_) {
            return refuse(400, "a chunked body with too much framing");
        }
        if (const auto stepped = step(bytes[used]); !stepped) {
            return tl::unexpected(stepped.error());
        }
        ++used;
    }
    return used;
}

Parsed<std::size_t> BodyDecoder::copy(std::string_view bytes, std::string& out) {
    if (state_ == State::to_end) {
        total_ += bytes.size();
        if (total_ > max_bytes_) return refuse(413, "the body is over the limit");
        out.append(bytes);
        return bytes.size();
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    out.append(bytes.substr(0, count));
    total_ += count;
    left_ -= count;
    if (left_ == 0) state_ = state_ == State::length ? State::done : State::data_end;
    return count;
}

Parsed<void> BodyDecoder::expect(char c, char wanted, State next) {
    if (c != wanted) return refuse(400, "a malformed chunked body");
    state_ = next;
    return {};
}

Parsed<void> BodyDecoder::step(char c) {
    switch (state_) {
        case State::size:
            return step_size(c);
        case State::extension:
            if (c == '\r') state_ = State::size_end;
            if (c == '\r' || is_value_char(c)) return {};
            return refuse(400, "a malformed chunk extension");
        case State::size_end:
            digits_ = 0;
            return expect(c, '\n', left_ == 0 ? State::trailer : State::data);
        case State::data_end:
            return expect(c, '\r', State::data_end_lf);
        case State::data_end_lf:
            return expect(c, '\n', State::size);
        case State::trailer:
        case State::trailer_line:
        case State::trailer_line_end:
        case State::last_lf:
            return step_trailer(c);
        case State::length:
        case State::to_end:
        case State::data:
        case State::done:
            break;
    }
    return refuse(400, "a malformed chunked body");
}

Parsed<void> BodyDecoder::step_size(char c) {
    constexpr int max_digits = 15;  // so that left_ can't overflow
    const int value = hex_value(c);
    if (value >= 0) {
        if (++digits_ > max_digits) return refuse(400, "a chunk size with too many digits");
        left_ = left_ * 16 + static_cast<std::uint64_t>(value);
        return {};
    }
    if (digits_ == 0) return refuse(400, "a malformed chunk size");
    if (left_ > max_bytes_ || total_ > max_bytes_ - left_) {
        return refuse(413, "the body is over the limit");
    }
    if (c == '\r') {
        state_ = State::size_end;
        return {};
    }
    const bool begins_extension = c == ';' || c == ' ' || c == '\t';
    if (extras_ == ChunkExtras::refuse || !begins_extension) {
        return refuse(400, "a malformed chunk size or an extension");
    }
    state_ = State::extension;
    return {};
}

Parsed<void> BodyDecoder::step_trailer(char c) {
    if (state_ == State::last_lf) return expect(c, '\n', State::done);
    if (state_ == State::trailer_line_end) return expect(c, '\n', State::trailer);
    if (state_ == State::trailer && c == '\r') {
        state_ = State::last_lf;
        return {};
    }
    if (extras_ == ChunkExtras::refuse) return refuse(400, "a trailer");
    if (c == '\r') {
        state_ = State::trailer_line_end;
        return {};
    }
    state_ = State::trailer_line;
    if (!is_value_char(c)) return refuse(400, "a malformed trailer");
    return {};
}

}  // namespace muster::http
