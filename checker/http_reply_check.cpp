#include "checker/http_reply_check.hpp"

#include "checker/reply_matches.hpp"

#include <utility>

namespace muster::checker {

namespace {

using Step = HttpReplyParser::Step;

HttpReplyParser::Method method_of(const config::HttpCheck& check) {
    return check.method == "HEAD" ? HttpReplyParser::Method::head : HttpReplyParser::Method::other;
}

}  // namespace

HttpReplyCheck::HttpReplyCheck(const config::HttpCheck& expected,
                               PatternCache& patterns,
                               const config::IntentSource* source)
    : expectation_(expected, patterns, source), parser_(method_of(expected)) {
    if (expectation_.wants_fields()) parser_.keep_fields();
}

std::uint16_t HttpReplyCheck::status() const {
    return header_done_ ? parser_.status() : std::uint16_t{0};
}

void HttpReplyCheck::on_redirect(Follow follow) {
    follow_ = std::move(follow);
    parser_.keep_fields();
}

bool HttpReplyCheck::is_followed() const {
    if (!follow_) return false;
    switch (parser_.status()) {
        case 301:
        case 302:
        case 303:
        case 307:
        case 308:
            break;
        default:
            return false;
    }
    const auto location = field_value(parser_.fields(), "location");
    return location && follow_(parser_.status(), *location);
}

std::optional<Reason> HttpReplyCheck::settle(std::optional<Reason> verdict) {
    if (!verdict || !waits_) return verdict;
    if (!verdict_) verdict_ = verdict;
    return std::nullopt;
}

std::optional<Reason> HttpReplyCheck::add(std::string_view bytes) {
    const bool over = bytes.size() > total_limit - total_;
    if (over) bytes = bytes.substr(0, total_limit - total_);
    total_ += bytes.size();
    for (;;) {
        switch (parser_.next(bytes)) {
            case Step::need_more:
                if (total_ == total_limit) return verdict_ ? *verdict_ : Reason::l7_too_large;
                return std::nullopt;
            case Step::header_done:
                header_done_ = true;
                if (is_followed()) {
                    redirected_ = true;
                    return std::nullopt;
                }
                if (const auto verdict =
                        settle(expectation_.on_header(parser_.status(), parser_.fields())))
                    return verdict;
                break;
            case Step::body:
                if (verdict_) break;
                if (const auto verdict = settle(expectation_.on_body(parser_.body())))
                    return verdict;
                break;
            case Step::complete:
                left_over_ = !bytes.empty();
                return verdict_ ? *verdict_ : expectation_.on_end();
            case Step::failed:
                return verdict_ ? *verdict_ : parser_.failure();
        }
    }
}

Reason HttpReplyCheck::end_of_input() {
    if (verdict_) return *verdict_;
    return parser_.end_of_input() == Step::complete ? expectation_.on_end() : parser_.failure();
}

}  // namespace muster::checker
