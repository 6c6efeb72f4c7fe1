#include "common/http/reply_reader.hpp"

#include "common/http/chunks.hpp"
#include "common/http/client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/optional/optional.hpp>

#include <iterator>
#include <utility>

namespace muster::http {

namespace beast_http = boost::beast::http;

struct ReplyReader::Parser {
    beast_http::response_parser<beast_http::string_body> beast;
    ChunkRules chunks;
};

namespace {

constexpr int max_interim = 8;

tl::unexpected<Error> bad(std::string_view why) {
    return fail(Errc::bad_reply, std::string(why));
}

}  // namespace

ReplyReader::ReplyReader(HeadLimits limits, Body body) : limits_(limits), body_(body) {}

ReplyReader::~ReplyReader() = default;

Result<void> ReplyReader::feed(std::string_view bytes) {
    bytes_.append(bytes);
    while (!has_head_) {
        const int before = interim_;
        if (auto read = read_head(); !read) return read;
        if (!has_head_ && interim_ == before) return {};
    }
    return read_body();
}

/// Reads one head, or nothing when it is not all there.
Result<void> ReplyReader::read_head() {
    constexpr std::string_view start = "HTTP/1.";
    const auto shown = std::string_view(bytes_).substr(0, start.size());
    if (shown != start.substr(0, shown.size())) return bad("not an HTTP/1 reply");
    const std::size_t from = checked_ > 3 ? checked_ - 3 : 0;
    const std::size_t end = bytes_.find("\r\n\r\n", from);
    const bool whole = end != std::string::npos;
    const std::size_t known = whole ? end + 4 : bytes_.size();
    const std::string_view unchecked = std::string_view(bytes_).substr(checked_, known - checked_);
    if (const auto refusal = check_bytes(unchecked, checked_ == 0 ? '\0' : bytes_[checked_ - 1])) {
        return bad(refusal->why);
    }
    checked_ = known;
    if (known > limits_.max_bytes) return bad("the head is too long");
    if (!whole) return {};
    const std::string_view head = std::string_view(bytes_).substr(0, known);
    if (const auto refusal = check_reply_head(head, limits_)) return bad(refusal->why);

    parser_ = std::make_unique<Parser>();
    parser_->beast.header_limit(static_cast<std::uint32_t>(limits_.max_bytes) + 1);
    if (body_ == Body::stream) {
        parser_->beast.body_limit(boost::none);
    } else {
        parser_->beast.body_limit(limits_.max_body_bytes);
    }
    if (body_ == Body::none) parser_->beast.skip(true);
    parser_->beast.on_chunk_header(parser_->chunks.callback());
    boost::system::error_code error;
    parser_->beast.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error || !parser_->beast.is_header_done()) return bad("a malformed head");
    bytes_.erase(0, known);
    checked_ = 0;

    const auto& message = parser_->beast.get();
    if (message.result_int() / 100 == 1) {
        if (message.result_int() == 101) return bad("switched to another protocol");
        if (++interim_ > max_interim) return bad("too many interim replies");
        return {};
    }
    response_.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
        response_.fields.push_back(
            {.name = std::string(field.name_string()), .value = std::string(field.value())});
    }
    has_head_ = true;
    parser_->beast.eager(true);
    return {};
}

Result<void> ReplyReader::read_body() {
    auto& beast = parser_->beast;
    if (!beast.is_done() && !bytes_.empty()) {
        boost::system::error_code error;
        const std::size_t had = beast.get().body().size();
        const std::size_t used = beast.put(boost::asio::buffer(bytes_), error);
        bytes_.erase(0, used);
        raw_body_ += used;
        data_ += beast.get().body().size() - had;
        if (error == beast_http::error::need_more) error = {};
        if (error == beast_http::error::body_limit) return bad("the body is over the limit");
        if (error) return bad("a malformed chunked body");
        if (beast.chunked() && !ChunkRules::plausible(data_, raw_body_, bytes_.size())) {
            return bad("a chunked body with too much framing");
        }
    }
    if (!beast.is_done()) return {};
    complete_ = true;
    if (body_ == Body::collect) response_.body = std::move(beast.get().body());
    return {};
}

Result<void> ReplyReader::end() {
    if (complete_) return {};
    if (!has_head_) return fail(Errc::closed, "before the end of the head");
    boost::system::error_code error;
    parser_->beast.put_eof(error);
    if (error) return fail(Errc::closed, "before the end of the body");
    return read_body();
}

std::string ReplyReader::take_body() {
    if (!has_head_) return {};
    return std::exchange(parser_->beast.get().body(), {});
}

}  // namespace muster::http
