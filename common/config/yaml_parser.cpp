#include "common/config/decode.hpp"
#include "common/config/parsers.hpp"
#include "common/config/tree_builder.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <utility>

namespace muster::config {
namespace {

/// Leaves yaml-cpp in the middle of a text.
struct Stop {
    Place place;
};

Place place_of(const YAML::Mark& mark) {
    return {.line = mark.line + 1, .column = mark.column + 1};
}

/// Events rather than yaml-cpp's own tree: that one drops duplicate keys, follows aliases (a few
/// lines can stand for gigabytes) and forgets which scalars were quoted.
class TreeEvents final : public YAML::EventHandler {
 public:
    explicit TreeEvents(std::vector<Problem>& problems) : problems_(problems) {}

    [[nodiscard]] std::optional<Node> take() { return tree_.take(); }
    [[nodiscard]] const TreeBuilder& tree() const { return tree_; }

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        add({.kind = Node::Kind::null, .place = place_of(mark)});
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
        refuse_tag(mark, tag);
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
        if (!tree_.scalar(std::move(node))) throw Stop{place};
    }

    void begin(Node::Kind kind,
               const YAML::Mark& mark,
               const std::string& tag,
               YAML::anchor_t anchor) {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (!tree_.begin(kind, place_of(mark))) throw Stop{place_of(mark)};
    }

    void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor == YAML::NullAnchor) return;
        report(mark, "has an anchor (&); anchors and aliases are not read");
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        // yaml-cpp's own marks for "no tag": ? for plain values, ! for quoted ones.
        if (tag.empty() || tag == "?" || tag == "!") return;
        report(mark, "has a tag (!); tags are not read");
    }

    void report(const YAML::Mark& mark, std::string what) {
        const Place place = place_of(mark);
        problems_.push_back({.path = tree_.path(),
                             .line = place.line,
                             .column = place.column,
                             .what = std::move(what)});
    }

    std::vector<Problem>& problems_;
    TreeBuilder tree_;
};

/// std::istringstream would copy the text.
class ViewBuffer final : public std::streambuf {
 public:
    explicit ViewBuffer(std::string_view text) {
        // streambuf wants char*, but only reads.
        char* begin = const_cast<char*>(text.data());
        setg(begin, begin, begin + text.size());
    }
};

}  // namespace

void parse_yaml(std::string_view text,
                std::size_t max_documents,
                std::vector<Node>& documents,
                std::vector<Problem>& problems) {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    TreeEvents events(problems);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(events)) {
            std::optional<Node> document = events.take();
            if (!document || document->kind == Node::Kind::null) continue;
            if (documents.size() == max_documents) {
                problems.push_back(
                    {.line = document->place.line,
                     .column = document->place.column,
                     .what = fmt::format("is one document too many; at most {} are read at once",
                                         max_documents)});
                return;
            }
            documents.push_back(std::move(*document));
        }
    } catch (const Stop& stop) {
        problems.push_back({.path = events.tree().path(),
                            .line = stop.place.line,
                            .column = stop.place.column,
                            .what = events.tree().refusal()});
    } catch (const YAML::Exception& error) {
        const Place place = error.mark.is_null() ? Place{} : place_of(error.mark);
        problems.push_back({.path = events.tree().path(),
                            .line = place.line,
                            .column = place.column,
                            .what = fmt::format("is not YAML: {}", error.msg)});
    }
}

}  // namespace muster::config
