#include "common/config/decode.hpp"

#include "common/config/group_decoder.hpp"
#include "common/config/json_node.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace muster::config {
namespace {

bool has_key(const Node& map, std::string_view key) {
    for (std::size_t i = 0; i < map.items.size(); i += 2)
        if (map.items[i].text == key) return true;
    return false;
}

/// A map of groups without `kind`. A blob in which a group is named "kind" or "spec" is not one.
bool is_legacy_blob(const Node& document) {
    if (document.kind != Node::Kind::map || has_key(document, "kind") || has_key(document, "spec"))
        return false;
    for (std::size_t i = 1; i < document.items.size(); i += 2)
        if (document.items[i].kind == Node::Kind::map) return true;
    return false;
}

/// Adds groups, no name twice.
class Groups {
 public:
    void add(GroupSpec group, const Value& name) {
        const int line = name.node().place.line;
        const auto [first, is_new] = lines_.emplace(group.name, line);
        if (!is_new && !group.name.empty()) {
            name.refuse(fmt::format("is group {} a second time; the first is in line {}",
                                    group.name.str(),
                                    first->second));
            return;
        }
        groups_.push_back(std::move(group));
    }
    [[nodiscard]] std::vector<GroupSpec> take() { return std::move(groups_); }

 private:
    std::vector<GroupSpec> groups_;
    std::map<GroupName, int> lines_;
};

void decode_group(const Value& document, std::size_t max_backends, Groups& groups) {
    const Fields fields(document, {"kind", "name", "spec"});
    if (const auto kind = fields.require("kind", "Group")) {
        if (kind->node().text != "Group") kind->refuse_type("Group");
    }
    GroupSpec group;
    if (const auto spec = fields.require("spec", "a map with at least backends"))
        group = decode_group_spec(*spec, max_backends);
    const auto name = fields.require("name", "the group's name");
    if (name) group.name = GroupName(read_text(*name, rules::name).value_or(""));
    groups.add(std::move(group), name ? *name : document);
}

}  // namespace

Decoded decode(std::string_view text, const Limits& limits) {
    ProblemList problems;
    const std::vector<Node> documents = read_documents(
        text, {.bytes = limits.document_bytes, .documents = limits.documents}, problems);
    if (documents.empty() && problems.empty())
        problems.add("", {}, "the text is empty; must be a document of kind: Group");
    Groups groups;
    for (const Node& document : documents) {
        const Value root(document, problems);
        if (is_legacy_blob(document)) {
            for (const Value& group : entries_of(root, limits.documents))
                groups.add(decode_legacy_group(group, limits.backends), group);
        } else {
            decode_group(root, limits.backends, groups);
        }
    }
    return {.groups = groups.take(), .problems = problems.take()};
}

DecodedParts decode_parts(const GroupName& name,
                          const boost::json::value& spec_without_backends,
                          const std::vector<boost::json::value>& backend_lists) {
    // Joined to one document, so that the rules are those of decode() and duplicates are found
    // across the parts.
    Node list{.kind = Node::Kind::list};
    ProblemList problems;
    for (const boost::json::value& part : backend_lists) {
        Node elements = to_node(part);
        if (elements.kind != Node::Kind::list)
            problems.add("spec.backends", {}, "has a part that is not a list of backends");
        std::ranges::move(elements.items, std::back_inserter(list.items));
    }
    Node spec = to_node(spec_without_backends);
    if (spec.kind == Node::Kind::map) {
        spec.items.push_back({.kind = Node::Kind::text, .text = "backends"});
        spec.items.push_back(std::move(list));
    }
    Node root{.kind = Node::Kind::map};
    const Value document(root, problems);
    GroupSpec group = decode_group_spec(Value(spec, document, "spec"), Limits{}.backends);
    group.name = name;
    if (const auto complaint = rules::name(name.str()); !complaint.empty())
        problems.add("name", {}, fmt::format("is not a group name; {}", complaint));
    return {.group = std::move(group), .problems = problems.take()};
}

}  // namespace muster::config
