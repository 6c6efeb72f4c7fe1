#include "checker/http_reply_parser.hpp"

#include <algorithm>
#include <array>

namespace muster::checker {

namespace {

constexpr std::string_view version_prefix = "HTTP/1.";
constexpr std::string_view length_name = "content-length";
constexpr std::string_view encoding_name = "transfer-encoding";
constexpr int max_length_digits = 18;  ///< below 2^63
constexpr int max_chunk_digits = 15;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/// The characters of a field name (RFC 9110, token), in lower case; 0 for all others.
char lower_token(char c) {
    static constexpr auto table = [] {
        std::array<char, 256> tokens{};
        for (const char other : std::string_view("!#$%&'*+-.^_`|~0123456789"))
            tokens[static_cast<unsigned char>(other)] = other;
        for (char letter = 'a'; letter <= 'z'; ++letter) {
            tokens[static_cast<unsigned char>(letter)] = letter;
            tokens[static_cast<unsigned char>(letter - 'a' + 'A')] = letter;
        }
        return tokens;
    }();
    return table[static_cast<unsigned char>(c)];
}

/// What may stand in a reason phrase or a field value: no control bytes but the tab.
bool is_text(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace

HttpReplyParser::Step HttpReplyParser::fail(Reason reason) {
    state_ = State::failed;
    failure_ = reason;
    return Step::failed;
}

bool HttpReplyParser::in_trailer() const {
    return state_ >= State::trailer_start && state_ <= State::last_lf;
}

HttpReplyParser::Step HttpReplyParser::next(std::string_view& input) {
    body_ = {};
    if (state_ == State::failed) return Step::failed;
    if (state_ == State::complete) return Step::complete;
    if (state_ == State::framing) choose_framing();
    if (state_ == State::complete) return Step::complete;
    while (!input.empty()) {
        if (state_ == State::body_by_length) return take(input, length_);
        if (state_ == State::body_until_close) return take(input, input.size());
        if (state_ == State::chunk_data) return take(input, length_);

        if (state_ == State::reason_phrase || (state_ == State::value && field_ == Field::other)) {
            skip_text(input);
            if (input.empty()) break;
        } else if (state_ == State::field_name) {
            take_name(input);
            if (input.empty()) break;
        }
        const char c = input.front();
        input.remove_prefix(1);
        if (in_header() || in_trailer()) {
            if (++header_bytes_ > limits_.header_bytes) return fail(Reason::l7_too_large);
        }
        const bool was_in_header = in_header();
        if (keeps_fields_ && was_in_header && state_ >= State::field_start) kept_ += c;
        const bool right = was_in_header  ? on_header_byte(c)
                           : in_trailer() ? on_trailer_byte(c)
                                          : on_chunk_byte(c);
        if (state_ == State::failed) return Step::failed;
        if (!right) return fail(Reason::l7_invalid);
        if (was_in_header && state_ == State::framing) return Step::header_done;
        if (state_ == State::complete) return Step::complete;
    }
    return Step::need_more;
}

/// As far as there is room for it.
void HttpReplyParser::take_name(std::string_view& input) {
    const std::size_t most = std::min(input.size(), limits_.header_bytes - header_bytes_);
    std::size_t size = 0;
    for (char c = 0; size < most && (c = lower_token(input[size])) != 0; ++size) {
        if (text_size_ == text_.size()) {
            text_overflow_ = true;
        } else {
            text_[text_size_++] = c;
        }
    }
    header_bytes_ += size;
    if (keeps_fields_) kept_ += input.substr(0, size);
    input.remove_prefix(size);
}

/// What is allowed there and means nothing, as far as there is room for it.
void HttpReplyParser::skip_text(std::string_view& input) {
    const std::size_t most = std::min(input.size(), limits_.header_bytes - header_bytes_);
    std::size_t size = 0;
    while (size < most && is_text(input[size])) ++size;
    header_bytes_ += size;
    if (keeps_fields_ && state_ == State::value) kept_ += input.substr(0, size);
    input.remove_prefix(size);
}

/// Body bytes: `wanted` of them are left of the body, or of the chunk.
HttpReplyParser::Step HttpReplyParser::take(std::string_view& input, std::uint64_t wanted) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, input.size()));
    body_ = input.substr(0, size);
    input.remove_prefix(size);
    if (state_ == State::body_until_close) return Step::body;
    length_ -= size;
    if (length_ == 0) {
        state_ = state_ == State::chunk_data ? State::chunk_data_cr : State::complete;
    }
    return Step::body;
}

