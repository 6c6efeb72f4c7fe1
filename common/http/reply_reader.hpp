#pragma once

#include "common/base/result.hpp"
#include "common/http/body.hpp"
#include "common/http/head.hpp"
#include "common/http/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace muster::http {

/// Bytes to one reply, without I/O. Interim replies (1xx) are skipped. Every failure is
/// Errc::bad_reply or Errc::closed and says what was wrong.
class ReplyReader {
 public:
    /// What is done with the body's bytes.
    enum class Body : std::uint8_t {
        collect,  ///< up to the limit
        stream,   ///< take_body() hands out what has come; no limit on the total
        none,     ///< the reply to HEAD
    };

    ReplyReader(HeadLimits limits, Body body) : limits_(limits), body_(body) {}

    [[nodiscard]] Result<void> feed(std::string_view bytes);
    /// The peer has closed: the end of the reply, or a failure.
    [[nodiscard]] Result<void> end();

    [[nodiscard]] bool has_head() const { return has_head_; }
    [[nodiscard]] bool complete() const { return complete_; }
    /// Status and fields from has_head() on; the body (when collected) once complete.
    [[nodiscard]] Response& response() { return response_; }
    /// The decoded bytes since the last call.
    [[nodiscard]] std::string take_body() { return std::exchange(response_.body, {}); }

 private:
    Result<bool> read_head();
    Result<void> accept(ReplyHead head);
    Result<void> read_body();

    HeadLimits limits_;
    Body body_;
    std::string bytes_;
    HeadFinder finder_;
    BodyDecoder decoder_ = BodyDecoder::none();
    int interim_ = 0;
    Response response_;
    bool has_head_ = false;
    bool complete_ = false;
};

}  // namespace muster::http
