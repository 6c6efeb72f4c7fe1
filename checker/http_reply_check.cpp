#include "checker/http_reply_check.hpp"

namespace muster::checker {

namespace {

using Step = HttpReplyParser::Step;

HttpReplyParser::Method method_of(const config::HttpCheck& check) {
    return check.method == "HEAD" ? HttpReplyParser::Method::head : HttpReplyParser::Method::other;
}

}  // namespace

HttpReplyCheck::HttpReplyCheck(const config::HttpCheck& expected, PatternCache& patterns)
    : expectation_(expected, patterns), parser_(method_of(expected)) {
    if (expectation_.wants_fields()) parser_.keep_fields();
}

std::uint16_t HttpReplyCheck::status() const {
    return header_done_ ? parser_.status() : std::uint16_t{0};
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
                header_done_ = true;
                if (const auto verdict = expectation_.on_header(parser_.status(), parser_.fields()))
                    return verdict;
                break;
            case Step::body:
                if (const auto verdict = expectation_.on_body(parser_.body())) return verdict;
                break;
            case Step::complete:
                return expectation_.on_end();
            case Step::failed:
                return parser_.failure();
        }
    }
}

Reason HttpReplyCheck::end_of_input() {
    return parser_.end_of_input() == Step::complete ? expectation_.on_end() : parser_.failure();
}

}  // namespace muster::checker
