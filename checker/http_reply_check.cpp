#include "checker/http_reply_check.hpp"

#include <algorithm>

namespace muster::checker {

namespace {

using Step = HttpReplyParser::Step;

HttpReplyParser::Method method_of(const config::HttpCheck& check) {
    return check.method == "HEAD" ? HttpReplyParser::Method::head : HttpReplyParser::Method::other;
}

}  // namespace

HttpReplyCheck::HttpReplyCheck(const config::HttpCheck& expected)
    : expected_(expected), parser_(method_of(expected)) {}

std::uint16_t HttpReplyCheck::status() const {
    return header_done_ ? parser_.status() : std::uint16_t{0};
}

std::optional<Reason> HttpReplyCheck::on_header() {
    header_done_ = true;
    const bool expected =
        std::ranges::any_of(expected_.expect_status, [this](const config::StatusRange& range) {
            return parser_.status() >= range.first && parser_.status() <= range.last;
        });
    if (!expected) return Reason::l7_status;
    if (expected_.expect_body.empty()) return Reason::l7_ok;
    return std::nullopt;
}

/// Looks for the expected text across the borders of parts: `tail_` keeps one byte less than it.
bool HttpReplyCheck::matches(std::string_view part) {
    const std::string& wanted = expected_.expect_body.front().text;
    part = part.substr(0, body_limit - body_bytes_);
    body_bytes_ += part.size();
    if (!tail_.empty()) {
        const std::size_t overlap = std::min(part.size(), wanted.size() - 1);
        tail_.append(part.substr(0, overlap));
        if (tail_.find(wanted) != std::string::npos) return true;
    }
    if (part.find(wanted) != std::string_view::npos) return true;
    if (part.size() >= wanted.size() - 1) {
        tail_ = part.substr(part.size() - (wanted.size() - 1));
    } else {
        // The short part is in tail_ already, unless that was empty.
        if (tail_.empty()) tail_ = part;
        if (tail_.size() > wanted.size() - 1) tail_.erase(0, tail_.size() - (wanted.size() - 1));
    }
    return false;
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
                if (matches(parser_.body())) return Reason::l7_ok;
                if (body_bytes_ == body_limit) return Reason::l7_body;
                break;
            case Step::complete:
                return Reason::l7_body;
            case Step::failed:
                return parser_.failure();
        }
    }
}

Reason HttpReplyCheck::end_of_input() {
    return parser_.end_of_input() == Step::complete ? Reason::l7_body : parser_.failure();
}

}  // namespace muster::checker
