#include "common/http/reply_reader.hpp"

#include "common/http/client.hpp"

#include <limits>
#include <utility>

namespace muster::http {

namespace {

constexpr int max_interim = 8;

tl::unexpected<Error> bad(std::string_view why) {
    return fail(Errc::bad_reply, std::string(why));
}

}  // namespace

Result<void> ReplyReader::feed(std::string_view bytes) {
    if (complete_) return {};
    bytes_.append(bytes);
    while (!has_head_) {
        const auto one = read_head();
        if (!one) return tl::unexpected(one.error());
        if (!*one) return {};
    }
    return read_body();
}

/// Reads one head, interim or final; false when it is not all there.
Result<bool> ReplyReader::read_head() {
    constexpr std::string_view start = "HTTP/1.";
    const auto shown = std::string_view(bytes_).substr(0, start.size());
    if (shown != start.substr(0, shown.size())) return bad("not an HTTP/1 reply");
    const auto length = finder_.find(bytes_, limits_);
    if (!length) return bad(length.error().why);
    if (!*length) return false;
    auto head = parse_reply_head(std::string_view(bytes_).substr(0, **length), limits_);
    if (!head) return bad(head.error().why);
    bytes_.erase(0, **length);
    finder_.reset();
    if (head->status == 101) return bad("switched to another protocol");
    if (head->status / 100 == 1) {
        if (++interim_ > max_interim) return bad("too many interim replies");
        return true;
    }
    if (auto accepted = accept(std::move(*head)); !accepted) {
        return tl::unexpected(accepted.error());
    }
    return true;
}

Result<void> ReplyReader::accept(ReplyHead head) {
    const std::size_t limit =
        body_ == Body::stream ? std::numeric_limits<std::size_t>::max() : limits_.max_body_bytes;
    const Framing& framing = head.framing;
    if (body_ == Body::none || head.status == 204 || head.status == 304) {
        decoder_ = BodyDecoder::none();
    } else if (framing.chunked) {
        decoder_ = BodyDecoder::in_chunks(limit, ChunkExtras::skip);
    } else if (framing.content_length) {
        if (*framing.content_length > limit) return bad("the body is over the limit");
        decoder_ = BodyDecoder::by_length(*framing.content_length);
    } else {
        decoder_ = BodyDecoder::to_end(limit);
    }
    response_.status = head.status;
    response_.fields = std::move(head.fields);
    has_head_ = true;
    return {};
}

Result<void> ReplyReader::read_body() {
    const auto used = decoder_.feed(bytes_, response_.body);
    if (!used) return bad(used.error().why);
    bytes_.erase(0, *used);
    complete_ = decoder_.done();
    return {};
}

Result<void> ReplyReader::end() {
    if (complete_) return {};
    if (!has_head_) return fail(Errc::closed, "before the end of the head");
    if (!decoder_.ends_by_close()) return fail(Errc::closed, "before the end of the body");
    complete_ = true;
    return {};
}

}  // namespace muster::http