HttpReplyParser::Step HttpReplyParser::end_of_input() {
    body_ = {};
    if (state_ == State::failed) return Step::failed;
    if (state_ == State::framing) choose_framing();
    if (state_ == State::body_until_close) state_ = State::complete;
    if (state_ == State::complete) return Step::complete;
    return fail(Reason::l7_closed);
}

bool HttpReplyParser::on_header_byte(char c) {
    return state_ < State::field_start ? on_status_line_byte(c) : on_field_byte(c);
}

bool HttpReplyParser::on_status_line_byte(char c) {
    switch (state_) {
        case State::version:
            if (c != version_prefix[position_]) return false;
            if (++position_ == version_prefix.size()) state_ = State::minor_version;
            return true;
        case State::minor_version:
            state_ = State::space_before_status;
            if (c == '0') persists_ = false;
            return is_digit(c);
        case State::space_before_status:
            state_ = State::status;
            status_ = 0;
            position_ = 0;
            return c == ' ';
        case State::status:
            if (!is_digit(c)) return false;
            status_ = static_cast<std::uint16_t>(status_ * 10 + (c - '0'));
            if (++position_ == 3) {
                state_ = State::after_status;
                return status_ >= 100 && status_ <= 599;
            }
            return true;
        case State::after_status:
            // Some servers leave out the space before an empty reason phrase.
            state_ = c == '\r' ? State::status_line_lf : State::reason_phrase;
            return c == '\r' || c == ' ';
        case State::reason_phrase:
            if (c == '\r') state_ = State::status_line_lf;
            return c == '\r' || is_text(c);
        case State::status_line_lf:
            state_ = State::field_start;
            return c == '\n';
        default:
            return false;
    }
}

bool HttpReplyParser::on_field_byte(char c) {
    switch (state_) {
        case State::field_start:
            if (c == '\r') {
                state_ = State::header_end_lf;
                return true;
            }
            if (!begin_field() || lower_token(c) == 0) return false;
            text_[text_size_++] = lower_token(c);
            return true;
        case State::field_name:
            if (c == ':') {
                const std::string_view name(text_.data(), text_overflow_ ? 0 : text_size_);
                field_ = name == length_name     ? Field::content_length
                         : name == encoding_name ? Field::transfer_encoding
                         : name == "connection"  ? Field::connection
                                                 : Field::other;
                text_size_ = 0;
                text_overflow_ = false;
                state_ = State::before_value;
                return true;
            }
            return false;
        case State::before_value:
            if (is_blank(c)) return true;
            state_ = State::value;
            return on_field_byte(c);
        case State::value:
            if (c == '\r') {
                state_ = State::value_lf;
                return true;
            }
            if (!is_text(c)) return false;
            if (field_ == Field::other) return true;
            if (text_size_ == text_.size()) {
                text_overflow_ = true;
            } else {
                text_[text_size_++] = c;
            }
            return true;
        case State::value_lf:
            state_ = State::field_start;
            return c == '\n' && end_field();
        case State::header_end_lf:
            return c == '\n' && end_header();
        default:
            return false;
    }
}

bool HttpReplyParser::begin_field() {
    if (++fields_ > limits_.header_fields) {
        (void)fail(Reason::l7_too_large);
        return false;
    }
    state_ = State::field_name;
    text_size_ = 0;
    text_overflow_ = false;
    return true;
}

bool HttpReplyParser::end_field() {
    if (field_ == Field::other) return true;
    const std::string_view value = trim({text_.data(), text_size_});
    if (field_ == Field::connection) {
        take_connection(value);
        return true;
    }
    if (text_overflow_) return false;
    return field_ == Field::content_length ? take_length(value) : take_encoding(value);
}

