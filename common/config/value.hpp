#pragma once

#include "common/config/decode.hpp"
#include "common/config/document.hpp"
#include "common/config/problem_list.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What decoders are written with: values that know their path, fields of maps, and strict readers
// of scalars. All problems go to one list and reading goes on, so that a user sees all of them.
namespace muster::config {

/// A node and how it was reached. Lives on the stack of its decoder; refers to its parent there.
class Value {
 public:
    Value(const Node& root, ProblemList& problems) : node_(root), problems_(problems) {}
    Value(const Node& node, const Value& parent, std::string_view key)
        : node_(node), problems_(parent.problems_), parent_(&parent), key_(key) {}
    Value(const Node& node, const Value& parent, std::size_t index)
        : node_(node), problems_(parent.problems_), parent_(&parent), index_(index) {}

    /// Another node in the place of this one.
    [[nodiscard]] Value with(const Node& node) const {
        Value other(node, problems_);
        other.parent_ = parent_;
        other.key_ = key_;
        other.index_ = index_;
        return other;
    }

    [[nodiscard]] const Node& node() const { return node_; }
    [[nodiscard]] std::string path() const;
    /// The key under which it stands; empty in a list.
    [[nodiscard]] std::string_view key() const { return key_; }

    /// "<path>: <what>", at this value.
    void refuse(std::string what) const;
    /// "<path>: is a list; <complaint>". Silent for what is already reported.
    void refuse_found(std::string_view complaint) const;
    /// "<path>: is a list; must be <right>".
    void refuse_type(std::string_view right) const;

 private:
    const Node& node_;
    ProblemList& problems_;
    const Value* parent_ = nullptr;
    std::string_view key_;
    std::optional<std::size_t> index_;
};

/// The fields of one map. Reports a value that is no map, duplicate keys, and keys that are not
/// `known`, with the nearest known one.
class Fields {
 public:
    Fields(const Value& map, std::vector<std::string_view> known);

    [[nodiscard]] std::optional<Value> find(std::string_view name) const;
    /// As find(), and reports its absence; `right` says what it would be.
    [[nodiscard]] std::optional<Value> require(std::string_view name, std::string_view right) const;

 private:
    const Value& map_;
    bool is_map_ = false;
    std::vector<std::pair<std::string_view, const Node*>> found_;
};

/// The field of `map` that is there, of these; they exclude each other. Nothing, and reported, when
/// it has several of them or no field at all.
[[nodiscard]] std::optional<std::pair<std::string_view, Value>> only_field(
    const Value& map, const Fields& fields, const std::vector<std::string_view>& names);

/// A map with free keys (labels, headers, groups of the legacy blob) or a list, after the check
/// that it is one. Reports duplicate keys and more than `most` entries.
[[nodiscard]] std::vector<Value> entries_of(const Value& map, std::size_t most);
[[nodiscard]] std::vector<Value> elements_of(const Value& list, std::size_t most);

/// A number that is meant to be whole; both bounds inclusive.
struct IntRange {
    std::int64_t least;
    std::int64_t most;
};
struct DurationRange {
    Duration least;
    Duration most;
};
/// What a text must be: answers a complaint ("must ..."), or nothing when all is well.
using TextRule = std::string_view (*)(std::string_view);

[[nodiscard]] std::optional<std::string> read_text(const Value& value, TextRule rule);
[[nodiscard]] std::optional<std::int64_t> read_int(const Value& value, IntRange range);
[[nodiscard]] std::optional<bool> read_bool(const Value& value);
[[nodiscard]] std::optional<Duration> read_duration(const Value& value, DurationRange range);

/// Reads a field into its place in the model, which keeps its default when the field is absent or
/// wrong.
void read_text(const Fields& fields, std::string_view name, std::string& into, TextRule rule);
void read_int(const Fields& fields, std::string_view name, int& into, IntRange range);
void read_bool(const Fields& fields, std::string_view name, bool& into);
void read_duration(const Fields& fields,
                   std::string_view name,
                   Duration& into,
                   DurationRange range);

/// The candidate with the fewest edits, if it is near enough to be meant.
[[nodiscard]] std::optional<std::string_view> nearest(
    std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace muster::config
