#include "common/http/request_reader.hpp"

#include "common/http/chunks.hpp"
#include "common/http/text.hpp"
#include "common/http/url.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <utility>

namespace muster::http {

namespace beast_http = boost::beast::http;

struct RequestReader::Parser {
    beast_http::request_parser<beast_http::string_body> beast;
    ChunkRules chunks;
    std::size_t head_fields = 0;
};

RequestReader::RequestReader(HeadLimits limits) : limits_(limits) {}

RequestReader::~RequestReader() = default;

RequestReader::State RequestReader::refuse(Refusal refusal) {
    refusal_ = refusal;
    parser_.reset();
    bytes_.clear();
    return state_ = State::refused;
}

std::size_t RequestReader::buffered() const {
    return bytes_.capacity() + (parser_ ? parser_->beast.get().body().size() : 0);
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

RequestReader::State RequestReader::read_head() {
    // One empty line in front of a request is ignored (RFC 9112, 2.2).
    if (state_ == State::idle && bytes_.starts_with("\r\n")) bytes_.erase(0, 2);
    if (bytes_.empty() || bytes_ == "\r") return state_;
    if (state_ == State::idle) {
        if (!is_token_char(bytes_.front())) {
            return refuse({.status = 400, .why = "a malformed request line"});
        }
        state_ = State::head;
        checked_ = 0;
    }
    const std::size_t from = checked_ > 3 ? checked_ - 3 : 0;
    const std::size_t end = bytes_.find("\r\n\r\n", from);
    const bool whole = end != std::string::npos;
    const std::size_t known = whole ? end + 4 : bytes_.size();
    const std::string_view unchecked = std::string_view(bytes_).substr(checked_, known - checked_);
    const char before = checked_ == 0 ? '\0' : bytes_[checked_ - 1];
    if (const auto refusal = check_bytes(unchecked, before)) return refuse(*refusal);
    checked_ = known;
    if (known > limits_.max_bytes) {
        const bool in_target = bytes_.find("\r\n") == std::string::npos;
        if (in_target) return refuse({.status = 414, .why = "the target is too long"});
        return refuse({.status = 431, .why = "the head is too long"});
    }
    if (!whole) return state_;
    const std::string_view head = std::string_view(bytes_).substr(0, known);
    if (const auto refusal = check_request_head(head, limits_)) return refuse(*refusal);

    parser_ = std::make_unique<Parser>();
    parser_->beast.header_limit(static_cast<std::uint32_t>(limits_.max_bytes) + 1);
    parser_->beast.body_limit(limits_.max_body_bytes);
    parser_->beast.on_chunk_header(parser_->chunks.callback());
    boost::system::error_code error;
    parser_->beast.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error || !parser_->beast.is_header_done()) {
        return refuse({.status = 400, .why = "a malformed head"});
    }
    bytes_.erase(0, known);
    return accept_head();
}

RequestReader::State RequestReader::accept_head() {
    const auto& message = parser_->beast.get();
    request_ = Request{};
    request_.method = std::string(message.method_string());
    request_.target = std::string(message.target());
    for (const auto& field : message) {
        request_.fields.push_back(
            {.name = std::string(field.name_string()), .value = std::string(field.value())});
    }
    parser_->head_fields = request_.fields.size();
    auto target = parse_target(request_.target);
    if (!target) return refuse({.status = 400, .why = "a malformed or ambiguous target"});
    request_.path = std::move(target->path);
    request_.query = std::move(target->query);

    keep_alive_ = parser_->beast.keep_alive();
    is_head_ = request_.method == "HEAD";
    if (is_head_) request_.method = "GET";
    const bool http11 = message.version() == 11;
    const auto expect = request_.field("expect");
    if (expect && !equal_ignoring_case(*expect, "100-continue")) {
        return refuse({.status = 417, .why = "an expectation other than 100-continue"});
    }
    expects_continue_ = expect && http11 && bytes_.empty();
    raw_body_ = 0;
    // Beast reads the body only when asked to go on past the head.
    parser_->beast.eager(true);
    return state_ = parser_->beast.is_done() ? State::complete : State::body;
}

RequestReader::State RequestReader::read_body() {
    if (bytes_.empty()) return state_;
    expects_continue_ = false;
    boost::system::error_code error;
    const std::size_t used =
        parser_->beast.put(boost::asio::buffer(bytes_.data(), bytes_.size()), error);
    bytes_.erase(0, used);
    raw_body_ += used;
    if (error == beast_http::error::need_more) error = {};
    if (error == beast_http::error::body_limit) {
        return refuse({.status = 413, .why = "the body is over the limit"});
    }
    if (error) return refuse({.status = 400, .why = "a malformed chunked body"});
    auto& message = parser_->beast.get();
    if (parser_->beast.is_done()) {
        // A trailer could carry what the checks of the head have refused; nobody here wants one.
        const auto fields = static_cast<std::size_t>(std::distance(message.begin(), message.end()));
        if (fields != parser_->head_fields) return refuse({.status = 400, .why = "a trailer"});
        request_.body = std::move(message.body());
        return state_ = State::complete;
    }
    if (!ChunkRules::plausible(message.body().size(), raw_body_, bytes_.size())) {
        return refuse({.status = 400, .why = "a chunked body with too much framing"});
    }
    return state_;
}

Request RequestReader::take() {
    Request request = std::exchange(request_, Request{});
    parser_.reset();
    state_ = State::idle;
    advance();
    return request;
}

}  // namespace muster::http
