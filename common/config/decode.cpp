#include "common/config/decode.hpp"

#include "common/config/fleet_codec.hpp"
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

/// Takes what is defined, no name of a kind twice.
template <class Spec>
class Definitions {
 public:
    explicit Definitions(std::string_view kind) : kind_(kind) {}

    void add(Spec spec, const Value& name) {
        const int line = name.node().place.line;
        const auto [first, is_new] = lines_.emplace(spec.name, line);
        if (!is_new && !spec.name.empty()) {
            name.refuse(fmt::format("is {} {} a second time; the first is in line {}",
                                    kind_,
                                    spec.name.str(),
                                    first->second));
            return;
        }
        specs_.push_back(std::move(spec));
    }
    [[nodiscard]] std::vector<Spec> take() { return std::move(specs_); }

 private:
    std::string_view kind_;
    std::vector<Spec> specs_;
    std::map<decltype(Spec::name), int> lines_;
};

struct Defined {
    Definitions<GroupSpec> groups{"group"};
    Definitions<FleetSpec> fleets{"fleet"};
};

enum class Kind { group, fleet };

/// What the document says; where it says nothing that we know, what it looks like.
Kind read_kind(const Fields& fields) {
    if (const auto kind = fields.require("kind", "Group or Fleet")) {
        const Node& word = kind->node();
        if (word.is_scalar() && word.text == "Group") return Kind::group;
        if (word.is_scalar() && word.text == "Fleet") return Kind::fleet;
        kind->refuse_type("Group or Fleet");
    }
    const auto spec = fields.find("spec");
    const bool listens =
        spec && spec->node().kind == Node::Kind::map && has_key(spec->node(), "listeners");
    return listens ? Kind::fleet : Kind::group;
}

void decode_document(const Value& document, std::size_t max_backends, Defined& defined) {
    const Fields fields(document, {"kind", "name", "spec"});
    const Kind kind = read_kind(fields);
    const bool is_group = kind == Kind::group;
    const auto spec =
        fields.require("spec", is_group ? "a map with at least backends" : "a map with listeners");
    const auto name = fields.require("name", is_group ? "the group's name" : "the fleet's name");
    const std::string named = name ? read_text(*name, rules::name).value_or("") : "";
    const Value& place = name ? *name : document;
    switch (kind) {
        case Kind::group: {
            GroupSpec group = spec ? decode_group_spec(*spec, max_backends) : GroupSpec{};
            group.name = GroupName(named);
            defined.groups.add(std::move(group), place);
            return;
        }
        case Kind::fleet: {
            FleetSpec fleet = spec ? decode_fleet_spec(*spec) : FleetSpec{};
            fleet.name = FleetName(named);
            defined.fleets.add(std::move(fleet), place);
            return;
        }
    }
}

/// A name that was not read from a document.
void refuse_odd_name(std::string_view kind, std::string_view name, ProblemList& problems) {
    if (const auto complaint = rules::name(name); !complaint.empty())
        problems.add("name", {}, fmt::format("is not a {} name; {}", kind, complaint));
}

}  // namespace

Decoded decode(std::string_view text, const Limits& limits) {
    ProblemList problems;
    const std::vector<Node> documents = read_documents(
        text, {.bytes = limits.document_bytes, .documents = limits.documents}, problems);
    if (documents.empty() && problems.empty())
        problems.add("", {}, "the text is empty; must be a document of kind: Group or Fleet");
    Defined defined;
    for (const Node& document : documents) {
        const Value root(document, problems);
        if (is_legacy_blob(document)) {
            for (const Value& group : entries_of(root, limits.documents))
                defined.groups.add(decode_legacy_group(group, limits.backends), group);
        } else {
            decode_document(root, limits.backends, defined);
        }
    }
    return {.groups = defined.groups.take(),
            .fleets = defined.fleets.take(),
            .problems = problems.take()};
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
    refuse_odd_name("group", name.str(), problems);
    return {.group = std::move(group), .problems = problems.take()};
}

DecodedFleet decode_fleet(const FleetName& name, const boost::json::value& spec) {
    ProblemList problems;
    const Node root{.kind = Node::Kind::map};
    const Value document(root, problems);
    const Node node = to_node(spec);
    FleetSpec fleet = decode_fleet_spec(Value(node, document, "spec"));
    fleet.name = name;
    refuse_odd_name("fleet", name.str(), problems);
    return {.fleet = std::move(fleet), .problems = problems.take()};
}

}  // namespace muster::config
