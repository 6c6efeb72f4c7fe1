#include "common/http/request_reader.hpp"

#include "common/http/text.hpp"
#include "common/http/url.hpp"

#include <utility>

namespace muster::http {

RequestReader::State RequestReader::refuse(Refusal refusal) {
    refusal_ = refusal;
    bytes_ = {};
    request_ = {};
    return state_ = State::refused;
}

RequestReader::State RequestReader::feed(std::string_view bytes) {
    if (state_ == State::refused) return state_;
    bytes_.append(bytes);
    return advance();
}

RequestReader::State RequestReader::advance() {
    if (state_ == State::idle || state_ == State::head) read_head();
    if (state_ == State::body) read_body();
    return state_;
}

void RequestReader::read_head() {
    if (state_ == State::idle) {
        // One empty line in front of a request is ignored (RFC 9112, 2.2).
        if (!skipped_line_ && bytes_.starts_with("\r\n")) {
            bytes_.erase(0, 2);
            skipped_line_ = true;
        }
        if (bytes_.empty() || (bytes_ == "\r" && !skipped_line_)) return;
        if (!is_token_char(bytes_.front())) {
            refuse({.status = 400, .why = "a malformed request line"});
            return;
        }
        state_ = State::head;
        skipped_line_ = false;
        finder_.reset();
    }
    const auto length = finder_.find(bytes_, limits_);
    if (!length) {
        refuse(length.error());
        return;
    }
    if (!*length) return;
    auto head = parse_request_head(std::string_view(bytes_).substr(0, **length), limits_);
    if (!head) {
        refuse(head.error());
        return;
    }
    bytes_.erase(0, **length);
    accept(std::move(*head));
}

void RequestReader::accept(RequestHead head) {
    auto target = parse_target(head.target);
    if (!target) {
        refuse({.status = 400, .why = "a malformed or ambiguous target"});
        return;
    }
    keep_alive_ = head.framing.keep_alive;
    is_head_ = head.method == "HEAD";
    request_ = Request{};
    request_.method = is_head_ ? "GET" : std::move(head.method);
    request_.target = std::move(head.target);
    request_.path = std::move(target->path);
    request_.query = std::move(target->query);
    request_.fields = std::move(head.fields);
    body_ = head.framing.chunked
                ? BodyDecoder::in_chunks(limits_.max_body_bytes, ChunkExtras::refuse)
                : BodyDecoder::by_length(head.framing.content_length.value_or(0));
    state_ = body_.done() ? State::complete : State::body;
    expects_continue_ = head.framing.expects_continue && state_ == State::body && bytes_.empty();
}

void RequestReader::read_body() {
    if (bytes_.empty()) return;
    expects_continue_ = false;
    const auto used = body_.feed(bytes_, request_.body);
    if (!used) {
        refuse(used.error());
        return;
    }
    bytes_.erase(0, *used);
    if (body_.done()) state_ = State::complete;
}

Request RequestReader::take() {
    Request request = std::exchange(request_, Request{});
    state_ = State::idle;
    advance();
    return request;
}

}  // namespace muster::http
