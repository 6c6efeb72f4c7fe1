#pragma once

#include "common/base/result.hpp"
#include "common/http/message.hpp"
#include "common/http/strict_head.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace muster::http {

/// Bytes to one reply, without I/O: the strict checks, then Beast's parser. Interim replies (1xx)
/// are skipped. Every failure is Errc::bad_reply or Errc::closed and says what was wrong.
class ReplyReader {
 public:
    /// What is done with the body's bytes.
    enum class Body : std::uint8_t {
        collect,  ///< up to the limit
        stream,   ///< take_body() hands out what has come; no limit on the total
        none,     ///< the reply to HEAD
    };

    ReplyReader(HeadLimits limits, Body body);
    ~ReplyReader();
    ReplyReader(const ReplyReader&) = delete;
    ReplyReader& operator=(const ReplyReader&) = delete;

    [[nodiscard]] Result<void> feed(std::string_view bytes);
    /// The peer has closed: the end of the reply, or a failure.
    [[nodiscard]] Result<void> end();

    [[nodiscard]] bool has_head() const { return has_head_; }
    [[nodiscard]] bool complete() const { return complete_; }
    /// Status and fields from has_head() on; the body once complete (and collected).
    [[nodiscard]] Response& response() { return response_; }
    /// The decoded bytes since the last call.
    [[nodiscard]] std::string take_body();

 private:
    struct Parser;

    Result<void> read_head();
    Result<void> read_body();

    HeadLimits limits_;
    Body body_;
    std::string bytes_;
    std::size_t checked_ = 0;
    std::size_t raw_body_ = 0;
    std::size_t data_ = 0;
    int interim_ = 0;
    std::unique_ptr<Parser> parser_;
    Response response_;
    bool has_head_ = false;
    bool complete_ = false;
};

}  // namespace muster::http
