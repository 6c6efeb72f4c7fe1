#pragma once

#include "checker/http_reply_parser.hpp"
#include "checker/pattern_cache.hpp"
#include "common/config/model.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::checker {

/// Whether a reply is the expected one; reached with as few of its bytes as can be. No I/O.
///   status not expected                   l7_status, as soon as the header section is complete
///   fields not as expected                l7_header, likewise
///   expected, and no body to be matched   l7_ok, likewise
///   one text wanted in the body           l7_ok with the byte that completes it
///   several, patterns, none, JSON         l7_ok, l7_body or l7_json at the end of the body, or of
///                                         its first 64 KiB
///   not HTTP, too large, cut off          l7_invalid, l7_too_large, l7_closed
class HttpReplyCheck {
 public:
    static constexpr std::size_t body_limit = 64U * 1024U;
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
    /// What is to be done with the body.
    enum class Body : std::uint8_t { ignored, searched, kept };

    [[nodiscard]] static Body use_of_body(const config::HttpCheck& expected);
    [[nodiscard]] std::optional<Reason> on_header();
    [[nodiscard]] std::optional<Reason> on_body(std::string_view part);
    [[nodiscard]] Reason on_end() const;
    [[nodiscard]] bool status_expected() const;
    [[nodiscard]] bool finds(std::string_view part);

    const config::HttpCheck& expected_;
    PatternCache& patterns_;
    Body use_;
    HttpReplyParser parser_;
    bool header_done_ = false;
    std::size_t total_ = 0;
    std::size_t body_bytes_ = 0;
    std::string body_;  ///< searched: the end so far, in which the text may have begun; kept: all
};

}  // namespace muster::checker
