#include "scaler/promql_selectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace muster::scaler::prometheus {
namespace {

using namespace std::string_view_literals;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

template <std::size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& words) {
    return std::ranges::find(words, word) != words.end();
}

/// What is followed by a list of labels in parentheses.
constexpr std::array label_lists{
    "by"sv, "without"sv, "on"sv, "ignoring"sv, "group_left"sv, "group_right"sv};
constexpr std::array operators{
    "and"sv, "or"sv, "unless"sv, "atan2"sv, "offset"sv, "bool"sv, "inf"sv, "nan"sv};
constexpr std::array aggregators{"sum"sv,
                                 "min"sv,
                                 "max"sv,
                                 "avg"sv,
                                 "count"sv,
                                 "group"sv,
                                 "stddev"sv,
                                 "stdvar"sv,
                                 "topk"sv,
                                 "bottomk"sv,
                                 "quantile"sv,
                                 "count_values"sv,
                                 "limitk"sv,
                                 "limit_ratio"sv};

/// Words of PromQL, from front to back. `broken()`: a quote or bracket that isn't closed.
class Words {
 public:
    explicit Words(std::string_view text) : text_(text) {}

    [[nodiscard]] bool broken() const { return broken_; }
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] std::string_view since(std::size_t begin) const {
        return text_.substr(begin, at_ - begin);
    }

    /// The next letter that counts; 0: the end.
    char peek() {
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size() - 1);
            } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
                return c;
            }
        }
        return '\0';
    }
    void skip() { ++at_; }

    std::string_view word() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
        return since(begin);
    }
    /// A number or a duration.
    void skip_number() {
        while (at_ < text_.size() &&
               (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.'))
            ++at_;
    }
    void skip_string() {
        const char quote = text_[at_++];
        while (at_ < text_.size() && text_[at_] != quote) {
            if (text_[at_] == '\\' && quote != '`') ++at_;
            ++at_;
        }
        end_at(at_ + 1);
    }
    /// From an opening bracket to the one that closes it; there are none inside but in strings.
    void skip_to(char closing) {
        ++at_;
        for (char c = peek(); c != closing; c = peek()) {
            if (c == '\0') return end_at(text_.size() + 1);
            if (c == '"' || c == '\'' || c == '`') {
                skip_string();
            } else {
                ++at_;
            }
        }
        end_at(at_ + 1);
    }

 private:
    void end_at(std::size_t at) {
        broken_ = broken_ || at > text_.size();
        at_ = std::min(at, text_.size());
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool broken_ = false;
};

/// A word that begins here; a selector, or something else that is passed over.
std::optional<std::string_view> read_word(Words& words) {
    const std::size_t begin = words.at();
    const std::string_view word = words.word();
    const std::string folded = lower(word);
    const char next = words.peek();
    if (is_one_of(folded, label_lists)) {
        if (next == '(') words.skip_to(')');
        return std::nullopt;
    }
    if (next == '(' || is_one_of(folded, operators)) return std::nullopt;
    if (is_one_of(folded, aggregators) && is_letter(next)) {
        Words ahead = words;
        const std::string following = lower(ahead.word());
        if (following == "by" || following == "without") return std::nullopt;
    }
    if (next != '{') return word;
    words.skip_to('}');
    return words.since(begin);
}

}  // namespace

tl::expected<std::vector<std::string>, std::string> selectors_of(std::string_view query) {
    if (query.size() > longest_query)
        return tl::unexpected(fmt::format("longer than {} bytes", longest_query));
    std::vector<std::string> found;
    const auto add = [&found](std::string_view selector) {
        if (std::ranges::find(found, selector) == found.end()) found.emplace_back(selector);
    };
    Words words(query);
    for (char c = words.peek(); c != '\0' && !words.broken(); c = words.peek()) {
        const std::size_t begin = words.at();
        if (is_letter(c)) {
            if (const auto selector = read_word(words)) add(*selector);
        } else if (is_digit(c) || c == '.') {
            words.skip_number();
        } else if (c == '"' || c == '\'' || c == '`') {
            words.skip_string();
        } else if (c == '{') {
            words.skip_to('}');
            add(words.since(begin));
        } else if (c == '[') {
            words.skip_to(']');
        } else {
            words.skip();
        }
    }
    if (words.broken()) return tl::unexpected(std::string("a quote or bracket is not closed"));
    if (found.empty())
        return tl::unexpected(std::string("no series is read, so no age can be known"));
    if (found.size() > most_selectors)
        return tl::unexpected(
            fmt::format("{} selectors, of which {} can be followed", found.size(), most_selectors));
    return found;
}

std::string age_query(const std::vector<std::string>& selectors, std::string_view instance_label) {
    std::string times;
    for (std::size_t i = 0; i < selectors.size(); ++i) {
        // The number keeps `or` from dropping the same labels of another metric. A line end, for
        // comments.
        times += fmt::format("{}label_replace(timestamp({}\n),\"{}\",\"{}\",\"\",\"\")",
                             i == 0 ? "" : " or ",
                             selectors[i],
                             selector_label,
                             i);
    }
    return instance_label.empty()
               ? fmt::format("min by ({}) ({})", selector_label, times)
               : fmt::format("min by ({}, {}) ({})", instance_label, selector_label, times);
}

bool is_label_name(std::string_view text) {
    return !text.empty() && !is_digit(text.front()) && std::ranges::all_of(text, [](char c) {
        return c != ':' && (is_letter(c) || is_digit(c));
    });
}

}  // namespace muster::scaler::prometheus
