#include "checker/http_reply_check.hpp"

#include "checker/reply_matches.hpp"

#include <algorithm>

namespace muster::checker {

namespace {

using Step = HttpReplyParser::Step;

HttpReplyParser::Method method_of(const config::HttpCheck& check) {
    return check.method == "HEAD" ? HttpReplyParser::Method::head : HttpReplyParser::Method::other;
}

}  // namespace

HttpReplyCheck::HttpReplyCheck(const config::HttpCheck& expected, PatternCache& patterns)
    : expected_(expected),
      patterns_(patterns),
      use_(use_of_body(expected)),
      parser_(method_of(expected)) {
    if (!expected.expect_headers.empty()) parser_.keep_fields();
}

HttpReplyCheck::Body HttpReplyCheck::use_of_body(const config::HttpCheck& expected) {
    if (!expected.expect_json.empty()) return Body::kept;
    if (expected.expect_body.empty()) return Body::ignored;
    const config::TextMatch& first = expected.expect_body.front();
    return expected.expect_body.size() == 1 && !first.regex && !first.negate ? Body::searched
                                                                             : Body::kept;
}

std::uint16_t HttpReplyCheck::status() const {
    return header_done_ ? parser_.status() : std::uint16_t{0};
}

bool HttpReplyCheck::status_expected() const {
    const std::uint16_t status = parser_.status();
    const auto holds = [status](const config::StatusRange& range) {
        return status >= range.first && status <= range.last;
    };
    return std::ranges::any_of(expected_.expect_status, holds);
}

std::optional<Reason> HttpReplyCheck::on_header() {
    header_done_ = true;
    if (!status_expected()) return Reason::l7_status;
    if (!hold(expected_.expect_headers, parser_.fields(), patterns_)) return Reason::l7_header;
    if (use_ == Body::ignored) return Reason::l7_ok;
    return std::nullopt;
}

/// Looks for the wanted text across the borders of parts: `body_` keeps one byte less than it.
bool HttpReplyCheck::finds(std::string_view part) {
    const std::string& wanted = expected_.expect_body.front().text;
    if (!body_.empty()) {
        const std::size_t overlap = std::min(part.size(), wanted.size() - 1);
        body_.append(part.substr(0, overlap));
        if (body_.find(wanted) != std::string::npos) return true;
    }
    if (part.find(wanted) != std::string_view::npos) return true;
    if (part.size() >= wanted.size() - 1) {
        body_ = part.substr(part.size() - (wanted.size() - 1));
    } else {
        // The short part is in body_ already, unless that was empty.
        if (body_.empty()) body_ = part;
        if (body_.size() > wanted.size() - 1) body_.erase(0, body_.size() - (wanted.size() - 1));
    }
    return false;
}

std::optional<Reason> HttpReplyCheck::on_body(std::string_view part) {
    part = part.substr(0, body_limit - body_bytes_);
    body_bytes_ += part.size();
    if (use_ == Body::searched) {
        if (finds(part)) return Reason::l7_ok;
    } else {
        body_ += part;
    }
    if (body_bytes_ == body_limit) return on_end();
    return std::nullopt;
}

Reason HttpReplyCheck::on_end() const {
    if (use_ == Body::searched) return Reason::l7_body;
    const bool texts_hold = std::ranges::all_of(expected_.expect_body, [this](const auto& match) {
        return holds(match, body_, patterns_);
    });
    if (!texts_hold) return Reason::l7_body;
    return hold(expected_.expect_json, body_) ? Reason::l7_ok : Reason::l7_json;
}

std::optional<Reason> HttpReplyCheck::add(std::string_view bytes) {
    const bool over = bytes.size() > total_limit - total_;
    if (over) bytes = bytes.substr(0, total_limit - total_);
    total_ += bytes.size();
    for (;;) {
        switch (parser_.next(bytes)) {
            case Step::need_more:
                if (total_ == total_limit) return Reason::l7_too_large;
                return std::nullopt;
            case Step::header_done:
                if (const auto verdict = on_header()) return verdict;
                break;
            case Step::body:
                if (const auto verdict = on_body(parser_.body())) return verdict;
                break;
            case Step::complete:
                return on_end();
            case Step::failed:
                return parser_.failure();
        }
    }
}

Reason HttpReplyCheck::end_of_input() {
    return parser_.end_of_input() == Step::complete ? on_end() : parser_.failure();
}

}  // namespace muster::checker
