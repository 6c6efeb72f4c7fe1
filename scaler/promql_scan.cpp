#include "scaler/promql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::scaler::promql {
namespace {

bool is_word_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_in_word(char c) {
    return is_word_start(c) || is_digit(c);
}

class Scanner {
 public:
    explicit Scanner(std::string_view query) : query_(query) {}

    Scan run() {
        while (at_ < query_.size() && scan_.complaint.empty()) step();
        if (scan_.complaint.empty() && !open_.empty())
            complain(fmt::format(
                "has a {} at byte {} that is never closed", innermost().text, innermost().at));
        return std::move(scan_);
    }

 private:
    [[nodiscard]] const Token& innermost() const {
        return scan_.tokens[static_cast<std::size_t>(open_.back())];
    }
    void complain(std::string what) { scan_.complaint = std::move(what); }

    void add(Kind kind, std::size_t length) {
        scan_.tokens.push_back({.kind = kind,
                                .text = query_.substr(at_, length),
                                .at = at_ + 1,
                                .within = open_.empty() ? -1 : open_.back()});
        at_ += length;
    }

    template <class Is>
    [[nodiscard]] std::size_t length_of(std::size_t from, Is is) const {
        std::size_t end = from;
        while (end < query_.size() && is(query_[end])) ++end;
        return end - from;
    }

    void step() {
        const char c = query_[at_];
        const bool digit_next = at_ + 1 < query_.size() && is_digit(query_[at_ + 1]);
        if (std::string_view(" \t\r\n").contains(c)) {
            ++at_;
        } else if (c == '#') {
            at_ = std::min(query_.find('\n', at_), query_.size());
        } else if (c == '"' || c == '\'' || c == '`') {
            quoted(c);
        } else if (is_digit(c) || (c == '.' && digit_next)) {
            number();
        } else if (c == ':' && !open_.empty() && innermost().text == "[") {
            add(Kind::sign, 1);
        } else if (is_word_start(c)) {
            add(Kind::word, length_of(at_, is_in_word));
        } else if (std::string_view("([{").contains(c)) {
            const auto index = static_cast<int>(scan_.tokens.size());
            add(Kind::open, 1);
            open_.push_back(index);
        } else if (std::string_view(")]}").contains(c)) {
            close(c);
        } else if (std::string_view("+-*/%^=!<>,~@").contains(c)) {
            add(Kind::sign, 1);
        } else {
            unknown(c);
        }
    }

    void unknown(char c) {
        if (c == '$') {
            complain(fmt::format(
                "has a $ at byte {}; variables are Grafana's, and Prometheus has none", at_ + 1));
            return;
        }
        const std::string what = c > ' ' && c < 0x7f ? std::string(1, c) : "character";
        complain(fmt::format("has a {} at byte {}, which PromQL doesn't have", what, at_ + 1));
    }

    void quoted(char quote) {
        const bool is_raw = quote == '`';
        std::size_t end = at_ + 1;
        while (end < query_.size() && query_[end] != quote) {
            if (!is_raw && query_[end] == '\n') break;
            end += !is_raw && query_[end] == '\\' ? 2 : 1;
        }
        if (end >= query_.size() || query_[end] != quote) {
            complain(fmt::format("has a {} at byte {} that is never closed", quote, at_ + 1));
            return;
        }
        add(Kind::text, end + 1 - at_);
    }

    /// 1.5, 1e-3, 0x1f, 5m, 1h30m.
    void number() {
        std::size_t length =
            length_of(at_, [](char c) { return (is_in_word(c) && c != ':') || c == '.'; });
        const std::string_view text = query_.substr(at_, length);
        const std::size_t next = at_ + length;
        const bool has_exponent =
            !text.starts_with("0x") && (text.ends_with('e') || text.ends_with('E')) &&
            next + 1 < query_.size() && (query_[next] == '+' || query_[next] == '-');
        if (has_exponent) length += 1 + length_of(next + 1, is_digit);
        add(Kind::number, length);
    }

    void close(char c) {
        constexpr std::string_view opening = "([{";
        constexpr std::string_view closing = ")]}";
        if (open_.empty()) {
            complain(fmt::format("has a {} at byte {} that nothing opens", c, at_ + 1));
            return;
        }
        const Token& last = innermost();
        if (opening.find(last.text) != closing.find(c)) {
            complain(fmt::format("has a {} at byte {}, where the {} of byte {} is open",
                                 c,
                                 at_ + 1,
                                 last.text,
                                 last.at));
            return;
        }
        open_.pop_back();
        add(Kind::close, 1);
    }

    std::string_view query_;
    std::size_t at_ = 0;
    std::vector<int> open_;
    Scan scan_;
};

}  // namespace

Scan scan(std::string_view query) {
    return Scanner(query).run();
}

}  // namespace muster::scaler::promql
