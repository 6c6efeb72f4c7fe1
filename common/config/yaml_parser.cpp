#include "common/config/parsers.hpp"
#include "common/config/problem_list.hpp"
#include "common/config/tree_builder.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <utility>

namespace muster::config {
namespace {

/// Leaves yaml-cpp in the middle of a text.
struct Stop {
    Place place;
    std::string what;
};

Place place_of(const YAML::Mark& mark) {
    return {.line = mark.line + 1, .column = mark.column + 1};
}

/// Events rather than yaml-cpp's own tree: that one drops duplicate keys, follows aliases (a few
/// lines can stand for gigabytes) and forgets which scalars were quoted.
class TreeEvents final : public YAML::EventHandler {
 public:
    TreeEvents(std::string_view text, std::size_t max_values, ProblemList& problems)
        : text_(text), problems_(problems), tree_(max_values) {}

    [[nodiscard]] std::optional<Node> take() { return tree_.take(); }
    [[nodiscard]] const TreeBuilder& tree() const { return tree_; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        // After a value that it can't go on with (a stray bracket), yaml-cpp begins a new document
        // of nothing in the same place, for ever.
        const bool marked = text_.substr(std::min(static_cast<std::size_t>(mark.pos), text_.size()))
                                .starts_with("---");
        if (!std::exchange(first_document_, false) && !marked)
            throw Stop{place_of(mark),
                       "is not YAML: the document ends before this; one more must "
                       "begin with ---"};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        // Of a field without a value yaml-cpp tells where the next token is, often lines below.
        Place place = place_of(mark);
        if (const Node* key = tree_.open_key(); key != nullptr && key->place.line < place.line)
            place = key->place;
        add({.kind = Node::Kind::null, .place = place});
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        report(mark, "is an alias (*); these are not read, write the value itself");
        add({.kind = Node::Kind::refused, .place = place_of(mark)});
    }

    void OnScalar(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_anchor(mark, anchor);
        if (refuse_tag(mark, tag)) {
            add({.kind = Node::Kind::refused, .place = place_of(mark), .text = value});
            return;
        }
        const bool quoted = tag != "?";
        if (tree_.wants_key() && !quoted && value == "<<") {
            report(mark, "has a merge key (<<); these are not read, write the fields themselves");
            add({.kind = Node::Kind::refused, .place = place_of(mark), .text = value});
            return;
        }
        add({.kind = quoted ? Node::Kind::text : Node::Kind::plain,
             .place = place_of(mark),
             .text = value});
    }

    void OnSequenceStart(const YAML::Mark& mark,
                         const std::string& tag,
                         YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        begin(Node::Kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { tree_.end(); }

    void OnMapStart(const YAML::Mark& mark,
                    const std::string& tag,
                    YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        begin(Node::Kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { tree_.end(); }

 private:
    void add(Node node) {
        const Place place = node.place;
        if (!tree_.scalar(std::move(node))) throw Stop{place, tree_.refusal()};
    }

    void begin(Node::Kind kind,
               const YAML::Mark& mark,
               const std::string& tag,
               YAML::anchor_t anchor) {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (!tree_.begin(kind, place_of(mark))) throw Stop{place_of(mark), tree_.refusal()};
    }

    void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor == YAML::NullAnchor) return;
        report(mark, "has an anchor (&); anchors and aliases are not read");
    }

    bool refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        // yaml-cpp's own marks for "no tag": ? for plain values, ! for quoted ones.
        if (tag.empty() || tag == "?" || tag == "!") return false;
        report(mark, "has a tag (!); tags are not read");
        return true;
    }

    void report(const YAML::Mark& mark, std::string what) {
        problems_.add(tree_.path(), place_of(mark), std::move(what));
    }

    std::string_view text_;
    ProblemList& problems_;
    TreeBuilder tree_;
    bool first_document_ = true;
};

/// Reads a text where it lies, then one more character: a comment sign. yaml-cpp 0.7 takes a quoted
/// text that is cut off after a line end as a whole one; with the comment sign it sees the cut.
class TextBuffer final : public std::streambuf {
 public:
    explicit TextBuffer(std::string_view text) : has_tail_(text.ends_with('\n')) {
        // streambuf wants char*, but only reads.
        char* begin = const_cast<char*>(text.data());
        setg(begin, begin, begin + text.size());
    }

 protected:
    int_type underflow() override {
        if (!has_tail_) return traits_type::eof();
        has_tail_ = false;
        setg(&tail_, &tail_, &tail_ + 1);
        return traits_type::to_int_type(tail_);
    }

 private:
    char tail_ = '#';
    bool has_tail_;
};

/// What is wrong most often where yaml-cpp's own words don't help.
std::string_view hint(std::string_view text, int line) {
    for (int at = 1; at < line; ++at) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return "";
        text.remove_prefix(end + 1);
    }
    const std::size_t content = std::min(text.find_first_not_of(" \t"), text.size());
    return text.substr(0, content).contains('\t')
               ? "; the line is indented with a tab, YAML wants spaces"
               : "";
}

}  // namespace

void parse_yaml(std::string_view text,
                const TextLimits& limits,
                std::vector<Node>& documents,
                ProblemList& problems) {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    TreeEvents events(text, limits.values, problems);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(events)) {
            std::optional<Node> document = events.take();
            if (!document || document->kind == Node::Kind::null) continue;
            if (documents.size() == limits.documents) {
                problems.add("",
                             document->place,
                             fmt::format("is one document too many; at most {} are read at once",
                                         limits.documents));
                return;
            }
            documents.push_back(std::move(*document));
        }
    } catch (const Stop& stop) {
        problems.add(events.tree().path(), stop.place, stop.what);
    } catch (const YAML::Exception& error) {
        const Place place = error.mark.is_null() ? Place{} : place_of(error.mark);
        problems.add(events.tree().path(),
                     place,
                     fmt::format("is not YAML: {}{}", error.msg, hint(text, place.line)));
    }
}

}  // namespace muster::config
