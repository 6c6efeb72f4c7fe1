#include "checker/reply_expectation.hpp"

#include "checker/reply_matches.hpp"

#include <algorithm>
#include <string>

namespace muster::checker {

ReplyExpectation::ReplyExpectation(const config::HttpCheck& expected,
                                   PatternCache& patterns,
                                   const config::IntentSource* source)
    : expected_(expected),
      patterns_(patterns),
      source_(source),
      use_(use_of_body(expected, source)) {}

ReplyExpectation::Body ReplyExpectation::use_of_body(const config::HttpCheck& expected,
                                                     const config::IntentSource* source) {
    if (!expected.expect_json.empty() || (source != nullptr && source->json)) return Body::kept;
    if (expected.expect_body.empty()) return Body::ignored;
    const config::TextMatch& first = expected.expect_body.front();
    return expected.expect_body.size() == 1 && !first.regex && !first.negate ? Body::searched
                                                                             : Body::kept;
}

bool ReplyExpectation::expects(std::uint16_t status) const {
    if (!expected_.expect_status_regex.empty())
        return holds({.text = expected_.expect_status_regex, .regex = true},
                     std::to_string(status),
                     patterns_);
    const auto within = [status](const config::StatusRange& range) {
        return status >= range.first && status <= range.last;
    };
    if (!expected_.expect_not_status.empty())
        return std::ranges::none_of(expected_.expect_not_status, within);
    return std::ranges::any_of(expected_.expect_status, within);
}

std::optional<Reason> ReplyExpectation::on_header(std::uint16_t status, std::string_view fields) {
    if (source_ != nullptr && !source_->header.empty()) {
        if (const auto line = field_value(fields, source_->header)) intent_ = parse_intent(*line);
    }
    if (!expects(status)) return Reason::l7_status;
    if (!hold(expected_.expect_headers, fields, patterns_)) return Reason::l7_header;
    if (use_ == Body::ignored) return Reason::l7_ok;
    return std::nullopt;
}

/// Looks for the wanted text across the borders of parts: `body_` keeps one byte less than it.
bool ReplyExpectation::finds(std::string_view part) {
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

std::optional<Reason> ReplyExpectation::on_body(std::string_view part) {
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

Reason ReplyExpectation::on_end() {
    // The header goes before the body, should both say something.
    if (source_ != nullptr && source_->json && !intent_)
        intent_ = parse_intent_json(body_, source_->json_pointer);
    if (use_ == Body::searched) return Reason::l7_body;
    const bool texts_hold = std::ranges::all_of(expected_.expect_body, [this](const auto& match) {
        return holds(match, body_, patterns_);
    });
    if (!texts_hold) return Reason::l7_body;
    return hold(expected_.expect_json, body_) ? Reason::l7_ok : Reason::l7_json;
}

}  // namespace muster::checker
