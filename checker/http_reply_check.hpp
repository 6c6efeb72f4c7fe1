#pragma once

#include "checker/http_reply_parser.hpp"
#include "checker/reply_expectation.hpp"
#include "common/config/model.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::checker {

/// Whether a reply over HTTP/1.x is the expected one: what ReplyExpectation says of it, and
///   not HTTP, too large, cut off          l7_invalid, l7_too_large, l7_closed
/// Reached with as few of its bytes as can be. No I/O.
class HttpReplyCheck {
 public:
    static constexpr std::size_t body_limit = ReplyExpectation::body_limit;
    static constexpr std::size_t total_limit = 96U * 1024U;  ///< of all bytes of one reply

    /// Both must outlive this.
    HttpReplyCheck(const config::HttpCheck& expected, PatternCache& patterns);

    /// The verdict, once there is one: l7_ok is a success, all else a failure. Call nothing after
    /// that.
    [[nodiscard]] std::optional<Reason> add(std::string_view bytes);
    [[nodiscard]] Reason end_of_input();

    /// 0 until the header section of the final reply is complete.
    [[nodiscard]] std::uint16_t status() const;

 private:
    ReplyExpectation expectation_;
    HttpReplyParser parser_;
    bool header_done_ = false;
    std::size_t total_ = 0;
};

}  // namespace muster::checker