bool HttpReplyParser::take_length(std::string_view value) {
    if (value.empty() || value.size() > max_length_digits) return false;
    std::uint64_t length = 0;
    for (const char c : value) {
        if (!is_digit(c)) return false;
        length = length * 10 + static_cast<std::uint64_t>(c - '0');
    }
    // The same length twice is harmless, two lengths are an attack.
    if (has_length_ && length != length_) return false;
    has_length_ = true;
    length_ = length;
    return true;
}

/// "chunked" must be the last coding and stand there once; without it the body ends with the
/// connection.
bool HttpReplyParser::take_encoding(std::string_view value) {
    has_encoding_ = true;
    while (true) {
        const std::size_t comma = value.find(',');
        const std::string_view coding = trim(value.substr(0, comma));
        if (coding.empty() || chunked_) return false;
        chunked_ = equal_ignoring_case(coding, "chunked");
        if (comma == std::string_view::npos) return true;
        value.remove_prefix(comma + 1);
    }
}

void HttpReplyParser::take_connection(std::string_view value) {
    if (text_overflow_) persists_ = false;
    for (;;) {
        const std::size_t comma = value.find(',');
        if (equal_ignoring_case(trim(value.substr(0, comma)), "close")) persists_ = false;
        if (comma == std::string_view::npos) return;
        value.remove_prefix(comma + 1);
    }
}

bool HttpReplyParser::end_header() {
    if (has_encoding_ && has_length_) return false;
    // 101 is final for us: what follows it is not HTTP.
    if (status_ < 200 && status_ != 101) {
        state_ = State::version;
        kept_.clear();
        position_ = 0;
        has_length_ = false;
        has_encoding_ = false;
        chunked_ = false;
        length_ = 0;
        return true;
    }
    state_ = State::framing;
    return true;
}

void HttpReplyParser::choose_framing() {
    const bool no_body =
        method_ == Method::head || status_ < 200 || status_ == 204 || status_ == 304;
    if (no_body) {
        state_ = State::complete;
    } else if (chunked_) {
        state_ = State::chunk_size;
        position_ = 0;
        length_ = 0;
    } else if (has_length_) {
        state_ = length_ == 0 ? State::complete : State::body_by_length;
    } else {
        state_ = State::body_until_close;
        persists_ = false;
    }
}

bool HttpReplyParser::on_chunk_byte(char c) {
    switch (state_) {
        case State::chunk_size: {
            const int digit = hex_digit(c);
            if (digit >= 0) {
                length_ = length_ * 16 + static_cast<std::uint64_t>(digit);
                return ++position_ <= max_chunk_digits;
            }
            if (position_ == 0) return false;
            if (c == '\r') {
                state_ = State::chunk_size_lf;
                return true;
            }
            state_ = State::chunk_extension;
            return c == ';' || is_blank(c);
        }
        case State::chunk_extension:
            if (c == '\r') {
                state_ = State::chunk_size_lf;
                return true;
            }
            return is_text(c) && ++position_ <= limits_.chunk_line_bytes;
        case State::chunk_size_lf:
            state_ = length_ == 0 ? State::trailer_start : State::chunk_data;
            return c == '\n';
        case State::chunk_data_cr:
            state_ = State::chunk_data_lf;
            return c == '\r';
        case State::chunk_data_lf:
            state_ = State::chunk_size;
            position_ = 0;
            length_ = 0;
            return c == '\n';
        default:
            return false;
    }
}

/// Trailers are bounded like fields, and otherwise not looked at.
bool HttpReplyParser::on_trailer_byte(char c) {
    switch (state_) {
        case State::trailer_start:
            if (c == '\r') {
                state_ = State::last_lf;
                return true;
            }
            if (++fields_ > limits_.header_fields) {
                (void)fail(Reason::l7_too_large);
                return false;
            }
            state_ = State::trailer;
            return lower_token(c) != 0;
        case State::trailer:
            if (c == '\r') state_ = State::trailer_lf;
            return c == '\r' || is_text(c);
        case State::trailer_lf:
            state_ = State::trailer_start;
            return c == '\n';
        case State::last_lf:
            state_ = State::complete;
            return c == '\n';
        default:
            return false;
    }
}

}  // namespace muster::checker
