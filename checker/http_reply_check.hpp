#pragma once

#include "checker/http_reply_parser.hpp"
#include "checker/reply_expectation.hpp"
#include "common/config/model.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
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
    HttpReplyCheck(const config::HttpCheck& expected,
                   PatternCache& patterns,
                   const config::IntentSource* source = nullptr);

    [[nodiscard]] const std::optional<IntentWords>& intent() const { return expectation_.intent(); }

    /// The verdict, once there is one: l7_ok is a success, all else a failure. Call nothing after
    /// that.
    [[nodiscard]] std::optional<Reason> add(std::string_view bytes);
    [[nodiscard]] Reason end_of_input();

    /// The verdict waits for the end of the reply, so that the connection can be used again.
    void wait_for_end() { waits_ = true; }
    /// After a verdict: nothing of the reply is left on the connection, and it can carry another.
    [[nodiscard]] bool persists() const { return parser_.persists() && !left_over_; }

    /// Asked about each redirect (301, 302, 303, 307, 308) and where it leads; when it is to be
    /// followed, there is no verdict.
    using Follow = std::function<bool(std::uint16_t status, std::string_view location)>;
    void on_redirect(Follow follow);
    [[nodiscard]] bool redirected() const { return redirected_; }

    /// 0 until the header section of the final reply is complete.
    [[nodiscard]] std::uint16_t status() const;

 private:
    [[nodiscard]] bool is_followed() const;
    /// The verdict if it is to be told now.
    [[nodiscard]] std::optional<Reason> settle(std::optional<Reason> verdict);

    ReplyExpectation expectation_;
    HttpReplyParser parser_;
    Follow follow_;
    std::optional<Reason> verdict_;  ///< known, and waiting for the end
    bool header_done_ = false;
    bool waits_ = false;
    bool redirected_ = false;
    bool left_over_ = false;
    std::size_t total_ = 0;
};

}  // namespace muster::checker
