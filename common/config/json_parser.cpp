#include "common/config/parsers.hpp"
#include "common/config/problem_list.hpp"
#include "common/config/tree_builder.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

#include <limits>
#include <string>
#include <utility>

namespace muster::config {
namespace {

namespace json = boost::json;

/// Walks the tokens of a JSON text beside the parser, because that one tells no places. Only asked
/// for tokens that the parser has seen already, so it need not judge them.
class TokenPlaces {
 public:
    explicit TokenPlaces(std::string_view text) : text_(text) {}

    /// The place of the next value or key.
    [[nodiscard]] Place next() {
        while (at_ < text_.size() && std::string_view(" \t\r\n,:]}").contains(text_[at_])) step();
        const Place place = place_;
        if (at_ >= text_.size()) return place;
        const char first = text_[at_];
        step();
        if (first == '"') {
            skip_string();
        } else if (first != '{' && first != '[') {
            while (at_ < text_.size() && !std::string_view(" \t\r\n,:]}").contains(text_[at_]))
                step();
        }
        return place;
    }

    /// The place of a byte not before the last token.
    [[nodiscard]] Place at_offset(std::size_t offset) {
        while (at_ < offset && at_ < text_.size()) step();
        return place_;
    }

 private:
    void skip_string() {
        while (at_ < text_.size() && text_[at_] != '"') {
            if (text_[at_] == '\\') step();
            if (at_ < text_.size()) step();
        }
        if (at_ < text_.size()) step();
    }

    void step() {
        if (text_[at_] == '\n') {
            ++place_.line;
            place_.column = 1;
        } else {
            ++place_.column;
        }
        ++at_;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    Place place_{.line = 1, .column = 1};
};

/// The handler that json::basic_parser calls; the names and constants are its contract. Numbers
/// keep their text: the decoders judge it, as they do with YAML's.
class TreeEvents {
 public:
    // The bounds are ours: TextLimits.
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_object_size = max_array_size;
    static constexpr std::size_t max_string_size = max_array_size;
    static constexpr std::size_t max_key_size = max_array_size;

    TreeEvents(std::string_view text, std::size_t max_values) : places_(text), tree_(max_values) {}

    [[nodiscard]] TreeBuilder& tree() { return tree_; }
    [[nodiscard]] TokenPlaces& places() { return places_; }
    [[nodiscard]] Place last() const { return last_; }

    bool on_document_begin(json::error_code& /*ec*/) { return true; }
    bool on_document_end(json::error_code& /*ec*/) { return true; }

    bool on_object_begin(json::error_code& ec) { return begin(Node::Kind::map, ec); }
    bool on_array_begin(json::error_code& ec) { return begin(Node::Kind::list, ec); }
    bool on_object_end(std::size_t /*n*/, json::error_code& /*ec*/) { return end(); }
    bool on_array_end(std::size_t /*n*/, json::error_code& /*ec*/) { return end(); }

    bool on_key_part(json::string_view part, std::size_t /*n*/, json::error_code& /*ec*/) {
        return gather(part);
    }
    bool on_key(json::string_view part, std::size_t /*n*/, json::error_code& ec) {
        gather(part);
        return add(Node::Kind::text, ec);
    }
    bool on_string_part(json::string_view part, std::size_t /*n*/, json::error_code& /*ec*/) {
        return gather(part);
    }
    bool on_string(json::string_view part, std::size_t /*n*/, json::error_code& ec) {
        gather(part);
        return add(Node::Kind::text, ec);
    }
    bool on_number_part(json::string_view part, json::error_code& /*ec*/) { return gather(part); }
    bool on_int64(std::int64_t /*value*/, json::string_view part, json::error_code& ec) {
        gather(part);
        return add(Node::Kind::plain, ec);
    }
    bool on_uint64(std::uint64_t /*value*/, json::string_view part, json::error_code& ec) {
        gather(part);
        return add(Node::Kind::plain, ec);
    }
    bool on_double(double /*value*/, json::string_view part, json::error_code& ec) {
        gather(part);
        return add(Node::Kind::plain, ec);
    }
    bool on_bool(bool value, json::error_code& ec) {
        text_ = value ? "true" : "false";
        return add(Node::Kind::plain, ec);
    }
    bool on_null(json::error_code& ec) { return add(Node::Kind::null, ec); }
    bool on_comment_part(json::string_view /*part*/, json::error_code& /*ec*/) { return true; }
    bool on_comment(json::string_view /*part*/, json::error_code& /*ec*/) { return true; }

 private:
    bool gather(json::string_view part) {
        text_.append(part.data(), part.size());
        return true;
    }

    bool begin(Node::Kind kind, json::error_code& ec) {
        last_ = places_.next();
        return tree_.begin(kind, last_) || stop(ec);
    }

    bool end() {
        tree_.end();
        return true;
    }

    bool add(Node::Kind kind, json::error_code& ec) {
        last_ = places_.next();
        return tree_.scalar({.kind = kind, .place = last_, .text = std::exchange(text_, {})}) ||
               stop(ec);
    }

    static bool stop(json::error_code& ec) {
        ec = json::error::object_too_large;
        return false;
    }

    TokenPlaces places_;
    TreeBuilder tree_;
    Place last_;
    std::string text_;
};

}  // namespace

void parse_json(std::string_view text,
                const TextLimits& limits,
                std::vector<Node>& documents,
                ProblemList& problems) {
    json::parse_options options;
    options.max_depth = max_depth + 1;  // the tree's own bound speaks first, and more clearly
    json::basic_parser<TreeEvents> parser(options, text, limits.values);
    json::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    TreeEvents& events = parser.handler();
    if (!error && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos)
        error = json::error::extra_data;
    if (!error) {
        if (std::optional<Node> document = events.tree().take())
            documents.push_back(std::move(*document));
        return;
    }
    const bool refused = !events.tree().refusal().empty();
    const Place place = refused ? events.last() : events.places().at_offset(read);
    problems.add(
        events.tree().path(),
        place,
        refused ? events.tree().refusal() : fmt::format("is not JSON: {}", error.message()));
}

}  // namespace muster::config
